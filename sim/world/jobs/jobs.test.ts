import { describe, expect, it } from 'vitest';
import type { PreemptAction } from '../../cluster/view.ts';
import { checkedArgs, type PolicyFactory } from '../../policy/policy.ts';
import { fifo } from '../../policy/replay/ordered.ts';
import { type Action, JOB_STATUS, type Run, Simulation, simulate } from '../../simulate.ts';
import { type SmallScenario, seconds, smallScenario } from '../../testing.ts';
import { restartInPlace } from './faulted.ts';

type Preemption = Omit<PreemptAction, 'kind' | 'reason'> & { at: number };

/** First come, first served, whoever fits; and jobs are preempted when the script says, `at` seconds. */
function scripted(script: readonly Preemption[]): PolicyFactory {
  return {
    name: 'scripted',
    about: '',
    args: {},
    create() {
      const base = fifo.create(checkedArgs(fifo, { blocked: 'skip' }));
      return {
        name: 'scripted',
        periodUs: 0,
        init: (scenario) => ({ base: base.init(scenario), next: 0 }),
        decide(view, state, now, stream) {
          const decision = base.decide(view, state.base, now, stream);
          const actions: Action[] = [...decision.actions];
          for (; state.next < script.length && seconds(script[state.next].at) <= now; state.next++) {
            const { at: _at, ...preemption } = script[state.next];
            actions.push({ kind: 'preempt', reason: 'the script says so', ...preemption });
          }
          const next = state.next < script.length ? seconds(script[state.next].at) : Infinity;
          return {
            actions,
            state: { base: decision.state, next: state.next },
            wakeAt: Math.min(decision.wakeAt, next),
          };
        },
      };
    },
  };
}

const oneNode = (jobs: SmallScenario['jobs']) => smallScenario({ nodes: [{ pool: 0, count: 1, gpus: 8 }], jobs });
const run = (jobs: SmallScenario['jobs'], script: readonly Preemption[] = []) =>
  simulate(oneNode(jobs), { policy: scripted(script) });

const statuses = (r: Run) => Array.from(r.jobs.status, (s) => JOB_STATUS[s]);
const starts = (r: Run) => Array.from(r.jobs.firstStartUs, (us) => us / 1e6);
const ends = (r: Run) => Array.from(r.jobs.endUs, (us) => us / 1e6);
function gpuSeconds(r: Run, category: string): number {
  return r.entries.filter((e) => e.category === category).reduce((sum, e) => sum + Number(e.amount) / 7000 / 1e6, 0);
}

describe('a start-up that differs from start to start', () => {
  const scenarioOf = (starts: number, policy = 'fifo') => {
    const job = { taskGpus: [1], durationUs: seconds(10), startupUs: seconds(100) };
    const jobs = Array.from({ length: starts }, () => ({ ...job, startupSpread: { sigma: 1, mostUs: seconds(400) } }));
    return smallScenario({ nodes: [{ pool: 0, count: starts, gpus: 1 }], jobs, policy });
  };
  const times = (policy?: string) => {
    const { jobs } = simulate(scenarioOf(1000, policy));
    return Array.from(jobs.endUs, (us) => us / 1e6 - 10);
  };

  it('has its median, its spread and its greatest value, and is the same under every policy', () => {
    const drawn = times();
    const share = (limit: number) => drawn.filter((s) => s <= limit).length / drawn.length;
    // Of a lognormal with sigma 1: half below the median, 84 % below e times it; 8 % are cut off at four times.
    expect(Math.abs(share(100) - 0.5)).toBeLessThan(0.05);
    expect(Math.abs(share(100 * Math.E) - 0.841)).toBeLessThan(0.035);
    expect(Math.max(...drawn)).toBe(400);
    expect(times('sjf')).toEqual(drawn);
  });

  it('is drawn anew at each start, and again as it was for a run that is made again', () => {
    const startups = () => {
      const simulation = new Simulation(scenarioOf(1));
      const seen: number[] = [];
      for (let n = 0; n < 5; n++) {
        const at = simulation.nowUs;
        while (JOB_STATUS[simulation.jobs.status[0]] !== 'running') simulation.run(simulation.nowUs + seconds(1));
        seen.push(Math.round((simulation.nowUs - at) / 1e6));
        restartInPlace(simulation.jobs, 0, 'a test');
      }
      return seen;
    };
    const [first, second] = [startups(), startups()];
    expect(new Set(first).size).toBeGreaterThan(3);
    expect(second).toEqual(first);
  });
});

describe('jobs that wait for others', () => {
  const others = (job: number, condition: 'completed' | 'started' | 'ended' = 'completed') => [{ job, condition }];
  /** A job that dies: it runs on a node that breaks at 30 s and may try once. */
  const dying = { taskGpus: [8], durationUs: seconds(100), maxAttempts: 1 };

  function broken(jobs: SmallScenario['jobs']): Run {
    const simulation = new Simulation(oneNode(jobs), { policy: scripted([]) });
    simulation.setNodeState(seconds(30), 0, 'unhealthy');
    simulation.setNodeState(seconds(40), 0, 'ready');
    simulation.run();
    return simulation.result();
  }

  it('come when those have started, ended or completed', () => {
    const r = run([
      { durationUs: seconds(50) },
      { durationUs: seconds(5), after: others(0, 'started') },
      { durationUs: seconds(5), after: others(0, 'ended') },
      { durationUs: seconds(5), after: others(0) },
      { durationUs: seconds(5), after: [...others(1), ...others(3)] },
    ]);
    expect(starts(r)).toEqual([0, 0, 50, 50, 55]);
    expect(statuses(r)).toEqual(Array(5).fill('completed'));
  });

  it('fail with the one they need, all along the chain, but not those that only want it ended', () => {
    const r = broken([
      dying,
      { durationUs: seconds(5), after: others(0) },
      { durationUs: seconds(5), after: others(1) },
      { durationUs: seconds(5), after: others(2, 'started') },
      { durationUs: seconds(5), after: others(0, 'ended') },
      { durationUs: seconds(5), after: others(2, 'ended') },
    ]);
    expect(statuses(r)).toEqual(['failed', 'failed', 'failed', 'failed', 'completed', 'completed']);
    expect(ends(r).slice(0, 4)).toEqual([30, 30, 30, 30]);
    expect(starts(r).slice(4)).toEqual([40, 40]);
  });

  it('count a start even if what started then fails', () => {
    const r = broken([dying, { taskGpus: [0], durationUs: seconds(5), after: others(0, 'started') }]);
    expect(statuses(r)).toEqual(['failed', 'completed']);
  });

  it('fail before they are submitted, and stay so', () => {
    const r = broken([dying, { durationUs: seconds(5), submitUs: seconds(200), after: others(0) }]);
    expect(statuses(r)).toEqual(['failed', 'failed']);
    expect(starts(r)[1]).toBeLessThan(0);
  });

  it('cannot hope for a job that can never run', () => {
    const r = run([
      { taskGpus: [8, 8], durationUs: seconds(5) },
      { durationUs: seconds(5), after: others(0) },
    ]);
    expect(statuses(r)).toEqual(['unschedulable', 'failed']);
  });
});

describe('a preempted job', () => {
  const work = { taskGpus: [8], durationUs: seconds(100) };

  it('starts from nothing where it never saved', () => {
    const r = run([work], [{ at: 40, job: 0 }]);
    expect(ends(r)).toEqual([140]);
    expect(gpuSeconds(r, 'lost')).toBe(40 * 8);
    expect(gpuSeconds(r, 'productive')).toBe(100 * 8);
    expect([...r.jobs.preemptions]).toEqual([1]);
    expect([...r.jobs.restarts]).toEqual([0]);
  });

  it('goes on from its last checkpoint, and pays for the way back', () => {
    const saving = {
      ...work,
      checkpointEveryUs: seconds(15),
      checkpointStallUs: seconds(2),
      startupUs: seconds(3),
      restoreUs: seconds(4),
    };
    // Start 3, then 15 of work + 2 of writing, twice: at 37 it has 30 saved; at 40 it has done 33.
    const r = run([saving], [{ at: 40, job: 0 }]);
    expect(gpuSeconds(r, 'lost')).toBe(3 * 8);
    expect(gpuSeconds(r, 'restart')).toBe((3 + 3 + 4) * 8);
    // 70 of work are left: checkpoints at 45, 60, 75 and 90.
    expect(ends(r)).toEqual([40 + 7 + 70 + 4 * 2]);
    expect(gpuSeconds(r, 'checkpoint')).toBe((2 + 4) * 2 * 8);
  });

  it('loses the checkpoint that it was writing', () => {
    const saving = { ...work, checkpointEveryUs: seconds(30), checkpointStallUs: seconds(10) };
    const r = run([saving], [{ at: 35, job: 0 }]);
    expect(gpuSeconds(r, 'lost')).toBe(30 * 8);
    expect(gpuSeconds(r, 'checkpoint')).toBe((5 + 30) * 8);
    expect(ends(r)).toEqual([35 + 100 + 30]);
  });

  it('keeps all where it saves itself in its grace period, or is suspended', () => {
    const graceful = { ...work, graceUs: seconds(10), checkpointOnPreempt: true };
    const r = run([graceful], [{ at: 40, job: 0 }]);
    expect(gpuSeconds(r, 'lost')).toBe(0);
    expect(gpuSeconds(r, 'terminating')).toBe(10 * 8);
    // Its GPUs are free after the grace period only, and it is first in line for them.
    expect(ends(r)).toEqual([50 + 60]);
    expect(ends(run([work], [{ at: 40, job: 0, saves: true }]))).toEqual([100]);
  });

  it('never uses up its attempts, however often', () => {
    const r = run(
      [{ ...work, maxAttempts: 1 }],
      [10, 20, 30, 40].map((at) => ({ at, job: 0 })),
    );
    expect(statuses(r)).toEqual(['completed']);
    expect(ends(r)).toEqual([140]);
  });
});

describe('a job whose node dies', () => {
  it('is tried again as often as it may be, from its last checkpoint, without a grace period', () => {
    const job = { taskGpus: [8], durationUs: seconds(100), graceUs: seconds(50), checkpointEveryUs: seconds(20) };
    const broken = (maxAttempts: number) => {
      const simulation = new Simulation(oneNode([{ ...job, maxAttempts }]), { policy: scripted([]) });
      for (const at of [50, 150]) {
        simulation.setNodeState(seconds(at), 0, 'unhealthy');
        simulation.setNodeState(seconds(at + 50), 0, 'ready');
      }
      simulation.run();
      return simulation.result();
    };
    const lucky = broken(3);
    // 40 of 50 saved, then 40 + 40 of 90: at 150 it has done 90 and saved 80.
    expect(statuses(lucky)).toEqual(['completed']);
    expect(ends(lucky)).toEqual([220]);
    expect(gpuSeconds(lucky, 'lost')).toBe(20 * 8);
    expect(gpuSeconds(lucky, 'terminating')).toBe(0);
    expect([...lucky.jobs.restarts]).toEqual([2]);
    const unlucky = broken(2);
    expect(statuses(unlucky)).toEqual(['failed']);
    expect(ends(unlucky)).toEqual([150]);
  });
});
