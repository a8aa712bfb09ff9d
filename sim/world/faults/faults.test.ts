import { describe, expect, it } from 'vitest';
import { recoveryFor } from '../../policy/recovery/recovery.ts';
import { stackNamed, TELEMETRY } from '../../policy/recovery/stacks.ts';
import {
  type FaultToleranceSettings,
  JOB_STATUS,
  type JobSpec,
  Lives,
  type RecoverySettings,
  type Scenario,
  Simulation,
} from '../../simulate.ts';
import { seconds, smallScenario } from '../../testing.ts';
import { NO_FAULTS } from './faults.ts';
import { REPAIR_DEFAULTS } from './repair.ts';

const POLICY: FaultToleranceSettings = {
  name: 'training-ft-policy',
  eventCodes: [79, 94, 95],
  utilizationDropThreshold: 0.05,
  utilizationField: 'DCGM_FI_DEV_GPU_UTIL',
  utilizationWindowUs: seconds(300),
  action: 'CheckpointAndReschedule',
  maxRescheduleAttempts: 3,
  rescheduleDelayUs: seconds(60),
  checkpointPath: '/mnt/dsx/checkpoints/',
};

function recovery(stack: string, given: Partial<RecoverySettings> = {}): RecoverySettings {
  return { stack: stackNamed(stack), telemetry: TELEMETRY.shipped, spares: [], ...given };
}

const training: Partial<JobSpec> & { durationUs: number } = {
  taskGpus: [8],
  durationUs: seconds(7200),
  checkpointEveryUs: seconds(600),
  checkpointStallUs: seconds(2),
  startupUs: seconds(30),
  restoreUs: seconds(20),
  graceUs: seconds(10),
};

function scenarioOf(given: Partial<Scenario>, jobs = [training], nodes = 2): Scenario {
  return smallScenario({
    nodes: [{ pool: 0, count: nodes, gpus: 8 }],
    jobs,
    // A Monday, 09:00.
    overrides: { startEpochSeconds: 4 * 86_400 + 9 * 3600, durationUs: seconds(40_000), ...given },
  });
}

function lifeOf(scenario: Scenario, faults: [atS: number, kind: string, node?: number, gpu?: number][]) {
  const lives = new Lives(scenario);
  const simulation = new Simulation(scenario, { lives });
  for (const [at, kind, node = 0, gpu = 0] of faults) simulation.injectFault(seconds(at), kind, node, gpu);
  simulation.run();
  const run = simulation.result();
  const life = [...lives.rows()].filter(({ job }) => job === 0);
  return { run, life, simulation, story: life.map(({ timeUs, event }) => [event, timeUs / 1e6] as const) };
}

const at = (story: (readonly [string, number])[], event: string) =>
  story.filter(([e]) => e === event).map(([, t]) => t);

describe('the loop under Mission Control', () => {
  const scenario = scenarioOf({ recovery: recovery('mission-control', { faultTolerance: POLICY }) });

  it('goes from XID 79 to the first step elsewhere, with every delay', () => {
    const { run, story, simulation } = lifeOf(scenario, [[1000, 'xid-79']]);
    const seen = simulation.faults.telemetry.seenUs('pool0-0', seconds(1000)) / 1e6;
    expect(seen).toBeGreaterThanOrEqual(1000);
    expect(seen).toBeLessThanOrEqual(1045);
    const [checkpoint] = at(story, 'saved');
    expect(checkpoint).toBe(632);
    expect(story.filter(([event]) => event !== 'saved').slice(3, 15)).toEqual([
      ['fault', 1000],
      ['detected', seen],
      ['policy', seen],
      ['unhealthy', seen],
      ['kill', seen],
      ['lose', seen],
      ['requeue', seen + 60],
      ['place', seen + 60],
      ['start', seen + 60],
      ['restored', seen + 60 + 30 + 20],
      ['step', seen + 60 + 30 + 20],
      ['complete', expect.any(Number)],
    ]);
    const [row] = run.faults;
    // Ran 368 s since its last checkpoint (632 s), on 8 GPUs.
    expect(row).toMatchObject({ kind: 'xid-79', xid: 79, effective: true, job: 0, jobs: 1, lost: 368e6 * 8 * 7000 });
    expect([row.detectedUs, row.recoveredUs].map((us) => us / 1e6)).toEqual([seen, seen + 110]);
    expect(row.returnedUs).toBeGreaterThan(row.recoveredUs);
    const hours = Object.fromEntries(run.entries.map(({ category, amount }) => [category, Number(amount) / 7e9]));
    expect(hours.lost).toBe(368 * 8);
    expect(hours.detecting).toBe((seen - 1000) * 8);
    expect(run.jobs.restarts[0]).toBe(1);
  });

  it('leaves the node in service after XID 94, and reboots it after 79', () => {
    const contained = lifeOf(scenario, [[1000, 'xid-94']]);
    expect(contained.run.faults[0].returnedUs).toBe(-1);
    // Its GPU alone is reset, once nobody is on it: a row was remapped.
    expect(contained.run.faults[0].with).toContain(63);
    const out = contained.run.entries.filter(({ category }) => category === 'unhealthy');
    const gpuSeconds = out.reduce((sum, { amount }) => sum + Number(amount) / 7e9, 0);
    expect(gpuSeconds).toBeGreaterThan(120);
    expect(gpuSeconds).toBeLessThan(300);
    const gone = lifeOf(scenario, [[1000, 'xid-79']]);
    expect(gone.run.entries.some(({ category }) => category === 'unhealthy')).toBe(true);
  });

  it('resets one GPU after XID 95, while other jobs on the node go on, and the node after NVLink errors', () => {
    const jobs = [training, training].map((job) => ({ ...job, taskGpus: [4] }));
    const one = scenarioOf({ recovery: recovery('mission-control', { faultTolerance: POLICY }) }, jobs, 1);
    const reset = lifeOf(one, [[1000, 'xid-95', 0, 1]]);
    expect(Array.from(reset.run.jobs.restarts)).toEqual([1, 0]);
    expect(Array.from(reset.run.jobs.preemptions)).toEqual([0, 0]);
    expect(reset.run.faults[0].returnedUs).toBeGreaterThan(0);
    expect(reset.life.find(({ event }) => event === 'unhealthy')?.reason).toContain('GPU 1 of pool0-0');
    // Three of its four GPUs stay free: nothing of the other job's is touched.
    expect(reset.simulation.cluster.gpuFree.every((units) => units === 7000)).toBe(true);
    const island = lifeOf(one, [[1000, 'xid-74', 0, 1]]);
    expect(Array.from(island.run.jobs.restarts)).toEqual([1, 1]);
    const cut = lifeOf(one, [[1000, 'xid-79', 0, 1]]);
    // The node has to be rebooted: the job on its other GPUs is told to leave first.
    expect(Array.from(cut.run.jobs.restarts)).toEqual([1, 0]);
    expect(Array.from(cut.run.jobs.preemptions)).toEqual([0, 1]);
  });

  it('reboots the node where resets of the GPU do not help', () => {
    const repair = { ...REPAIR_DEFAULTS, gpuReset: { ...REPAIR_DEFAULTS.gpuReset, success: 0 } };
    const faults = { ...NO_FAULTS, repair };
    const { run } = lifeOf(scenarioOf({ faults, recovery: recovery('mission-control', { faultTolerance: POLICY }) }), [
      [1000, 'xid-95'],
    ]);
    const [{ returnedUs }] = run.faults;
    // Two resets, a reboot and the check: more than a reset's few minutes.
    expect(returnedUs).toBeGreaterThan(seconds(1000 + 240));
    expect(run.jobs.status[0]).toBe(JOB_STATUS.indexOf('completed'));
  });

  it('resets several GPUs of a node at a time, each by itself, and a whole node where one of them needs more', () => {
    const jobs = [training, training, training].map((job, i) => ({ ...job, taskGpus: [i === 2 ? 6 : 1] }));
    const one = scenarioOf({ recovery: recovery('mission-control', { faultTolerance: POLICY }) }, jobs, 1);
    const apart = lifeOf(one, [
      [1000, 'xid-95', 0, 1],
      [1000, 'xid-95', 0, 6],
    ]);
    expect(Array.from(apart.run.jobs.preemptions)).toEqual([0, 0, 0]);
    for (const { returnedUs } of apart.run.faults) expect(returnedUs).toBeLessThan(seconds(1000 + 45 + 400));
    // A second error on one GPU within a week: its reset did not help, the node is rebooted.
    const again = lifeOf(one, [
      [1000, 'xid-95', 0, 1],
      [3000, 'xid-95', 0, 1],
    ]);
    expect(Array.from(again.run.jobs.preemptions).reduce((a, b) => a + b)).toBe(2);
    // A reboot and a reset that come together: both are over when the node is back.
    const both = lifeOf(one, [
      [1000, 'xid-95', 0, 1],
      [1001, 'xid-79', 0, 6],
    ]);
    const [reset, reboot] = both.run.faults.map(({ returnedUs }) => returnedUs);
    expect(reset).toBeGreaterThan(0);
    expect(reboot).toBeGreaterThanOrEqual(reset);
  });

  it('does what a second fault needs if that is more than what is being done', () => {
    const repair = {
      ...REPAIR_DEFAULTS,
      reboot: { medianUs: seconds(600), sigma: 0, success: 1 },
      service: { medianUs: seconds(7200), sigma: 0, success: 1 },
    };
    const faults = { ...NO_FAULTS, repair };
    const of = (second: [number, string][]) =>
      lifeOf(scenarioOf({ faults, recovery: recovery('mission-control', { faultTolerance: POLICY }) }), [
        [1000, 'xid-79'],
        ...second,
      ]).run.faults;
    const [alone] = of([]);
    expect(alone.returnedUs - alone.detectedUs).toBe(seconds(600 + 120));
    // Struck before the node was out of service, noticed when it was being rebooted.
    const [reboot, host] = of([[1001, 'xid-54']]);
    for (const { returnedUs } of [reboot, host]) {
      expect(returnedUs - reboot.detectedUs).toBeGreaterThanOrEqual(seconds(7200 + 900));
      expect(returnedUs - reboot.detectedUs).toBeLessThanOrEqual(seconds(600 + 7200 + 900));
    }
  });

  it('writes a checkpoint first where the job still lives', () => {
    const given = { ...POLICY, eventCodes: [63] };
    const { run, story } = lifeOf(scenarioOf({ recovery: recovery('mission-control', { faultTolerance: given }) }), [
      [1000, 'xid-63'],
    ]);
    const [seen] = at(story, 'policy');
    expect(at(story, 'preempt')).toEqual([seen + 2]);
    expect(run.entries.some(({ category }) => category === 'lost')).toBe(false);
    expect(run.jobs.restarts[0]).toBe(0);
    expect(run.jobs.preemptions[0]).toBe(1);
  });

  it('gives up when the attempts are used up, and says why', () => {
    const codes = [1000, 3000, 5000, 12_000].map((t, i): [number, string] => [t, i % 2 === 0 ? 'xid-94' : 'xid-95']);
    const one = scenarioOf({ recovery: recovery('mission-control', { faultTolerance: POLICY }) }, [training], 1);
    const { run, life } = lifeOf(one, codes);
    expect(run.jobs.restarts[0]).toBe(4);
    expect(life.at(-1)).toMatchObject({ event: 'fail', reason: expect.stringContaining('3 attempts') });
  });

  it('acts on the change of a gauge that keeps its last value', () => {
    // The second 31 on the same GPU changes nothing: only the death of the process is noticed.
    const { story } = lifeOf(
      scenarioOf(
        { recovery: recovery('mission-control', { faultTolerance: { ...POLICY, eventCodes: [31] } }) },
        [training],
        1,
      ),
      [
        [1000, 'xid-31'],
        [3000, 'xid-31'],
      ],
    );
    const [first, second] = at(story, 'detected');
    expect(first % 15).toBe(0);
    expect(second).toBe(3010);
  });

  it('sees utilisation fall to zero when the mean over its window has', () => {
    const { story, simulation } = lifeOf(scenario, [[2000, 'utilization-drop']]);
    // 5 % of the window of 300 s: 285 s after the fall, then the next sample.
    const expected = simulation.faults.telemetry.seenUs('pool0-0', seconds(2285) + 1) / 1e6;
    expect(at(story, 'detected')).toEqual([expected]);
    expect(at(lifeOf(scenario, [[2000, 'hang']]).story, 'detected')).toEqual([2600]);
  });
});

describe('stacks without Mission Control', () => {
  const gang = [{ ...training, taskGpus: [8, 8] }];

  it('notice a death when the process ends, and queue the job again', () => {
    for (const [stack, delay] of [
      ['runai', 0],
      ['kueue', 60],
      ['slurm', 121],
    ] as const) {
      const { story } = lifeOf(scenarioOf({ recovery: recovery(stack) }, gang, 3), [[1000, 'software']]);
      expect(at(story, 'kill')).toEqual([1010]);
      expect(at(story, 'start')[1]).toBe(1010 + delay);
    }
  });

  it('let a gang on Kubernetes wait for a person in working hours', () => {
    const { story } = lifeOf(scenarioOf({ recovery: recovery('kubernetes') }, gang), [[1000, 'software']]);
    expect(at(story, 'start')[1]).toBe(1010 + 1800);
    // 08:01 after the start is 17:01: next morning at nine, half an hour later.
    const long = [{ ...gang[0], durationUs: seconds(35_000) }];
    const late = scenarioOf({ recovery: recovery('kubernetes'), durationUs: seconds(100_000) }, long);
    expect(at(lifeOf(late, [[28_860, 'software']]).story, 'start')[1]).toBe(86_400 + 1800);
    // A single pod is started in place.
    const single = lifeOf(scenarioOf({ recovery: recovery('kubernetes') }), [[1000, 'software']]);
    expect(at(single.story, 'restart')).toEqual([1010]);
  });

  it('let a job start on a broken node for as long as it is in service', () => {
    const slurm = scenarioOf({ recovery: recovery('slurm') }, [training], 1);
    const { story, run } = lifeOf(slurm, [[1000, 'xid-79']]);
    // Every 131 s until the health check drains the node after five minutes.
    expect(at(story, 'kill').length).toBe(3);
    expect(run.faults[0].returnedUs).toBeGreaterThan(0);
  });
});

describe('other actions', () => {
  const withAction = (action: FaultToleranceSettings['action'], extra: Partial<RecoverySettings> = {}) =>
    recovery('mission-control', { faultTolerance: { ...POLICY, action, rescheduleDelayUs: 0 }, ...extra });

  it('restart in place where the GPU can be used', () => {
    const { story, run } = lifeOf(scenarioOf({ recovery: withAction('RestartInPlace') }), [[1000, 'xid-94']]);
    expect(at(story, 'restart').length).toBe(1);
    expect(at(story, 'place').length).toBe(1);
    expect(run.jobs.restarts[0]).toBe(1);
  });

  it('open a spare node for the one that is gone, and fill it again', () => {
    const scenario = scenarioOf({ recovery: withAction('HotSpare', { spares: [1] }) });
    const { life, simulation, run } = lifeOf(scenario, [[1000, 'xid-79']]);
    expect(life.filter(({ event }) => event === 'place').map(({ nodes }) => nodes)).toEqual([['pool0-0'], ['pool0-1']]);
    expect(run.faults[0].returnedUs).toBeGreaterThan(0);
    // The repaired node is the spare now.
    expect([...simulation.cluster.nodeState]).toEqual([1, 0]);
  });

  it('shrink an elastic job to the workers it has left', () => {
    const elastic = [{ ...training, taskGpus: [8, 8], minTasks: 1 }];
    const { story, run } = lifeOf(scenarioOf({ recovery: withAction('ShrinkElastic') }, elastic), [
      [1000, 'xid-79', 1],
    ]);
    expect(at(story, 'shrink').length).toBe(1);
    expect(at(story, 'restart').length).toBe(1);
    expect(run.jobs.status[0]).toBe(7);
  });

  it('ignore what is to be ignored, so that the stack does as it would', () => {
    const { story } = lifeOf(scenarioOf({ recovery: withAction('Ignore') }), [[1000, 'xid-94']]);
    expect(at(story, 'kill').length).toBe(1);
    expect(at(story, 'start').length).toBe(2);
  });
});

describe('faults that nobody sees', () => {
  it('slow a whole gang down: the shortfall is `degraded`', () => {
    const { run } = lifeOf(scenarioOf({}, [training], 1), [[1000, 'straggler']]);
    const sum = (name: string) =>
      run.entries.filter(({ category }) => category === name).reduce((all, { amount }) => all + Number(amount), 0) /
      7e9;
    // What is done at 0.7 of the pace: 3/7 of the productive time it took on top.
    const slowFor = sum('degraded') / 8 / 0.3;
    expect(slowFor).toBeGreaterThan(10);
    expect(sum('productive')).toBeCloseTo(8 * 7200, 2);
    expect(run.jobs.endUs[0] / 1e6).toBeCloseTo(7200 + 30 + 11 * 2 + 0.3 * slowFor, 2);
  });

  it('slow only who is there: a throttled GPU its own jobs, a slow link the gangs that span nodes', () => {
    const job = { ...training, checkpointEveryUs: 0, durationUs: seconds(3600) };
    const jobs = [
      { ...job, taskGpus: [4, 4], submitUs: 1 },
      { ...job, taskGpus: [3] },
      { ...job, taskGpus: [1] },
    ];
    const degraded = (kind: string, gpu: number) => {
      const scenario = smallScenario({ nodes: [{ pool: 0, count: 2, gpus: 8 }], jobs, policy: 'runai' });
      const { run, life } = lifeOf(scenario, [[1000, kind, 0, gpu]]);
      const late = (id: string) => run.jobs.endUs[run.scenario.jobs.ids.indexOf(id)] / 1e6 > 3600 + 31;
      expect(life.length).toBeGreaterThan(0);
      return { slowed: ['job-0', 'job-1', 'job-2'].filter(late), jobs: run.faults[0].jobs };
    };
    const all = Array.from({ length: 8 }, (_, gpu) => degraded('straggler', gpu));
    // Each GPU has one job or none.
    for (const { slowed, jobs: struck } of all) expect(slowed.length).toBe(struck);
    expect(Math.max(...all.map(({ jobs: struck }) => struck))).toBe(1);
    expect(new Set(all.flatMap(({ slowed }) => slowed)).size).toBeGreaterThan(1);
    expect(degraded('slow-link', 0)).toEqual({ slowed: ['job-0'], jobs: 1 });
  });

  it('take back all that was computed wrong, checkpoints included', () => {
    let found = 0;
    for (let seed = 0; seed < 12; seed++) {
      const long = { ...training, durationUs: seconds(2_000_000) };
      const scenario = scenarioOf({ seed: String(seed), durationUs: seconds(1_500_000) }, [long], 1);
      const { run } = lifeOf(scenario, [[10_000, 'silent-corruption']]);
      const [row] = run.faults;
      if (row.detectedUs < 0) continue;
      found++;
      // It leaves with its node, once.
      expect([run.jobs.restarts[0], run.jobs.preemptions[0]]).toEqual([1, 0]);
      // Everything since the checkpoint before 10,000 s.
      expect(row.lost / 56e9).toBeGreaterThan((row.detectedUs / 1e6 - 10_000) * 0.99);
      const lost = run.entries
        .filter(({ category }) => category === 'lost')
        .reduce((s, { amount }) => s + Number(amount), 0);
      expect(lost).toBeGreaterThanOrEqual(row.lost);
    }
    expect(found).toBeGreaterThan(3);
  });

  it('roll back to the beginning where no clean checkpoint was kept', () => {
    let rolled = 0;
    for (let seed = 0; seed < 8; seed++) {
      const long = { ...training, durationUs: seconds(2_000_000) };
      const [all, last] = [undefined, 2].map((checkpointKeep) => {
        const given = { seed: String(seed), durationUs: seconds(1_500_000) };
        return lifeOf(scenarioOf(given, [{ ...long, checkpointKeep }], 1), [[10_000, 'silent-corruption']]);
      });
      const [row] = last.run.faults;
      expect(row.detectedUs).toBe(all.run.faults[0].detectedUs);
      if (row.detectedUs < 0) continue;
      // Two checkpoints after 10,000 s are two too many: with the clean one goes all that was done before.
      const gone = row.detectedUs > seconds(9662 + 2 * 602);
      if (gone) rolled++;
      const before = gone ? 9_600 : 0;
      expect(row.lost - all.run.faults[0].lost).toBe(before * 8 * 7000e6);
    }
    expect(rolled).toBeGreaterThan(2);
  });

  it('hold jobs up while the storage is away, and lose nothing', () => {
    const { run } = lifeOf(scenarioOf({}), [[1000, 'storage-outage']]);
    const names = run.entries.map(({ category }) => category);
    expect(names).toContain('detecting');
    expect(names).not.toContain('lost');
    expect(run.jobs.status[0]).toBe(7);
  });
});

describe('a recovery', () => {
  it('knows when people work', () => {
    const scenario = scenarioOf({});
    const { personDoneUs } = recoveryFor(recovery('kubernetes'), scenario);
    // Monday 09:00; Friday 18:00 waits for the Monday after.
    expect(personDoneUs(0)).toBe(seconds(1800));
    expect(personDoneUs(seconds(4 * 86_400 + 9 * 3600))).toBe(seconds(7 * 86_400 + 1800));
  });
});

describe('a stack that nobody named', () => {
  it('is that of the policy that is run, also where another one is run on the same scenario', () => {
    const given = { ...recovery('runai'), stackOfPolicy: true };
    const killedAt = (policyName: string) => {
      const scenario = scenarioOf({ recovery: given, policy: { name: policyName, args: {} } }, [
        { ...training, taskGpus: [8, 8] },
      ]);
      return at(lifeOf(scenario, [[1000, 'software']]).story, 'kill');
    };
    expect(killedAt('fifo')).toEqual([1010]);
    expect(killedAt('kubernetes')).toEqual([2810]);
  });
});
