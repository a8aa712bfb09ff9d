import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { auditTrace } from '../record/testing.ts';
import { type JobSpec, type Scenario, Simulation, simulate, type TraceRow } from '../simulate.ts';
import { seconds, smallScenario } from '../testing.ts';
import { PolicyArgumentError } from './policy.ts';

type GivenJob = Partial<JobSpec> & { durationUs: number; project: number };

const NODES = [
  { pool: 0, count: 3, gpus: 4 },
  { pool: 1, count: 3, gpus: 4 },
];

/** Project and pool list k are of pool k. */
function scenario(jobs: GivenJob[], policy: string, args: Record<string, unknown> = {}): Scenario {
  const made = smallScenario({ nodes: NODES, jobs, policy, args, projects: 2, deserved: [4, 4] });
  return { ...made, poolLists: [[0], [1]], durationUs: Infinity };
}

const pair = (a: string, b: string) => ({ pools: { 'pool-0': a, 'pool-1': b } });

const anyJob = fc.record({
  side: fc.integer({ min: 0, max: 1 }),
  submit: fc.integer({ min: 0, max: 600 }),
  duration: fc.integer({ min: 1, max: 400 }),
  gpus: fc.constantFrom([1], [2], [4], [4, 4], [1, 1, 1]),
  limit: fc.constantFrom(0, 100, 600),
  share: fc.constantFrom(1000, 1000, 500),
  every: fc.constantFrom(0, 50),
  priority: fc.constantFrom(50, 75, 100),
});

const jobsOf = (cases: readonly (typeof anyJob extends fc.Arbitrary<infer T> ? T : never)[]): GivenJob[] =>
  cases.map(({ side, submit, duration, gpus, limit, share, every, priority }, i) => ({
    ...{ id: `job-${i}`, project: side, poolList: side, submitUs: seconds(submit), durationUs: seconds(duration) },
    ...{ taskGpus: gpus, limitUs: seconds(limit), shareMilli: gpus.length === 1 && gpus[0] === 1 ? share : 1000 },
    ...{ checkpointEveryUs: seconds(every), checkpointStallUs: seconds(2), graceUs: seconds(3), priority },
    restoreUs: seconds(4),
  }));

/** Start, end, status and interruptions, by id. */
function fates(made: Scenario): Map<string, number[]> {
  const { jobs } = simulate(made);
  const columns = [jobs.status, jobs.firstStartUs, jobs.endUs, jobs.preemptions, jobs.restarts];
  return new Map(made.jobs.ids.map((id, j) => [id, columns.map((column) => column[j])]));
}

const POLICY = fc.constantFrom('runai', 'slurm', 'slurm-typical', 'kueue', 'kubernetes', 'fifo-backfill', 'sjf', 'las');

describe('split', () => {
  it('lets each policy decide as if it were alone', () => {
    fc.assert(
      fc.property(fc.array(anyJob, { minLength: 2, maxLength: 24 }), POLICY, POLICY, (cases, a, b) => {
        // Pools under the same policy are one cluster to it.
        fc.pre(a !== b);
        const jobs = jobsOf(cases);
        const together = fates(scenario(jobs, 'split', pair(a, b)));
        for (const [side, policy] of [a, b].entries()) {
          const own = jobs.filter(({ project }) => project === side);
          if (own.length === 0) continue;
          for (const [id, fate] of fates(scenario(own, policy)))
            expect(together.get(id), `${id}, ${policy}`).toEqual(fate);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('holds no GPU twice, adds up, and goes on from any moment to the same end', () => {
    fc.assert(
      fc.property(
        fc.array(anyJob, { minLength: 4, maxLength: 20 }),
        fc.constantFrom('slurm', 'kueue'),
        fc.integer({ min: 0, max: 900 }),
        (cases, other, at) => {
          const made = scenario(jobsOf(cases), 'split', pair('runai', other));
          const rows: TraceRow[] = [];
          const whole = new Simulation(made, { trace: (row) => rows.push(row) });
          whole.run();
          const run = whole.result();
          auditTrace(whole.scenario, rows, run, {
            ...{ gangs: false, suspends: false },
            ...(other === 'slurm' && { limits: LIMITS }),
          });
          const stopped = new Simulation(made);
          stopped.run(seconds(at));
          const forked = stopped.fork();
          stopped.run();
          forked.run();
          expect([stopped.result().digest, forked.result().digest]).toEqual([run.digest, run.digest]);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('takes jobs that may use both sides to the one they name first, and says so', () => {
    const made = {
      ...scenario([{ durationUs: seconds(10), project: 0, taskGpus: [4] }], 'split', pair('slurm', 'runai')),
    };
    const run = simulate({ ...made, poolLists: [[1, 0], [1]] });
    expect(run.warnings.join(' ')).toMatch(/1 jobs may use pools of several schedulers/);
    expect(run.jobs.endUs[0]).toBe(seconds(10));
  });

  it('rounds shares up only where the scheduler of the pool does', () => {
    const jobs = [0, 1].map((side) => ({ durationUs: seconds(10), project: side, poolList: side, shareMilli: 500 }));
    const { jobs: seen } = new Simulation(scenario(jobs, 'split', pair('slurm', 'runai'))).scenario;
    expect([...seen.shareMilli]).toEqual([1000, 500]);
  });

  it('refuses pools and policies there are not', () => {
    const with_ = (pools: unknown) => () => simulate(scenario([{ durationUs: 1, project: 0 }], 'split', { pools }));
    expect(with_({ 'pool-9': 'slurm' })).toThrow(PolicyArgumentError);
    expect(with_({ 'pool-9': 'slurm' })).toThrow("no node pool 'pool-9'; there are pool-0, pool-1");
    expect(with_({ 'pool-0': 'slrum' })).toThrow("for pool 'pool-0' unknown policy 'slrum'");
    expect(with_({ 'pool-0': { name: 'slurm', args: { bf_x: 1 } } })).toThrow(/unknown argument 'bf_x' of slurm/);
    expect(with_(['slurm'])).toThrow(/expected by node pool a policy/);
  });
});

/** Slurm's side only; what has no limit of its own has the preset's default, which nothing here reaches. */
const LIMITS = {
  of: (made: Scenario, job: number) =>
    made.jobs.project[job] === 1 && made.jobs.limitUs[job] > 0 ? made.jobs.limitUs[job] : Infinity,
  killWaitUs: seconds(30),
};
