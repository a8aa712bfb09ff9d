/** File systems and data, the network between GPUs, and electricity. */

import { z } from 'zod';
import { CHECKPOINT_TIERS } from '../../sim/scenario.ts';
import { bandwidth, bytes, count, decimal, duration, flag, name, params, price, text } from '../fields.ts';
import { kind } from './common.ts';

const access = z.strictObject({ path: text(), projects: z.array(name()).min(1) });

const fileSystem = z.strictObject({
  name: name(),
  path: text().optional(),
  performance: z.enum(['good', 'better', 'best']).optional(),
  read: bandwidth().optional(),
  write: bandwidth().optional(),
  nodeRead: bandwidth().optional(),
  nodeWrite: bandwidth().optional(),
  near: z.array(name()).optional(),
  farBandwidth: bandwidth().optional(),
  capacity: bytes().optional(),
  retention: duration().prefault('0'),
  access: z.array(access).optional(),
});
export type FileSystemInput = z.output<typeof fileSystem>;

const dataset = z.strictObject({ name: name(), path: text().optional(), fileSystem: name().optional(), size: bytes() });

export const storageKind = kind(
  'simsup.dev/v1',
  'Storage',
  z
    .strictObject({
      fileSystems: z.array(fileSystem).prefault([]),
      datasets: z.array(dataset).prefault([]),
      /** Of one node's own disks, and between the memories of nodes. */
      localRead: bandwidth().optional(),
      localWrite: bandwidth().optional(),
      peerBandwidth: bandwidth().optional(),
    })
    .prefault({}),
);
export type StorageInput = z.output<typeof storageKind>['spec'];

/** What a job says of its checkpoints and data, beside how often. */
export const storageTraits = {
  modelParams: params().optional(),
  checkpointSize: bytes().optional(),
  checkpointBytesPerParam: decimal(0.01, 1000).optional(),
  checkpointMode: z.enum(['sync', 'async']).optional(),
  checkpointTier: z.enum(CHECKPOINT_TIERS).optional(),
  checkpointSharedEvery: count(0, 1_000_000).optional(),
  checkpointPath: text().optional(),
  checkpointKeep: count(1, 1_000_000).optional(),
  checkpointEverySteps: count(1, 1_000_000_000).optional(),
  dataset: name().optional(),
  allReduceSize: bytes().optional(),
};

export const networkKind = kind(
  'simsup.dev/v1',
  'Network',
  z
    .strictObject({
      enabled: flag().prefault('true'),
      algorithm: z.enum(['ring', 'tree']).prefault('ring'),
      nvlink: bandwidth().prefault('450GB/s'),
      rail: bandwidth().prefault('50GB/s'),
      spine: bandwidth().prefault('25GB/s'),
      nvlinkLatency: duration().prefault('1us'),
      railLatency: duration().prefault('5us'),
      spineLatency: duration().prefault('10us'),
    })
    .prefault({}),
);

const watts = z.record(z.string(), decimal(0, 100_000)).prefault({});
export const energyKind = kind(
  'simsup.dev/v1',
  'Energy',
  z
    .strictObject({
      pue: decimal(1, 10).optional(),
      gramsCo2PerKwh: decimal(0, 10_000).optional(),
      pricePerKwh: price().optional(),
      /** By GPU model, W a GPU with its share of the node. */
      idleWatts: watts,
      busyWatts: watts,
    })
    .prefault({}),
);
