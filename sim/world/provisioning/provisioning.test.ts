import { describe, expect, it } from 'vitest';
import { DAY_US, HOUR_US, MINUTE_US, type Scenario, Simulation, type StackSettings } from '../../simulate.ts';
import { smallScenario } from '../../testing.ts';
import { REPAIR_DEFAULTS } from '../faults/repair.ts';
import { change, provisioning, rollout, step, watched } from './testing.ts';

const hours = (h: number) => h * HOUR_US;
const states = (rows: { event: string; node: number; timeUs: number; reason: string }[], node: number) =>
  rows.filter((r) => r.event === 'node' && r.node === node).map((r) => `${r.timeUs / MINUTE_US} ${r.reason}`);

function scenario(given: Partial<Scenario>, jobs: Parameters<typeof smallScenario>[0]['jobs'], nodes = 4): Scenario {
  return smallScenario({
    nodes: [{ pool: 0, count: nodes, gpus: 8, nodesPerRack: 2 }],
    jobs,
    overrides: { durationUs: 10 * DAY_US, ...given },
  });
}

describe('a roll-out', () => {
  it('takes one node after the other when one may be out of service, and idle nodes pass at once', () => {
    const { run, rows } = watched(scenario({ provisioning: provisioning({ rollouts: [rollout()] }) }, []));
    expect(states(rows, 0)).toEqual(['60 draining', '60 provisioning', '135 ready']);
    expect(states(rows, 1)).toEqual(['135 draining', '135 provisioning', '210 ready']);
    expect(run.provisioning?.rollouts[0]).toMatchObject({
      ...{ nodes: 4, done: 4, failed: 0, waves: 1, mostUnavailable: 1, drainedByForce: 0 },
      ...{ startedUs: HOUR_US, finishedUs: 360 * MINUTE_US },
    });
    // 4 nodes × 8 GPUs × 75 minutes.
    const amount = run.entries.find((entry) => entry.category === 'provisioning')?.amount;
    expect(amount).toBe(BigInt(4 * 8 * 75 * MINUTE_US) * 7000n);
  });

  it('goes in waves, the next when all of one are over and the pause between them has passed', () => {
    const spec = rollout({ perWave: 3, betweenWavesUs: hours(2), maxUnavailable: { count: 2 } });
    const { run, rows } = watched(scenario({ provisioning: provisioning({ rollouts: [spec] }) }, [], 4));
    // Two of the first wave, its third, then the last: 60, 60, 135 → 210 + 120.
    expect([0, 1, 2, 3].map((n) => states(rows, n)[0])).toEqual([
      '60 draining',
      '60 draining',
      '135 draining',
      '330 draining',
    ]);
    expect(run.provisioning?.rollouts[0]).toMatchObject({ waves: 2, mostUnavailable: 2 });
  });

  it('lets jobs end within the drain time, and moves those that have not', () => {
    const jobs = [
      { taskGpus: [8], durationUs: hours(2) },
      { taskGpus: [8], durationUs: hours(20), checkpointEveryUs: hours(1), checkpointStallUs: 6 * MINUTE_US },
    ];
    const spec = rollout({ maxUnavailable: { count: 2 }, drain: { waitUs: hours(3), overdue: 'preempt' } });
    const { run, rows } = watched(scenario({ provisioning: provisioning({ rollouts: [spec] }) }, jobs, 3));
    expect(states(rows, 0)).toEqual(['60 draining', '120 provisioning', '195 ready']);
    // Drained from 60 to 240: by then it has done 218 minutes of work (three checkpoints of 6 min, the fourth due), and
    // writes one more before it leaves.
    const preempted = rows.find((r) => r.event === 'preempt' && r.job === 1);
    expect(preempted?.reason).toBe('node pool0-1 is drained for firmware: its jobs have 3 h to end');
    expect(preempted?.timeUs).toBe(246 * MINUTE_US);
    expect(run.entries.some(({ category }) => category === 'lost')).toBe(false);
    expect(run.provisioning?.rollouts[0]).toMatchObject({ done: 3, drainedByForce: 1 });
    expect(run.jobs.preemptions[1]).toBe(1);
  });

  it('kills, or lets the node go and comes back, where the rule says so', () => {
    const jobs = [{ taskGpus: [8], durationUs: hours(8), checkpointEveryUs: hours(3) }];
    const kill = rollout({ drain: { waitUs: hours(1), overdue: 'kill' } });
    const killed = watched(scenario({ provisioning: provisioning({ rollouts: [kill] }) }, jobs, 2)).run;
    const lost = killed.entries.find(({ category }) => category === 'lost')?.amount;
    // Two hours on the first node, and 2 h 15 min on the second until that one is drained as well.
    expect(lost).toBe(BigInt(8 * hours(4.25)) * 7000n);
    const skip = rollout({ drain: { waitUs: hours(1), overdue: 'skip' } });
    const skipped = watched(scenario({ provisioning: provisioning({ rollouts: [skip] }) }, jobs, 2));
    expect(skipped.run.jobs.preemptions[0]).toBe(0);
    expect(states(skipped.rows, 0).slice(0, 2)).toEqual(['60 draining', '120 ready']);
    expect(skipped.run.provisioning?.rollouts[0].done).toBe(2);
  });

  it('moves services at once', () => {
    const jobs = [{ taskGpus: [4], durationUs: Infinity, class: 'inference' as const }];
    const { rows } = watched(scenario({ provisioning: provisioning({ rollouts: [rollout()] }) }, jobs, 2));
    expect(states(rows, 0)).toEqual(['60 draining', '60 provisioning', '135 ready']);
  });

  it('pauses when too many updates fail, and stops where it is told to', () => {
    const steps = [step('firmware', 60, 1)];
    const failing = (forUs: number) =>
      rollout({ steps, maxUnavailable: { count: 4 }, perWave: 1, pause: { failures: { count: 2 }, forUs } });
    const repair = { ...REPAIR_DEFAULTS, crews: 0, service: { medianUs: hours(2), sigma: 0, success: 1 } };
    const run = (forUs: number) =>
      watched(scenario({ provisioning: provisioning({ rollouts: [failing(forUs)], repair }) }, [])).run;
    expect(run(DAY_US).provisioning?.rollouts[0]).toMatchObject({ done: 4, failed: 4, pauses: 2, stopped: false });
    const stopped = run(Infinity).provisioning?.rollouts[0];
    expect(stopped).toMatchObject({ done: 2, failed: 2, pauses: 1, stopped: true, finishedUs: -1 });
  });

  it('counts nodes that are out for other reasons', () => {
    const settings = provisioning({
      rollouts: [rollout({ maxUnavailable: { share: 0.5 } })],
      repair: { ...REPAIR_DEFAULTS, crews: 0, service: { medianUs: hours(6), sigma: 0, success: 1 } },
    });
    const simulation = new Simulation(scenario({ provisioning: settings }, []));
    // A machine repairs at once only where a stack has one: a person takes longer, and the node stays away all the same.
    simulation.injectFault(30 * MINUTE_US, 'xid-79', 0);
    simulation.injectFault(30 * MINUTE_US, 'xid-79', 1);
    simulation.run(hours(2));
    expect([2, 3].map((node) => simulation.provisioning?.stageOf(node))).toEqual(['ready', 'ready']);
    simulation.run();
    const row = simulation.result().provisioning?.rollouts[0];
    expect(row).toMatchObject({ done: 4, mostUnavailable: 2 });
  });
});

describe('a cluster that grows and shrinks', () => {
  it('images as many nodes at a time as there are places, burns them in and checks them', () => {
    const steps = [step('image', 15), step('burn-in', 60), step('check', 5)];
    const settings = provisioning({
      absent: [1, 2, 3],
      parallelImaging: 2,
      changes: [change({ kind: 'join', nodes: [1, 2, 3], steps })],
    });
    const simulation = new Simulation(scenario({ provisioning: settings }, []));
    const at = (minutes: number) => {
      simulation.run(minutes * MINUTE_US);
      return [1, 2, 3].map((node) => simulation.provisioning?.stageOf(node));
    };
    expect(at(30)).toEqual(['new', 'new', 'new']);
    expect(at(61)).toEqual(['imaging', 'imaging', 'waiting for an image']);
    expect(at(76)).toEqual(['burn-in', 'burn-in', 'imaging']);
    expect(at(137)).toEqual(['check', 'check', 'burn-in']);
    expect(at(160)).toEqual(['ready', 'ready', 'ready']);
    const { capacity, provisioning: done } = simulation.result();
    // One node for 160 minutes, three for 100.
    expect(capacity).toBe(BigInt(8 * (160 + 3 * 100) * MINUTE_US) * 7000n);
    expect(done?.counts).toMatchObject({
      imaged: 3,
      mostImaging: 2,
      imagingWaitUs: 15 * MINUTE_US,
      burnIns: 3,
      checks: 3,
    });
    expect(done?.changes[0]).toMatchObject({ nodes: 3, done: 3, finishedUs: 155 * MINUTE_US });
  });

  it('starts a job on the new nodes that had no room before, and drains those that leave', () => {
    const jobs = [
      { taskGpus: [8, 8], durationUs: hours(2) },
      { taskGpus: [8], durationUs: hours(30), submitUs: hours(8) },
    ];
    const settings = provisioning({
      absent: [1],
      changes: [
        change({ kind: 'join', nodes: [1] }),
        change({ kind: 'leave', nodes: [0], atUs: hours(10), drain: { waitUs: hours(4), overdue: 'preempt' } }),
      ],
    });
    const { run, rows } = watched(scenario({ provisioning: settings }, jobs, 2));
    expect(run.jobs.firstStartUs[0]).toBe(80 * MINUTE_US);
    expect(states(rows, 0)).toEqual(['600 draining', '840 absent']);
    expect(run.jobs.preemptions[1]).toBe(1);
    expect(run.jobs.endUs[1]).toBeGreaterThan(0);
  });

  it('sends nodes that fail their burn-in to repair, and what repair returns through the steps again', () => {
    const steps = [step('image', 15), step('burn-in', 60, 1), step('check', 5)];
    const settings = provisioning({
      absent: [1],
      changes: [change({ kind: 'join', nodes: [1], steps })],
      repair: { ...REPAIR_DEFAULTS, crews: 1, service: { medianUs: hours(2), sigma: 0, success: 1 } },
      returns: { quick: [], served: [step('check', 15, 1)], renewed: [step('image', 15), step('check', 15)] },
    });
    const { run, simulation } = watched(scenario({ provisioning: settings, durationUs: 40 * DAY_US }, [], 2));
    // Served, failed the check after that, got new hardware, passed.
    expect(run.provisioning?.counts).toMatchObject({ imaged: 2, burnInsFailed: 1, checks: 2, checksFailed: 1 });
    expect(run.provisioning?.changes[0]).toMatchObject({ done: 1 });
    expect(simulation.provisioning?.stageOf(1)).toBe('ready');
  });

  it('moves a node to another pool: it leaves the one empty, gets an image and takes the other pool’s jobs', () => {
    const settings = provisioning({
      absent: [3],
      changes: [change({ kind: 'move', nodes: [0], becomes: [3] })],
    });
    const { run, rows } = watched(
      smallScenario({
        nodes: [
          { pool: 0, count: 2, gpus: 8 },
          { pool: 1, count: 2, gpus: 8 },
        ],
        deserved: [-1, -1],
        jobs: [
          { taskGpus: [8, 8], durationUs: hours(1), poolList: 0 },
          { taskGpus: [8], durationUs: hours(3) },
        ],
        overrides: { durationUs: DAY_US, poolLists: [[1], [0]], provisioning: settings },
      }),
    );
    expect(states(rows, 0)).toEqual(['60 draining', '60 absent']);
    expect(states(rows, 3)).toEqual(['60 provisioning', '80 ready']);
    expect(run.jobs.firstStartUs[0]).toBe(80 * MINUTE_US);
    const gpuTime = (pool: number) =>
      run.entries.reduce((sum, entry) => sum + (entry.pool === pool ? entry.amount : 0n), 0n);
    expect(gpuTime(0)).toBe(BigInt(8 * (24 + 1) * HOUR_US) * 7000n);
    expect(gpuTime(1)).toBe(BigInt(8 * (24 + 23) * HOUR_US) * 7000n);
  });
});

describe('spares', () => {
  it('take the place of a node that goes to repair, where the rule says so; what comes back is a spare', () => {
    const spared = (sparesReplace: boolean) => {
      const simulation = new Simulation(
        scenario(
          {
            provisioning: provisioning({ sparesReplace }),
            recovery: { stack: STACK, telemetry: { exporterUs: 0, scrapeUs: 0 }, spares: [1] },
          },
          [],
        ),
      );
      expect(simulation.provisioning?.stageOf(3)).toBe('draining');
      simulation.injectFault(HOUR_US, 'xid-79', 0);
      simulation.run(20 * DAY_US);
      return [0, 3].map((node) => simulation.provisioning?.stageOf(node));
    };
    expect(spared(true)).toEqual(['draining', 'ready']);
    expect(spared(false)).toEqual(['ready', 'draining']);
  });
});

const STACK: StackSettings = {
  ...{ name: 'mission-control', exitUs: 0, nodeDownUs: 0, hangUs: 0, requeueDelayUs: 0, closeUs: 0 },
  gang: 'requeue',
  single: 'requeue',
  repairBy: 'machine',
  neighbours: 'evacuate',
  events: true,
  person: { takesUs: 0, fromHour: 0, toHour: 24, weekends: true },
};
