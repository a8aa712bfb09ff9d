/**
 * The document `Provisioning` → roll-outs, changes of the cluster, and what nodes go through before they take work. Nodes
 * that come later are columns of the cluster from the start (absent until then), and so is what a node that goes over to
 * another pool is there.
 */

import type { ProvisioningSettings, RepairSettings, RolloutSpec } from '../../sim/scenario.ts';
import { REPAIR_DEFAULTS } from '../../sim/world/faults/repair.ts';
import { type At, type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import type { ProvisioningSpec, RolloutInput } from '../schema/provisioning.ts';
import { quote } from '../units.ts';
import type { SourceDocument } from '../yaml.ts';
import { type CompiledCluster, findPool } from './cluster.ts';
import { bringUps, changesOf } from './provisioning-changes.ts';
import { Roster } from './provisioning-roster.ts';
import {
  DRAIN,
  drainOf,
  returnsOf,
  STEP,
  type StepKind,
  someOf,
  stepOf,
  UPDATE_FAILURE,
} from './provisioning-steps.ts';
import { checkRepair, repairOf } from './repair.ts';

/** Of the nodes of a roll-out's pools, where it states no limit: assumed. */
const MAX_UNAVAILABLE = { share: 0.1 };

export interface CompiledProvisioning {
  /** `repair`: of the fault model, where there is one. */
  settings(repair: RepairSettings | undefined): ProvisioningSettings;
}

/** Undefined where no such document is stated. Adds to the cluster the nodes that come later. */
export function compileProvisioning(
  docs: readonly CheckedDocument[],
  cluster: CompiledCluster,
  horizonUs: number,
  report: Report,
  assume: (sentence: string) => void,
): CompiledProvisioning | undefined {
  const [first, ...others] = documentsOf(docs, 'Provisioning');
  if (first === undefined) return undefined;
  for (const { source } of others) report.at(source, ['kind'], 'a second Provisioning', 'one in a scenario');
  const { source, data } = first;
  const { spec } = data;
  if (spec.repair !== undefined && documentsOf(docs, 'FaultModel').length > 0) {
    report.at(source, ['spec', 'repair'], 'repair beside a FaultModel', 'repair in the FaultModel alone');
  }
  checkRepair(spec.repair, (path, found, expected) => report.at(source, ['spec', ...path], found, expected));
  const roster = new Roster(cluster, docs, source, report);
  const settings = {
    absent: roster.absent,
    parallelImaging: spec.parallelImaging,
    newRepair: spec.newRepair,
    sparesReplace: spec.spares === 'replace',
    rollouts: spec.rollouts.map((rollout, i) => rolloutOf(rollout, i, spec, cluster, source, report)),
    changes: [...bringUps(spec, roster), ...changesOf(spec, roster, horizonUs)],
  };
  const names = new Set<string>();
  for (const [i, { name }] of spec.rollouts.entries()) {
    if (names.has(name))
      report.at(source, ['spec', 'rollouts', i, 'name'], `${quote(name)} a second time`, 'a name of its own');
    names.add(name);
  }
  const { image, 'burn-in': burnIn, check } = STEP;
  assume(
    `Provisioning: ${spec.parallelImaging} nodes are imaged at a time; where not stated, an image takes ${image.minutes} min, firmware ${STEP.firmware.minutes} min, a burn-in ${burnIn.minutes / 60} h that ${100 * burnIn.failure} % of new nodes fail, a check ${check.minutes} min that ${100 * check.failure} % fail, an update fails on ${100 * UPDATE_FAILURE} % of the nodes, and a drain waits ${DRAIN.waitUs / 3600e6} h (docs/provisioning.md).`,
  );
  return {
    settings(modelled) {
      const repair = modelled ?? repairOf(spec.repair ?? {}, REPAIR_DEFAULTS);
      return { ...settings, returns: returnsOf(spec, repair), ...(modelled === undefined && { repair }) };
    },
  };
}

function rolloutOf(
  given: RolloutInput,
  i: number,
  spec: ProvisioningSpec,
  cluster: CompiledCluster,
  source: SourceDocument,
  report: Report,
): RolloutSpec {
  const path = ['spec', 'rollouts', i];
  const at: At = (steps, found, expected) => report.at(source, [...path, ...steps], found, expected);
  const isSpot = (pool: number) => cluster.pools[pool]?.spot === true;
  const pools = (
    given.pools?.map((name, k) => findPool(cluster.pools, name, source, [...path, 'pools', k], report)) ??
    cluster.pools.map((_, pool) => pool).filter((pool) => !isSpot(pool))
  ).filter((pool) => pool >= 0);
  if (pools.some(isSpot))
    at(['pools'], 'a spot pool', 'pools that are not spot: the cloud replaces its nodes, not BCM');
  const maxUnavailable =
    given.maxUnavailable === undefined ? undefined : someOf(given.maxUnavailable, ['maxUnavailable'], at);
  const steps: Record<RolloutInput['kind'], StepKind[]> = {
    firmware: ['firmware', 'reboot', 'check'],
    image: ['image', 'reboot', 'check'],
    both: ['image', 'firmware', 'reboot', 'check'],
  };
  const failure = given.failure === undefined ? UPDATE_FAILURE : given.failure / 1000;
  const kinds = steps[given.kind];
  // The update's own chance of failure shows in its last step before the check.
  const all = kinds.map((kind) => stepOf(kind, [given, spec]));
  const last = all[all.length - 2];
  last.failure = 1 - (1 - last.failure) * (1 - failure);
  return {
    name: given.name,
    atUs: given.at,
    pools,
    steps: all,
    drain: drainOf(given.drain),
    perWave: given.nodesPerWave ?? 0,
    betweenWavesUs: given.betweenWaves ?? 0,
    // Waves that state no limit are taken whole.
    maxUnavailable:
      maxUnavailable ?? (given.nodesPerWave === undefined ? MAX_UNAVAILABLE : { count: given.nodesPerWave }),
    order: given.order,
    ...(given.pause && {
      pause: {
        failures: someOf(given.pause.failures, ['pause', 'failures'], at),
        forUs: given.pause.for === 'stop' ? Infinity : given.pause.for,
      },
    }),
    repair: given.repair,
  };
}
