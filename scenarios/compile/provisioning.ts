/**
 * The document `Provisioning` → roll-outs, changes of the cluster, and what nodes go through before they take work. Nodes
 * that come later are columns of the cluster from the start (absent until then), and so is what a node that goes over to
 * another pool is there.
 */

import {
  type DrainRule,
  type NodeChange,
  type NodeColumns,
  nodeColumns,
  type ProvisioningSettings,
  type ProvisioningStep,
  type RepairSettings,
  type RolloutSpec,
} from '../../sim/scenario.ts';
import { REPAIR_DEFAULTS } from '../../sim/world/faults/repair.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import type { PathStep } from '../problem.ts';
import type { ChangeInput, DrainInput, ProvisioningSpec, RolloutInput, StepInput } from '../schema/provisioning.ts';
import { quote } from '../units.ts';
import type { SourceDocument } from '../yaml.ts';
import { type CompiledCluster, concat, findPool } from './cluster.ts';
import { checkRepair, repairOf } from './repair.ts';

type Kind = ProvisioningStep['kind'];
type Steps = Partial<Record<'image' | 'firmware' | 'reboot' | 'burnIn' | 'check', StepInput>>;
type At = (path: readonly PathStep[], found: string, expected: string) => void;

const MINUTE_US = 60_000_000;
/**
 * Medians, spreads and chances of failure, each ours unless a source is named: full image 15 min (DGX; 10–20 min in labs),
 * firmware 90 min (CoreWeave's documentation: 1–2 h), reboot 8 min, burn-in 24 h (CoreWeave), checks with DCGM's
 * diagnostics of level 3, 15 min. SuperBench's validation flags 10 % of new nodes (arXiv 2402.06194), Aegis' pre-check
 * stops 1–2 % of hosts (NSDI'25).
 */
const STEP: Record<Kind, { minutes: number; sigma: number; failure: number }> = {
  image: { minutes: 15, sigma: 0.2, failure: 0 },
  firmware: { minutes: 90, sigma: 0.15, failure: 0 },
  reboot: { minutes: 8, sigma: 0.4, failure: 0 },
  'burn-in': { minutes: 1440, sigma: 0, failure: 0.1 },
  check: { minutes: 15, sigma: 0, failure: 0.015 },
};
const UPDATE_FAILURE = 0.02;
const FIELD: Record<Kind, keyof Steps> = {
  ...{ image: 'image', firmware: 'firmware', reboot: 'reboot', 'burn-in': 'burnIn', check: 'check' },
};
const DRAIN: DrainRule = { waitUs: 240 * MINUTE_US, overdue: 'preempt' };
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

// ── steps ─────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The nearest that says something counts: what is updated, then the document, then the default. */
function stepOf(kind: Kind, stated: readonly Steps[], otherwise: Partial<{ minutes: number; failure: number }> = {}) {
  const field = FIELD[kind];
  const said = <K extends 'median' | 'sigma' | 'failure'>(what: K) =>
    stated.map((steps) => steps[field]?.[what]).find((value) => value !== undefined);
  const known = { ...STEP[kind], ...otherwise };
  const failure = said('failure');
  return {
    kind,
    time: { medianUs: said('median') ?? Math.round(known.minutes * MINUTE_US), sigma: said('sigma') ?? known.sigma },
    failure: failure === undefined ? known.failure : failure / 1000,
  };
}

function returnsOf(spec: ProvisioningSpec, { checkUs, serviceCheckUs, burnInUs }: RepairSettings) {
  const check = (us: number) => stepOf('check', [spec], { minutes: us / MINUTE_US });
  // What the repairs call burn-in is all that new hardware goes through.
  const rest = Math.max(0, burnInUs - STEP.image.minutes * MINUTE_US);
  return {
    quick: [{ ...check(checkUs), time: { medianUs: checkUs, sigma: 0 } }],
    served: [check(serviceCheckUs)],
    renewed: [stepOf('image', [spec]), stepOf('burn-in', [spec], { minutes: rest / MINUTE_US }), check(serviceCheckUs)],
  };
}

function drainOf(...stated: DrainInput[]): DrainRule {
  const wait = stated.map((drain) => drain?.wait).find((value) => value !== undefined);
  const overdue = stated.map((drain) => drain?.overdue).find((value) => value !== undefined);
  return { waitUs: wait === 'forever' ? Infinity : (wait ?? DRAIN.waitUs), overdue: overdue ?? DRAIN.overdue };
}

/** A number of nodes or a share of them, after reporting one that is none, or more than all. */
function someOf(text: string, path: readonly PathStep[], at: At): { count: number } | { share: number } {
  const value = Number.parseFloat(text);
  const percent = text.includes('%');
  if (value === 0) at(path, 'no node at all', 'at least 1');
  if (percent && value > 100) at(path, quote(text), 'at most 100%');
  return percent || !Number.isInteger(value) ? { share: percent ? value / 100 : value } : { count: value };
}

// ── roll-outs ─────────────────────────────────────────────────────────────────────────────────────────────────────

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
  const steps: Record<RolloutInput['kind'], Kind[]> = {
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

// ── who comes, who goes ───────────────────────────────────────────────────────────────────────────────────────────

/** Nodes of each pool as planned so far, and the columns of those that come. */
class Roster {
  readonly absent: number[] = [];
  /** By pool, nodes that are there, in the order in which they came. */
  private readonly members: number[][];
  private readonly names: Set<string>;
  readonly cluster: CompiledCluster;
  readonly source: SourceDocument;
  readonly report: Report;
  private readonly topology: { nodesPerRack: number; racksPerBlock: number; nodesPerNvlinkDomain: number }[];

  constructor(cluster: CompiledCluster, docs: readonly CheckedDocument[], source: SourceDocument, report: Report) {
    this.cluster = cluster;
    this.source = source;
    this.report = report;
    const { nodes, pools } = cluster;
    this.members = pools.map((_, pool) => [...nodes.pool.keys()].filter((n) => nodes.pool[n] === pool));
    this.names = new Set(nodes.names);
    const stated = documentsOf(docs, 'Cluster')[0]?.data.spec.pools ?? [];
    this.topology = pools.map((_, p) => ({
      nodesPerRack: stated[p]?.nodesPerRack ?? 0,
      racksPerBlock: stated[p]?.racksPerBlock ?? 0,
      nodesPerNvlinkDomain: stated[p]?.nodesPerNvlinkDomain ?? 0,
    }));
  }

  pool(name: string, path: readonly PathStep[]): number {
    const pool = findPool(this.cluster.pools, name, this.source, path, this.report);
    if (pool >= 0 && this.cluster.pools[pool].spot) {
      this.at(path, `spot pool ${quote(name)}`, 'a pool that is not spot: its nodes come and go with the cloud');
      return -1;
    }
    return pool;
  }

  readonly at: At = (path, found, expected) => this.report.at(this.source, path, found, expected);

  all(pool: number): number[] {
    return [...this.members[pool]];
  }

  /** More nodes, like the pool's first one, in racks of their own. */
  add(pool: number, count: number): number[] {
    const { nodes, pools } = this.cluster;
    const like = nodes.pool.indexOf(pool);
    const group = {
      ...{ pool, count, gpus: nodes.gpus[like], cpuMilli: nodes.cpuMilli[like], memoryMiB: nodes.memoryMiB[like] },
      ...{ migLayout: nodes.migLayout[like], ...this.topology[pool] },
    };
    const added = nodeColumns([group]);
    for (const of of ['rack', 'block', 'nvlinkDomain'] as const) {
      const base = 1 + nodes[of].reduce((most, id) => Math.max(most, id), -1);
      added[of] = added[of].map((id) => (id < 0 ? -1 : base + id));
    }
    let n = nodes.pool.reduce((sum, p) => sum + (p === pool ? 1 : 0), 0);
    added.names = added.names.map(() => {
      while (this.names.has(`${pools[pool].name}-${n}`)) n++;
      return this.named(`${pools[pool].name}-${n++}`);
    });
    return this.join(added, pool, undefined);
  }

  /** Takes nodes out of a pool: the last ones, or the first ones. Undefined after reporting that there are too few. */
  take(pool: number, count: number, last: boolean, path: readonly PathStep[]): number[] | undefined {
    const members = this.members[pool];
    if (count > members.length) {
      this.at(path, `${count} nodes`, `at most the ${members.length} that ${this.cluster.pools[pool].name} has then`);
      return undefined;
    }
    return last ? members.splice(members.length - count).reverse() : members.splice(0, count);
  }

  /** What these nodes are in another pool. */
  become(nodes: readonly number[], pool: number): number[] {
    const { nodes: all, pools } = this.cluster;
    const like = all.pool.indexOf(pool);
    const hardware = nodes.map((node) => all.hardware?.[node] ?? node);
    const pick = <T extends Int32Array | Float64Array | Uint8Array>(column: T) =>
      column.constructor === Int32Array
        ? (Int32Array.from(nodes, (n) => column[n]) as T)
        : column.constructor === Float64Array
          ? (Float64Array.from(nodes, (n) => column[n]) as T)
          : (Uint8Array.from(nodes, (n) => column[n]) as T);
    const added: NodeColumns = {
      count: nodes.length,
      names: hardware.map((node) => this.named(`${all.names[node]}@${pools[pool].name}`)),
      pool: new Int32Array(nodes.length).fill(pool),
      gpus: pick(all.gpus),
      cpuMilli: pick(all.cpuMilli),
      memoryMiB: pick(all.memoryMiB),
      rack: pick(all.rack),
      block: pick(all.block),
      nvlinkDomain: pick(all.nvlinkDomain),
      migLayout: new Int32Array(nodes.length).fill(all.migLayout[like]),
    };
    return this.join(added, pool, hardware);
  }

  private named(name: string): string {
    let free = name;
    for (let n = 2; this.names.has(free); n++) free = `${name}#${n}`;
    this.names.add(free);
    return free;
  }

  private join(added: NodeColumns, pool: number, hardware: number[] | undefined): number[] {
    const { cluster } = this;
    const from = cluster.nodes.count;
    const before = cluster.nodes.hardware ?? Int32Array.from({ length: from }, (_, n) => n);
    const numbers = Array.from({ length: added.count }, (_, i) => from + i);
    cluster.nodes = concat(cluster.nodes, added);
    cluster.nodes.hardware = Int32Array.from([...before, ...(hardware ?? numbers)]);
    this.absent.push(...numbers);
    this.members[pool].push(...numbers);
    return numbers;
  }
}

function bringUps(spec: ProvisioningSpec, roster: Roster): NodeChange[] {
  const all = spec.bringUp?.includes('all');
  const pools = all
    ? roster.cluster.pools.map((_, pool) => pool).filter((pool) => !roster.cluster.pools[pool].spot)
    : (spec.bringUp ?? []).map((name, i, names) => {
        if (names.indexOf(name) === i) return roster.pool(name, ['spec', 'bringUp', i]);
        roster.at(['spec', 'bringUp', i], `${quote(name)} a second time`, 'each pool once');
        return -1;
      });
  return pools
    .filter((pool) => pool >= 0)
    .map((pool) => {
      const nodes = roster.all(pool);
      roster.absent.push(...nodes);
      return joining(`bring up ${roster.cluster.pools[pool].name}`, 0, nodes, [spec]);
    });
}

function joining(name: string, atUs: number, nodes: number[], stated: readonly Steps[]): NodeChange {
  const steps = (['image', 'burn-in', 'check'] as const).map((kind) => stepOf(kind, stated));
  return { name, kind: 'join', atUs, nodes, becomes: [], drain: DRAIN, steps };
}

interface Planned {
  given: ChangeInput;
  i: number;
  atUs: number;
  label: string;
}

/** In the order of time, as each takes from what the ones before have left. */
function changesOf(spec: ProvisioningSpec, roster: Roster, horizonUs: number): NodeChange[] {
  const planned: Planned[] = [];
  spec.changes.forEach((given, i) => {
    const path = ['spec', 'changes', i];
    const { every, times = every === undefined ? 1 : undefined } = given;
    if (every === undefined && (times ?? 1) > 1)
      roster.at([...path, 'times'], 'times without every', 'both or neither');
    if (every !== undefined && every <= 0) roster.at([...path, 'every'], 'no time at all', 'a duration above 0');
    if (every !== undefined && times === undefined)
      roster.at([...path, 'every'], 'every without times', 'how many times in all');
    const name = given.name ?? nameOf(given, i);
    for (let n = 0; n < (times ?? 1); n++) {
      const atUs = given.at + n * (every ?? 0);
      if (atUs > horizonUs && n > 0) break;
      planned.push({ given, i, atUs, label: (times ?? 1) > 1 ? `${name} (${n + 1})` : name });
    }
  });
  planned.sort((a, b) => a.atUs - b.atUs || a.i - b.i);
  return planned.flatMap((plan) => changeOf(plan, spec, roster));
}

function nameOf({ pool, add, remove, from, to }: ChangeInput, i: number): string {
  if (add !== undefined) return `add to ${pool}`;
  if (remove !== undefined) return `remove from ${pool}`;
  return from !== undefined ? `${from} to ${to}` : `change ${i + 1}`;
}

function changeOf({ given, i, atUs, label }: Planned, spec: ProvisioningSpec, roster: Roster): NodeChange[] {
  const path = ['spec', 'changes', i];
  const { pool, add, remove, from, to, nodes } = given;
  const moves = from !== undefined || to !== undefined || nodes !== undefined;
  const whole = moves
    ? from !== undefined && to !== undefined && nodes !== undefined && pool === undefined && add === undefined
    : pool !== undefined && (add === undefined) !== (remove === undefined);
  if (!whole || (moves && remove !== undefined)) {
    roster.at(path, 'a change that is not whole', '{at, pool, add}, {at, pool, remove} or {at, from, to, nodes}');
    return [];
  }
  const drain = drainOf(given.drain);
  if (drain.overdue === 'skip') {
    roster.at([...path, 'drain', 'overdue'], 'skip', 'preempt or kill: a node that leaves does leave');
    return [];
  }
  if (!moves) {
    const p = roster.pool(pool as string, [...path, 'pool']);
    if (p < 0) return [];
    if (add !== undefined) return [joining(label, atUs, roster.add(p, add), [given, spec])];
    const gone = roster.take(p, remove as number, true, [...path, 'remove']);
    if (gone === undefined) return [];
    return [{ name: label, kind: 'leave', atUs, nodes: gone, becomes: [], drain, steps: [] }];
  }
  const a = roster.pool(from as string, [...path, 'from']);
  const b = roster.pool(to as string, [...path, 'to']);
  if (a < 0 || b < 0) return [];
  const models = [a, b].map((p) => roster.cluster.pools[p].gpuModel);
  if (a === b) roster.at([...path, 'to'], `${quote(to as string)} again`, 'another pool');
  if (models[0] !== models[1]) {
    roster.at([...path, 'to'], `a pool of ${models[1] || 'no GPUs'}`, `a pool of ${models[0]}, as the nodes have them`);
  }
  const going = roster.take(a, nodes as number, false, [...path, 'nodes']);
  if (going === undefined || a === b || models[0] !== models[1]) return [];
  const steps = [stepOf('image', [given, spec]), ...(given.burnIn ? [stepOf('burn-in', [given, spec])] : [])];
  const becomes = roster.become(going, b);
  return [
    {
      name: label,
      kind: 'move',
      atUs,
      nodes: going,
      becomes,
      drain,
      steps: [...steps, stepOf('check', [given, spec])],
    },
  ];
}
