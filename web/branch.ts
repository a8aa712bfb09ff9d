/**
 * Another future: the same scenario up to a moment, then something is different. Everything before that moment is computed
 * again and is the same to the last event, as the scenario and its seed are.
 */
import type { NodeColumns, ProvisioningSettings, Scenario } from '../sim/scenario.ts';
import { type SimulateOptions, Simulation } from '../sim/simulate.ts';
import type { Branch } from './requests.ts';

/** Runs up to a time; false if that was called off. */
export type GoOn = (simulation: Simulation, untilUs: number) => Promise<boolean>;

export async function branched(
  scenario: Scenario,
  { atUs, changes }: Branch,
  options: SimulateOptions,
  goOn: GoOn,
): Promise<Simulation> {
  const added: number[] = [];
  let wider = scenario;
  for (const change of changes) {
    if (change.kind !== 'add') continue;
    const from = wider.nodes.count;
    wider = { ...wider, nodes: moreNodes(wider.nodes, change.pool, change.nodes) };
    for (let n = from; n < wider.nodes.count; n++) added.push(n);
  }
  // Nodes to come are no part of the cluster before; where repairs follow the fault model's own rules, which provisioning
  // would replace, they count as reclaimed until then instead.
  const joins = added.length > 0 && (scenario.faults === undefined || scenario.provisioning !== undefined);
  if (joins) wider = { ...wider, provisioning: withJoin(wider.provisioning, added, atUs) };
  let simulation = new Simulation(wider, options);
  if (!joins) for (const node of added) simulation.setNodeState(0, node, 'reclaimed');
  if (!(await goOn(simulation, atUs))) return simulation;
  const quotas = changes.filter((change) => change.kind === 'quota');
  if (quotas.length > 0) {
    const projects = wider.projects.map((project, p) => {
      const change = quotas.find((each) => each.project === p);
      if (change === undefined) return project;
      return { ...project, deservedGpus: spread(change.gpus, project.deservedGpus, wider) };
    });
    simulation = Simulation.resume({ ...wider, projects }, simulation.snapshot(), options);
  }
  for (const change of changes) if (change.kind === 'kill') simulation.setNodeState(atUs, change.node, 'unhealthy');
  if (!joins) for (const node of added) simulation.setNodeState(atUs, node, 'ready');
  return simulation;
}

function withJoin(settings: ProvisioningSettings | undefined, nodes: number[], atUs: number): ProvisioningSettings {
  const before: ProvisioningSettings = settings ?? {
    absent: [],
    parallelImaging: nodes.length,
    returns: { quick: [], served: [], renewed: [] },
    newRepair: 'service',
    sparesReplace: false,
    rollouts: [],
    changes: [],
  };
  const join: ProvisioningSettings['changes'][number] = {
    name: 'what-if',
    kind: 'join',
    atUs,
    nodes,
    becomes: [],
    drain: { waitUs: 0, overdue: 'kill' },
    steps: [],
  };
  return { ...before, absent: [...before.absent, ...nodes], changes: [...before.changes, join] };
}

/** A quota over the pools in which the project has one now, in proportion; else in all by their size. */
function spread(gpus: number, before: readonly number[], { nodes, pools }: Scenario): number[] {
  const size = pools.map(() => 0);
  for (let n = 0; n < nodes.count; n++) size[nodes.pool[n]] += nodes.gpus[n];
  const stated = before.map((own) => Math.max(0, own));
  const weights = stated.some((own) => own > 0) ? stated : size;
  const sum = weights.reduce((a, b) => a + b, 0);
  if (sum === 0) return before.map(() => 0);
  const shares = weights.map((weight) => Math.floor((gpus * weight) / sum));
  let left = gpus - shares.reduce((a, b) => a + b, 0);
  for (let p = 0; left > 0 && p < shares.length; p++) {
    if (weights[p] === 0) continue;
    shares[p] += left;
    left = 0;
  }
  return shares;
}

/** The nodes and so many more like the last one of the pool. */
function moreNodes(nodes: NodeColumns, pool: number, more: number): NodeColumns {
  const like = nodes.pool.lastIndexOf(pool);
  if (like < 0) throw new Error(`invariant: pool ${pool} has no nodes to add more of`);
  const taken = new Set(nodes.names);
  const names = [...nodes.names];
  for (let n = 1; names.length < nodes.count + more; n++) {
    const name = `${nodes.names[like]}-added-${n}`;
    if (!taken.has(name)) names.push(name);
  }
  const ids = (column: Int32Array) => {
    const next = column.reduce((most, id) => Math.max(most, id), -1) + 1;
    return Int32Array.from({ length: nodes.count + more }, (_, n) =>
      n < nodes.count ? column[n] : column[like] < 0 ? -1 : next + n - nodes.count,
    );
  };
  const same = <T extends Int32Array | Uint8Array | Float64Array>(column: T): T => {
    const wider = new (column.constructor as new (length: number) => T)(nodes.count + more);
    wider.set(column);
    return wider.fill(column[like], nodes.count) as T;
  };
  return {
    count: nodes.count + more,
    names,
    pool: same(nodes.pool),
    gpus: same(nodes.gpus),
    cpuMilli: same(nodes.cpuMilli),
    memoryMiB: same(nodes.memoryMiB),
    rack: ids(nodes.rack),
    block: same(nodes.block),
    nvlinkDomain: ids(nodes.nvlinkDomain),
    migLayout: same(nodes.migLayout),
  };
}
