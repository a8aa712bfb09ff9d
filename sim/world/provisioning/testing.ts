/** Scenarios with provisioning, and an account of idle time by node state that is kept from the trace alone. */
import {
  GPU_UNITS,
  HOUR_US,
  MINUTE_US,
  type NodeChange,
  type ProvisioningSettings,
  type ProvisioningStep,
  type RolloutSpec,
  type Run,
  type Scenario,
  Simulation,
  type TraceRow,
} from '../../simulate.ts';

export function step(kind: ProvisioningStep['kind'], minutes: number, failure = 0, sigma = 0): ProvisioningStep {
  return { kind, time: { medianUs: minutes * MINUTE_US, sigma }, failure };
}

export function rollout(given: Partial<RolloutSpec> = {}): RolloutSpec {
  return {
    name: 'firmware',
    atUs: HOUR_US,
    pools: [0],
    steps: [step('firmware', 60), step('reboot', 10), step('check', 5)],
    drain: { waitUs: 2 * HOUR_US, overdue: 'preempt' },
    perWave: 0,
    betweenWavesUs: 0,
    maxUnavailable: { count: 1 },
    order: 'rack',
    repair: 'service',
    ...given,
  };
}

export function change(given: Partial<NodeChange> & Pick<NodeChange, 'kind' | 'nodes'>): NodeChange {
  return {
    name: given.kind,
    atUs: HOUR_US,
    becomes: [],
    drain: { waitUs: HOUR_US, overdue: 'preempt' },
    steps: given.kind === 'leave' ? [] : [step('image', 15), step('check', 5)],
    ...given,
  };
}

export function provisioning(given: Partial<ProvisioningSettings> = {}): ProvisioningSettings {
  return {
    absent: [],
    parallelImaging: 10,
    returns: {
      quick: [step('check', 2)],
      served: [step('check', 15)],
      renewed: [step('image', 15), step('burn-in', 1440), step('check', 15)],
    },
    newRepair: 'service',
    sparesReplace: false,
    rollouts: [],
    changes: [],
    ...given,
  };
}

export interface Watched {
  run: Run;
  rows: TraceRow[];
  simulation: Simulation;
}

export function watched(scenario: Scenario): Watched {
  const rows: TraceRow[] = [];
  const simulation = new Simulation(scenario, { trace: (row) => rows.push(row) });
  simulation.run();
  return { run: simulation.result(), rows, simulation };
}

/** Time of GPUs that nobody held, by the state of their node, GPU·µs/7000; from placements, releases and states alone. */
export function idleByState({ scenario, simulatedUs }: Run, rows: readonly TraceRow[]): Record<string, bigint> {
  const { gpus, count } = scenario.nodes;
  const absent = new Set(scenario.provisioning?.absent ?? []);
  const state: string[] = Array.from({ length: count }, (_, node) => (absent.has(node) ? 'absent' : 'ready'));
  const idle = Array.from(gpus);
  const since = new Array<number>(count).fill(0);
  const sums: Record<string, bigint> = {};
  const book = (node: number, now: number) => {
    const amount = BigInt(idle[node]) * BigInt(GPU_UNITS) * BigInt(now - since[node]);
    sums[state[node]] = (sums[state[node]] ?? 0n) + amount;
    since[node] = now;
  };
  for (const { timeUs, event, node, mask, reason } of rows) {
    if (node < 0 || (event !== 'node' && event !== 'place' && event !== 'release')) continue;
    book(node, timeUs);
    if (event === 'node') state[node] = reason;
    else {
      let bits = 0;
      for (let rest = mask; rest !== 0; rest &= rest - 1) bits++;
      idle[node] += event === 'place' ? -bits : bits;
    }
  }
  for (let node = 0; node < count; node++) book(node, simulatedUs);
  return sums;
}
