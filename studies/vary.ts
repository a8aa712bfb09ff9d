/** What a sensitivity study changes about a scenario, one thing at a time; plain data, so that it can go to a thread. */
import { GUIDE_FAULT_TOLERANCE } from '../sim/policy/recovery/compared.ts';
import { recoveryOf, TELEMETRY } from '../sim/policy/recovery/stacks.ts';
import type { NodeColumns, Scenario } from '../sim/simulate.ts';
import { defaultFaults } from './stacks.ts';

export interface Variation {
  /** Times the load; the scenario is read again for it. */
  load?: number;
  /** Times the rate of every fault. */
  faultRate?: number;
  /** `one`: all projects are one; `twice`: each is two with half its quota, users divided between them. */
  teams?: 'one' | 'twice';
  telemetry?: 'shipped' | 'seed';
  /** Times how long it takes to notice a fault: telemetry, exits, silent nodes, hangs. */
  detection?: number;
  /** Instead of what the FaultTolerancePolicy (the guide's, where there is none) does; without a spare it reschedules. */
  action?: 'HotSpare';
  /** More nodes kept as hot spares, in each pool with GPUs; new ones. */
  spares?: number;
  /** Ends then, µs; what would arrive later is left out. */
  untilUs?: number;
  /** Of GPUs that the scenario gives no price, micro-dollars an hour. */
  priceMicroUsd?: number;
}

/** Apply it after `underStack`, whose values it changes. */
export function varied(scenario: Scenario, variation: Variation = {}): Scenario {
  const { faultRate, teams, telemetry, detection, action, spares, untilUs, priceMicroUsd } = variation;
  let s = scenario;
  if (priceMicroUsd !== undefined)
    s = { ...s, pools: s.pools.map((p) => (p.priceMicroUsd > 0 || p.gpuModel === '' ? p : { ...p, priceMicroUsd })) };
  if (faultRate !== undefined) s = withFaultRate(s, faultRate);
  if (teams !== undefined) s = teams === 'one' ? asOneTeam(s) : withTwiceTheTeams(s);
  if (telemetry !== undefined || detection !== undefined) s = withDetection(s, telemetry, detection ?? 1);
  if (action !== undefined) s = withAction(s, action);
  if (spares !== undefined && spares > 0) s = withSpares(s, spares);
  if (untilUs !== undefined) s = { ...s, durationUs: untilUs };
  return s;
}

function withFaultRate(scenario: Scenario, factor: number): Scenario {
  const faults = scenario.faults ?? defaultFaults();
  const processes =
    factor > 0 ? faults.processes.map((process) => ({ ...process, meanUs: process.meanUs / factor })) : [];
  return { ...scenario, faults: { ...faults, processes } };
}

/** One queue with all the quota: nobody to borrow from, nobody to be held back by. */
function asOneTeam(scenario: Scenario): Scenario {
  const { projects, jobs } = scenario;
  if (projects.length < 2) return scenario;
  const pools = scenario.pools.map((_, p) => projects.map((project) => project.deservedGpus[p] ?? 0));
  const one = {
    ...projects[0],
    name: 'all-teams',
    deservedGpus: pools.map((gpus) => (gpus.includes(-1) ? -1 : gpus.reduce((sum, n) => sum + n, 0))),
    maxOverQuotaGpus: -1,
  };
  return withoutOwnQueues({ ...scenario, projects: [one], jobs: { ...jobs, project: new Int32Array(jobs.count) } });
}

/** Users (jobs, where there are none) go to the two halves in turn. */
function withTwiceTheTeams(scenario: Scenario): Scenario {
  const { projects, jobs } = scenario;
  const half = (gpus: number, second: boolean) =>
    gpus < 0 ? gpus : second ? Math.floor(gpus / 2) : Math.ceil(gpus / 2);
  const halves = (second: boolean) =>
    projects.map((project) => ({
      ...project,
      name: `${project.name}-${second ? 'b' : 'a'}`,
      deservedGpus: project.deservedGpus.map((gpus) => half(gpus, second)),
      maxOverQuotaGpus: half(project.maxOverQuotaGpus, second),
    }));
  const project = jobs.project.map(
    (p, j) => p + ((jobs.user[j] >= 0 ? jobs.user[j] : j) % 2 === 0 ? 0 : projects.length),
  );
  return withoutOwnQueues({
    ...scenario,
    projects: [...halves(false), ...halves(true)],
    jobs: { ...jobs, project },
  });
}

/** ClusterQueues of the scenario are of projects that are there no more; Kueue then makes its own of the new ones. */
function withoutOwnQueues({ kueue: _, ...scenario }: Scenario): Scenario {
  return scenario;
}

function withDetection(scenario: Scenario, preset: 'shipped' | 'seed' | undefined, factor: number): Scenario {
  const recovery = recoveryOf(scenario);
  const telemetry = preset === undefined ? recovery.telemetry : TELEMETRY[preset];
  const times = (us: number) => Math.round(us * factor);
  const { stack } = recovery;
  const sooner = {
    ...stack,
    exitUs: times(stack.exitUs),
    nodeDownUs: times(stack.nodeDownUs),
    hangUs: times(stack.hangUs),
  };
  return {
    ...scenario,
    recovery: {
      ...recovery,
      stack: factor === 1 ? stack : sooner,
      telemetry: { exporterUs: Math.max(1, times(telemetry.exporterUs)), scrapeUs: times(telemetry.scrapeUs) },
    },
  };
}

function withAction(scenario: Scenario, action: 'HotSpare'): Scenario {
  const recovery = recoveryOf(scenario);
  return {
    ...scenario,
    recovery: { ...recovery, faultTolerance: { ...(recovery.faultTolerance ?? GUIDE_FAULT_TOLERANCE), action } },
  };
}

/** A copy of each pool's last node with GPUs, kept aside. Only action HotSpare uses it. */
function withSpares(scenario: Scenario, count: number): Scenario {
  const { nodes } = scenario;
  const recovery = recoveryOf(scenario);
  const models: number[] = [];
  scenario.pools.forEach((_, p) => {
    for (let n = nodes.count - 1; n >= 0; n--) {
      if (nodes.pool[n] !== p || nodes.gpus[n] === 0) continue;
      for (let k = 0; k < count; k++) models.push(n);
      break;
    }
  });
  const added = scenario.pools.map((_, p) => models.filter((n) => nodes.pool[n] === p).length);
  return {
    ...scenario,
    nodes: withCopies(nodes, models),
    recovery: {
      ...recovery,
      spares: scenario.pools.map((_, p) => (recovery.spares[p] ?? 0) + added[p]),
    },
  };
}

function withCopies(nodes: NodeColumns, models: readonly number[]): NodeColumns {
  const longer = (column: Float64Array | Int32Array | Uint8Array) => {
    const made = new (column.constructor as Float64ArrayConstructor)(nodes.count + models.length);
    made.set(column);
    models.forEach((n, i) => {
      made[nodes.count + i] = column[n];
    });
    return made;
  };
  const columns = Object.entries(nodes).map(([name, column]) => [
    name,
    ArrayBuffer.isView(column) ? longer(column as Float64Array) : column,
  ]);
  const made = Object.fromEntries(columns) as NodeColumns;
  // A copy is a machine of its own.
  for (let n = nodes.count; made.hardware !== undefined && n < nodes.count + models.length; n++) made.hardware[n] = n;
  return {
    ...made,
    count: nodes.count + models.length,
    names: [...nodes.names, ...models.map((n, i) => `${nodes.names[n]}-spare-${i + 1}`)],
  };
}
