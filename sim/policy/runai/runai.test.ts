import { describe, expect, it } from 'vitest';
import { builtin } from '../../../scenarios/index.ts';
import { DAY_US, type Scenario, SECOND_US, Simulation, simulate, type TraceRow } from '../../simulate.ts';
import { type SmallScenario, seconds, smallScenario } from '../../testing.ts';

interface Team {
  deserved: number[];
  weight?: number;
  maxOver?: number;
}

/** Projects of one department under `runai`. */
function scenarioOf(teams: Team[], given: SmallScenario): Scenario {
  const base = smallScenario({ ...given, policy: 'runai', projects: teams.length });
  const projects = base.projects.map((project, i) => ({
    ...project,
    deservedGpus: teams[i].deserved,
    overQuotaWeight: teams[i].weight ?? 1,
    maxOverQuotaGpus: teams[i].maxOver ?? -1,
  }));
  return { ...base, durationUs: seconds(1000), projects, ...given.overrides };
}

/** Rows of jobs as `seconds event job`, workers and reasons left out. */
function story(scenario: Scenario, events = ['start', 'preempt', 'shrink', 'complete']): string[] {
  const told: string[] = [];
  simulate(scenario, {
    trace: ({ timeUs, event, job }: TraceRow) => {
      if (events.includes(event)) told.push(`${timeUs / SECOND_US} ${event} ${job}`);
    },
  });
  return told;
}

const node = { pool: 0, count: 1, gpus: 8 };

describe('Run:ai in the simulation', () => {
  it('lets a team borrow what is idle and takes it back when the owner asks', () => {
    const scenario = scenarioOf([{ deserved: [8] }, { deserved: [0] }], {
      nodes: [node],
      jobs: [
        { project: 1, taskGpus: [8], durationUs: seconds(100), graceUs: seconds(5), checkpointOnPreempt: true },
        { project: 0, taskGpus: [8], durationUs: seconds(50), submitUs: seconds(30) },
      ],
    });
    // 30 s of work were saved when it had to leave: 70 are left.
    expect(story(scenario)).toEqual([
      '0 start 0',
      '30 preempt 0',
      '35 start 1',
      '85 complete 1',
      '85 start 0',
      '155 complete 0',
    ]);
  });

  it('says why, in words of the scheduler', () => {
    const scenario = scenarioOf([{ deserved: [8] }, { deserved: [0] }], {
      nodes: [node],
      jobs: [
        { project: 1, taskGpus: [8], durationUs: seconds(100), graceUs: seconds(5) },
        { project: 0, taskGpus: [8], durationUs: seconds(50), submitUs: seconds(30) },
        { project: 1, taskGpus: [8], durationUs: seconds(50), submitUs: seconds(40), priority: 100 },
      ],
    });
    const reasons: string[] = [];
    simulate(scenario, {
      trace: ({ event, job, reason }) => reason !== '' && reasons.push(`${event} ${job} ${reason}`),
    });
    expect(reasons[0]).toMatch(/^place 0 8 GPUs free on/);
    expect(reasons.find((r) => r.startsWith('preempt 0'))).toMatch(/Reclaimed by job-1/);
    expect(reasons.find((r) => r.startsWith('wait 1'))).toMatch(/room for 8 GPUs/);
    // Without a quota, work that may not be displaced never starts.
    expect(reasons.filter((r) => r.startsWith('wait 2'))).toHaveLength(1);
    expect(reasons.find((r) => r.startsWith('wait 2'))).toMatch(/project-1 deserves 0 GPUs/);
  });

  it('spares a job until it ran its minimum, and waits the preemption delay, without being asked again', () => {
    const jobs = [
      { project: 1, taskGpus: [8], durationUs: seconds(500) },
      { project: 0, taskGpus: [8], durationUs: seconds(50), submitUs: seconds(30) },
    ];
    const teams = [{ deserved: [8] }, { deserved: [0] }];
    const preempted = (args: Record<string, unknown>) =>
      story(scenarioOf(teams, { nodes: [node], jobs, args }), ['preempt']);
    expect(preempted({})).toEqual(['30 preempt 0']);
    expect(preempted({ reclaimMinRuntime: 120 })).toEqual(['120 preempt 0']);
    expect(preempted({ preemptionDelay: 45 })).toEqual(['75 preempt 0']);
    expect(preempted({ reclaim: false })).toEqual([]);
  });

  it('caps borrowing over all pools together', () => {
    const jobs = Array.from({ length: 6 }, (_, i) => ({ taskGpus: [2], durationUs: seconds(100), poolList: i % 2 }));
    const nodes = [node, { pool: 1, count: 1, gpus: 8 }];
    const overrides = { poolLists: [[0], [1]] };
    const started = (maxOver: number) =>
      story(scenarioOf([{ deserved: [2, 0], maxOver }], { nodes, jobs, overrides }), ['start']).filter((s) =>
        s.startsWith('0 '),
      );
    expect(started(-1)).toHaveLength(6);
    expect(started(6)).toHaveLength(4);
    expect(started(0)).toHaveLength(1);
  });

  it('tries the pools of a job in their order', () => {
    const nodes = [node, { pool: 1, count: 1, gpus: 8 }];
    const jobs = [
      { taskGpus: [8], durationUs: seconds(100), poolList: 0, priority: 100 },
      { taskGpus: [8], durationUs: seconds(100), poolList: 0 },
      { taskGpus: [8], durationUs: seconds(100), poolList: 1, submitUs: seconds(10) },
    ];
    const places: string[] = [];
    const overrides = { poolLists: [[0, 1], [0]] };
    simulate(scenarioOf([{ deserved: [16, 16] }], { nodes, jobs, overrides }), {
      trace: ({ event, job, node, timeUs }) => event === 'place' && places.push(`${timeUs / SECOND_US} ${job}@${node}`),
    });
    expect(places).toEqual(['0 0@0', '0 1@1', '100 2@0']);
  });

  it('grows and shrinks an elastic job, which works in proportion', () => {
    const scenario = scenarioOf([{ deserved: [4] }, { deserved: [4] }], {
      nodes: [node],
      jobs: [
        { project: 0, taskGpus: [2, 2, 2, 2], minTasks: 1, durationUs: seconds(100), graceUs: seconds(2) },
        { project: 1, taskGpus: [4], durationUs: seconds(20), submitUs: seconds(10) },
      ],
    });
    // 12 s with 8 GPUs, 20 s with 4 and the rest with 8 again: 12 + 10 + 78 s of work.
    expect(story(scenario)).toEqual([
      '0 start 0',
      '10 shrink 0',
      '10 shrink 0',
      '12 start 1',
      '32 complete 1',
      '110 complete 0',
    ]);
  });

  it('moves work together to make room, and only if it all finds a place', () => {
    const jobs = [
      { taskGpus: [5], durationUs: seconds(300) },
      { taskGpus: [5], durationUs: seconds(20) },
      { taskGpus: [2], durationUs: seconds(300), submitUs: seconds(1) },
      { taskGpus: [8], durationUs: seconds(50), submitUs: seconds(30) },
    ];
    const nodes = [{ pool: 0, count: 2, gpus: 8 }];
    // After 20 s one node holds 5 or 7 GPUs; what stands in the way of a whole node moves.
    const scenario = scenarioOf([{ deserved: [16] }], { nodes, jobs });
    const told = story(scenario, ['start', 'preempt']);
    expect(told.filter((row) => row.endsWith('start 3'))).toEqual(['30 start 3']);
  });

  it('decides no faster than it is said to', () => {
    const jobs = Array.from({ length: 8 }, () => ({ taskGpus: [1], durationUs: seconds(100) }));
    const scenario = scenarioOf([{ deserved: [8] }], { nodes: [node], jobs, args: { decisionsPerSecond: 4 } });
    expect(story(scenario, ['start']).map((row) => row.split(' ')[0])).toEqual([
      '0.25',
      '0.5',
      '0.75',
      '1',
      '1.25',
      '1.5',
      '1.75',
      '2',
    ]);
  });

  it('keeps a gang inside the rack it requires', () => {
    const nodes = [{ pool: 0, count: 4, gpus: 8, nodesPerRack: 2 }];
    const jobs = [
      { taskGpus: [8], durationUs: seconds(50) },
      { taskGpus: [8, 8], durationUs: seconds(50), submitUs: seconds(1), topologyRequired: 'rack' as const },
      { taskGpus: [8, 8], durationUs: seconds(50), submitUs: seconds(2), topologyRequired: 'rack' as const },
    ];
    const scenario = scenarioOf([{ deserved: [32] }], { nodes, jobs });
    expect(story(scenario, ['start'])).toEqual(['0 start 0', '1 start 1', '50 start 2']);
  });

  it('gives less to who used more lately, if told to', () => {
    const jobs = [
      { project: 0, taskGpus: [8], durationUs: seconds(280) },
      ...[0, 1].flatMap((project) =>
        Array.from({ length: 8 }, () => ({
          project,
          taskGpus: [1],
          durationUs: seconds(600),
          submitUs: seconds(290),
          checkpointOnPreempt: true,
        })),
      ),
    ];
    const held = (args: Record<string, unknown>) => {
      const count = [0, 0];
      const scenario = scenarioOf([{ deserved: [0] }, { deserved: [0] }], { nodes: [node], jobs, args });
      for (const row of story(scenario, ['start']).filter((r) => r.startsWith('290 '))) {
        count[scenario.jobs.project[Number(row.split(' ')[2])]]++;
      }
      return count;
    };
    expect(held({})).toEqual([4, 4]);
    const [heavy, light] = held({ timeBasedFairShare: true, usageWindow: 600 });
    expect(light).toBeGreaterThan(heavy);
  });

  // In one pool's first pass a job was told to go and was promised another node; a visitor in the second pass took that.
  it('tells a job to go once, in however many passes it is a victim', () => {
    const scenario = builtin('mission-control', { overrides: { seed: '5', durationUs: 8 * DAY_US } });
    const told = new Set<string>();
    simulate(scenario, {
      trace: ({ timeUs, event, job }) => {
        if (event !== 'preempt') return;
        expect(told).not.toContain(`${timeUs} ${job}`);
        told.add(`${timeUs} ${job}`);
      },
    });
    expect(told).toContain(`653885000000 ${scenario.jobs.ids.indexOf('finetuning/18')}`);
  });

  // Both gangs come at once. One is bound, then reclaim moves one of its two workers to another node in the same cycle.
  it('starts nothing of a job at the moment it told it to stop, in whichever pass', () => {
    const pools = [node, { pool: 1, count: 1, gpus: 8 }];
    const urgent = { taskGpus: [1, 1], minTasks: 2, priority: 125, preemptible: false, durationUs: seconds(1) };
    const scenario = scenarioOf(
      [
        { deserved: [0, 0], weight: 0 },
        { deserved: [2, 0], weight: 0, maxOver: 2 },
      ],
      {
        nodes: pools,
        jobs: [
          { ...urgent, project: 0, poolList: 1 },
          { project: 1, taskGpus: [4, 4], shareMilli: 500, minTasks: 1, durationUs: seconds(11) },
          { project: 1, poolList: 3, durationUs: seconds(5) },
          { project: 0, durationUs: seconds(1) },
          { ...urgent, project: 1, submitUs: seconds(1) },
        ],
        overrides: { poolLists: [[0, 1], [1, 0], [0], [1]] },
      },
    );
    const told = story(scenario);
    const stopped = told.find((row) => / preempt 1$/.test(row)) as string;
    expect(stopped).toBeDefined();
    const [at] = stopped.split(' ');
    expect(told).not.toContain(`${at} start 1`);
  });

  it('goes on after a resume with what a slow scheduler had decided, and decides nothing else on it', () => {
    const scenario = scenarioOf([{ deserved: [0, 0] }], {
      nodes: [node, { pool: 1, count: 1, gpus: 8 }],
      args: { decisionsPerSecond: 1.5 },
      jobs: [
        { taskGpus: [1, 1, 1, 1, 1, 1], durationUs: seconds(1) },
        { submitUs: seconds(3), durationUs: seconds(50) },
      ],
      overrides: { poolLists: [[0, 1]] },
    });
    const whole = new Simulation(scenario);
    const stopped = new Simulation(scenario);
    stopped.run(0);
    const resumed = Simulation.resume(scenario, structuredClone(stopped.snapshot()));
    for (const simulation of [whole, resumed]) simulation.run();
    expect(resumed.result().digest).toBe(whole.result().digest);
  });

  it('starts none of a gang that it bound and then moved in part', () => {
    const scenario = scenarioOf(
      [
        { deserved: [10], maxOver: 0 },
        { deserved: [2], weight: 3 },
      ],
      {
        nodes: [{ pool: 0, count: 2, gpus: 8 }],
        jobs: [
          { project: 0, taskGpus: [5], durationUs: seconds(1000) },
          { project: 1, taskGpus: [4], durationUs: seconds(1000) },
          { project: 1, taskGpus: [2, 2], durationUs: seconds(1000) },
          { project: 1, taskGpus: [1, 1], durationUs: seconds(60), submitUs: seconds(100) },
          { project: 0, taskGpus: [2, 2], durationUs: seconds(1000), submitUs: seconds(100) },
        ],
      },
    );
    expect(story(scenario, ['place', 'preempt', 'start']).filter((row) => / [34]$| preempt /.test(row))).toEqual([
      '100 preempt 2',
      ...['101 place 4', '101 place 4', '101 start 4', '101 place 3', '101 place 3', '101 start 3'],
    ]);
  });

  // schedulingshard_types.go: setDefaultPlugins, setDefaultActions.
  it('spreads shares over GPUs and consolidates nothing where GPUs are spread', () => {
    const shares = [0, 1].map(() => ({ taskGpus: [1], shareMilli: 500, durationUs: seconds(500) }));
    const gpusUsed = (gpuPlacement: string) => {
      const masks = new Set<number>();
      simulate(scenarioOf([{ deserved: [8] }], { nodes: [node], jobs: shares, args: { gpuPlacement } }), {
        trace: ({ event, mask }) => event === 'place' && masks.add(mask),
      });
      return masks.size;
    };
    expect([gpusUsed('binpack'), gpusUsed('spread')]).toEqual([1, 2]);
    // Of two jobs on each node one ends: eight GPUs are free, four on each.
    const moves = (args: Record<string, unknown>, ended: number[]) => {
      const jobs = [
        ...[0, 1, 2, 3].map((n) => ({ taskGpus: [4], durationUs: seconds(ended.includes(n) ? 10 : 500) })),
        { taskGpus: [8], durationUs: seconds(50), submitUs: seconds(20) },
      ];
      return story(scenarioOf([{ deserved: [16] }], { nodes: [{ ...node, count: 2 }], jobs, args }), ['preempt']);
    };
    expect(moves({}, [0, 2])).toHaveLength(1);
    expect(moves({ gpuPlacement: 'spread' }, [0, 1])).toEqual([]);
    expect(moves({ cpuPlacement: 'spread' }, [0, 2])).toEqual([]);
  });
});
