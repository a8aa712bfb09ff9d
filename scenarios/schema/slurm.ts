/** What slurm.conf and sacctmgr say of partitions and QOS, in a scenario's words. */

import { z } from 'zod';
import { count, duration, name, oneOrMore } from '../fields.ts';
import { kind } from './common.ts';

const MAX_LIMIT = 1_000_000_000;

const partition = z.strictObject({
  defaultTime: duration().optional(),
  maxTime: duration().optional(),
  priorityTier: count(0, 65_533).optional(),
  priorityJobFactor: count(0, 65_533).optional(),
});

const qos = z.strictObject({
  priority: count(0, MAX_LIMIT).optional(),
  preempt: oneOrMore(name()).optional(),
  preemptMode: z.enum(['cancel', 'requeue', 'off']).optional(),
  graceTime: duration().optional(),
  preemptExemptTime: duration().optional(),
  maxWall: duration().optional(),
  maxJobsPerUser: count(0, MAX_LIMIT).optional(),
  maxGpusPerUser: count(0, MAX_LIMIT).optional(),
  grpJobs: count(0, MAX_LIMIT).optional(),
  grpGpus: count(0, MAX_LIMIT).optional(),
});

export const slurmKind = kind(
  'simsup.dev/v1',
  'Slurm',
  z.strictObject({
    partitions: z.record(z.string(), partition).prefault({}),
    qos: z.record(z.string(), qos).prefault({}),
  }),
);
