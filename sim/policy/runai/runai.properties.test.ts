import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sumOf } from '../../record/testing.ts';
import {
  ALLOCATED,
  JOB_STATUS,
  type JobSpec,
  type Run,
  type Scenario,
  SECOND_US,
  Simulation,
  simulate,
  type TraceRow,
} from '../../simulate.ts';
import { smallScenario } from '../../testing.ts';
import type { RunaiArgs } from './args.ts';
import { createRunai, runai } from './runai.ts';

const check = <T>(property: fc.IProperty<T>, numRuns: number) => fc.assert(property, { numRuns });

const seconds = (max: number) => fc.integer({ min: 0, max }).map((s) => s * SECOND_US);
const gpus = fc.constantFrom(0, 0, 1, 2, 4, 8, -1);

const project = fc.record({
  department: fc.integer({ min: 0, max: 1 }),
  deserved: fc.tuple(gpus, gpus),
  overQuotaWeight: fc.constantFrom(0, 1, 1, 2, 3),
  maxOverQuotaGpus: fc.constantFrom(-1, -1, -1, 0, 2, 6),
  priority: fc.constantFrom(100, 100, 50),
});

const job = fc.record({
  project: fc.integer({ min: 0, max: 2 }),
  submitUs: seconds(200),
  durationUs: fc.oneof(
    { weight: 5, arbitrary: seconds(150).map((us) => us + SECOND_US) },
    { weight: 1, arbitrary: fc.constant(Infinity) },
  ),
  taskGpus: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom([1], [2], [4], [8]) },
    { weight: 3, arbitrary: fc.constantFrom([1, 1], [4, 4], [2, 2, 2], [8, 8], [1, 1, 1, 1, 1, 1]) },
    { weight: 1, arbitrary: fc.constant([0]) },
  ),
  minShare: fc.constantFrom(1, 1, 1, 0.5, 0.01),
  shareMilli: fc.constantFrom(1000, 1000, 1000, 500, 250),
  priority: fc.constantFrom(50, 50, 50, 75, 100, 125),
  poolList: fc.integer({ min: 0, max: 3 }),
  graceUs: fc.constantFrom(0, 5 * SECOND_US, 1_700_000),
  checkpointOnPreempt: fc.boolean(),
  startupUs: fc.constantFrom(0, 3 * SECOND_US),
  topologyRequired: fc.constantFrom(undefined, undefined, undefined, 'rack' as const),
  topologyPreferred: fc.constantFrom(undefined, undefined, undefined, 'nvlinkDomain' as const),
});

interface Case {
  scenario: Scenario;
  changes: { atUs: number; node: number; state: 'ready' | 'draining' | 'unhealthy' }[];
  stopAt: number;
}

function caseOf(args: fc.Arbitrary<Partial<RunaiArgs>>): fc.Arbitrary<Case> {
  return fc
    .record({
      nodes: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 })),
      projects: fc.array(project, { minLength: 3, maxLength: 3 }),
      jobs: fc.array(job, { minLength: 1, maxLength: 18 }),
      args,
      changes: fc.array(
        fc.record({
          atUs: seconds(300),
          node: fc.nat({ max: 6 }),
          state: fc.constantFrom('ready' as const, 'draining' as const, 'unhealthy' as const),
        }),
        { maxLength: 4 },
      ),
      stopAt: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map((given) => {
      const places = { nodesPerRack: 2, racksPerBlock: 2, nodesPerNvlinkDomain: 1 };
      const base = smallScenario({
        nodes: given.nodes.map((count, pool) => ({ pool, count, gpus: 8, prefix: `pool-${pool}`, ...places })),
        jobs: given.jobs.map(({ minShare, ...rest }): Partial<JobSpec> & { durationUs: number } => ({
          ...rest,
          minTasks: Math.max(1, Math.ceil(rest.taskGpus.length * minShare)),
        })),
        policy: 'runai',
        args: given.args,
        projects: 3,
      });
      const scenario: Scenario = {
        ...base,
        durationUs: 600 * SECOND_US,
        departments: [
          { name: 'research', parent: -1 },
          { name: 'product', parent: -1 },
        ],
        projects: base.projects.map((one, i) => ({
          ...one,
          ...given.projects[i],
          deservedGpus: [...given.projects[i].deserved],
        })),
        poolLists: [[0, 1], [1, 0], [0], [1]],
      };
      return {
        scenario,
        changes: given.changes.filter(({ node }) => node < scenario.nodes.count),
        stopAt: given.stopAt,
      };
    });
}

const anyArgs = fc.record({
  schedulePeriod: fc.constantFrom(1, 1, 0.25, 7),
  decisionsPerSecond: fc.constantFrom(0, 0, 0, 1.5, 10),
  gpuPlacement: fc.constantFrom('binpack' as const, 'spread' as const),
  consolidation: fc.boolean(),
  preemptMinRuntime: fc.constantFrom(0, 0, 20),
  reclaimMinRuntime: fc.constantFrom(0, 0, 20),
  preemptionDelay: fc.constantFrom(0, 0, 15),
  timeBasedFairShare: fc.boolean(),
  usageWindow: fc.constantFrom(60, 300),
  halfLife: fc.constantFrom(0, 120),
});

function begin({ scenario, changes }: Case, options: ConstructorParameters<typeof Simulation>[1] = {}): Simulation {
  const simulation = new Simulation(scenario, options);
  for (const { atUs, node, state } of changes) simulation.setNodeState(atUs, node, state);
  return simulation;
}

function runOf(given: Case, options: ConstructorParameters<typeof Simulation>[1] = {}): Run {
  const simulation = begin(given, options);
  simulation.run();
  return simulation.result();
}

/** GPUs held by project and pool, thousandths, from the trace alone; jobs on their way out hold nothing for their queue. */
function watchHoldings(
  scenario: Scenario,
  rows: readonly TraceRow[],
  look: (held: Holdings, row: TraceRow) => void,
): void {
  const { jobs, nodes, pools, projects } = scenario;
  const cells = () => new Float64Array(projects.length * pools.length);
  const held: Holdings = { all: cells(), nonPreemptible: cells() };
  const placed = new Map<number, { cell: number; milli: number }>();
  const counts = (job: number, task: number, sign: number) => {
    const at = placed.get(task);
    if (at === undefined) return;
    held.all[at.cell] += sign * at.milli;
    if (jobs.preemptible[job] === 0) held.nonPreemptible[at.cell] += sign * at.milli;
  };
  rows.forEach((row, i) => {
    const { event, job, task } = row;
    if (event === 'place') {
      const cell = jobs.project[job] * pools.length + nodes.pool[row.node];
      placed.set(task, { cell, milli: jobs.taskGpus[task] * jobs.shareMilli[job] });
      counts(job, task, 1);
    } else if (event === 'preempt' || event === 'kill') {
      for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) {
        counts(job, t, -1);
        placed.delete(t);
      }
    } else if (event === 'release' || event === 'shrink') {
      counts(job, task, -1);
      placed.delete(task);
    }
    // A moment is over when the next row is of another.
    if (rows[i + 1]?.timeUs !== row.timeUs) look(held, row);
  });
}

/** For whom others had to go, and how often in a row it had no worker more afterwards than before. */
class Vain {
  most = 0;
  private readonly held = new Map<string, number>();
  private readonly rounds = new Map<string, { before: number; since: number; vain: number }>();
  private readonly jobs: Scenario['jobs'];

  constructor({ jobs }: Scenario) {
    this.jobs = jobs;
  }

  note({ event, job, reason }: TraceRow): void {
    if (event === 'place' || event === 'release') {
      const id = this.jobs.ids[job];
      const now = (this.held.get(id) ?? 0) + (event === 'place' ? 1 : -1);
      this.held.set(id, now);
      const round = this.rounds.get(id);
      if (round !== undefined) round.since = Math.max(round.since, now);
    } else if (event === 'preempt' || event === 'shrink') {
      const forWhom = /job-\d+/.exec(reason)?.[0] ?? '';
      const last = this.rounds.get(forWhom);
      const vain = last !== undefined && last.since <= last.before ? last.vain + 1 : 0;
      const before = this.held.get(forWhom) ?? 0;
      this.rounds.set(forWhom, { before, since: before, vain });
      this.most = Math.max(this.most, vain);
    }
  }
}

interface Holdings {
  all: Float64Array;
  nonPreemptible: Float64Array;
}

describe('Run:ai in the simulation, whatever happens', () => {
  it('non-preemptible work never holds more than is deserved, nor a project more than it may borrow', () => {
    let seen = 0;
    check(
      fc.property(caseOf(anyArgs), (given) => {
        const rows: TraceRow[] = [];
        runOf(given, { trace: (row) => row.job >= 0 && rows.push(row) });
        const { projects, pools, departments } = given.scenario;
        watchHoldings(given.scenario, rows, ({ all, nonPreemptible }, row) => {
          for (let pool = 0; pool < pools.length; pool++) {
            departments.forEach((_, d) => {
              let deserved = 0;
              let holds = 0;
              projects.forEach((project, i) => {
                if (project.department !== d) return;
                const own = project.deservedGpus[pool];
                deserved = own < 0 || deserved < 0 ? -1 : deserved + own * 1000;
                holds += nonPreemptible[i * pools.length + pool];
                if (own >= 0) expect(nonPreemptible[i * pools.length + pool]).toBeLessThanOrEqual(own * 1000);
              });
              if (deserved >= 0) expect(holds).toBeLessThanOrEqual(deserved);
            });
          }
          projects.forEach(({ maxOverQuotaGpus, deservedGpus }, i) => {
            if (maxOverQuotaGpus < 0) return;
            let borrowed = 0;
            deservedGpus.forEach((own, pool) => {
              if (own >= 0) borrowed += Math.max(0, all[i * pools.length + pool] - own * 1000);
            });
            if (borrowed > 0) seen++;
            expect(borrowed, JSON.stringify(row)).toBeLessThanOrEqual(maxOverQuotaGpus * 1000);
          });
        });
      }),
      150,
    );
    expect(seen).toBeGreaterThan(0);
  });

  it('a gang gets its minimum in one pool at one moment, or nothing', () => {
    const seen = { grows: 0, shrinks: 0, preempts: 0 };
    check(
      fc.property(caseOf(anyArgs), (given) => {
        const rows: TraceRow[] = [];
        runOf(given, { trace: (row) => row.job >= 0 && rows.push(row) });
        const { jobs, nodes } = given.scenario;
        const place = new Map<number, Map<number, number>>();
        const waiting = new Set<number>();
        rows.forEach((row) => {
          const { event, job } = row;
          let at = place.get(job);
          if (at === undefined) {
            at = new Map();
            place.set(job, at);
          }
          if (event === 'place') {
            if (at.size >= jobs.minTasks[job]) seen.grows++;
            else waiting.add(job);
            at.set(row.task, row.node);
            expect(new Set([...at.values()].map((node) => nodes.pool[node])).size).toBe(1);
          } else if (event === 'start') {
            expect(at.size).toBeGreaterThanOrEqual(jobs.minTasks[job]);
            waiting.delete(job);
            if (jobs.topologyRequired.get(job) === 'rack') {
              expect(new Set([...at.values()].map((node) => nodes.rack[node])).size).toBe(1);
            }
          } else if (event === 'shrink') {
            seen.shrinks++;
            expect(at.size).toBeGreaterThan(jobs.minTasks[job]);
          } else if (event === 'release') {
            at.delete(row.task);
          } else if (event === 'preempt') {
            seen.preempts++;
            expect(jobs.preemptible[job]).toBe(1);
          }
          // Whoever got a first worker got the others with it: rows of one action are not mixed with others'.
          if (event !== 'place') expect(waiting.size).toBe(0);
        });
      }),
      150,
    );
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(0);
  });

  it('every GPU-second that a worker held is in the ledger, whoever joined or left meanwhile', () => {
    check(
      fc.property(caseOf(anyArgs), (given) => {
        const { jobs } = given.scenario;
        const since = new Map<number, number>();
        let held = 0n;
        const book = (task: number, job: number, until: number) => {
          const units = BigInt(7 * jobs.shareMilli[job] * jobs.taskGpus[task]);
          held += units * BigInt(until - (since.get(task) as number));
          since.delete(task);
        };
        const run = runOf(given, {
          trace: ({ event, job, task, timeUs }) => {
            if (event === 'place') since.set(task, timeUs);
            if (event === 'release') book(task, job, timeUs);
          },
        });
        const jobOf = (task: number) => jobs.taskStart.findIndex((first) => first > task) - 1;
        for (const task of [...since.keys()]) book(task, jobOf(task), run.simulatedUs);
        expect(sumOf(run, ALLOCATED)).toBe(held);
        // A job is done when its work is, at whatever speed it went.
        run.jobs.endUs.forEach((end, job) => {
          if (JOB_STATUS[run.jobs.status[job]] !== 'completed') return;
          expect(end - jobs.submitUs[job]).toBeGreaterThanOrEqual(jobs.durationUs[job]);
        });
      }),
      60,
    );
  });

  it('looking only when something changed equals looking at every period', () => {
    check(
      fc.property(caseOf(anyArgs), (given) => {
        const always = { ...runai, create: (args: RunaiArgs) => createRunai(args, true) };
        expect(runOf(given, { policy: always }).jobs).toEqual(runOf(given).jobs);
      }),
      60,
    );
    // Every second of ten minutes, sixty times: slow on a busy machine.
  }, 240_000);

  it('a run resumed from a snapshot and a fork go on as the run does', () => {
    check(
      fc.property(caseOf(anyArgs), (given) => {
        const expected = runOf(given);
        const stepped = begin(given);
        stepped.run(Math.floor(given.stopAt * 400) * SECOND_US);
        const snapshot = structuredClone(stepped.snapshot());
        const fork = stepped.fork();
        const resumed = Simulation.resume(given.scenario, snapshot);
        for (const simulation of [stepped, fork, resumed]) {
          simulation.run();
          const run = simulation.result();
          expect(run.digest).toBe(expected.digest);
          expect(run.jobs).toEqual(expected.jobs);
        }
      }),
      100,
    );
  });

  // Where others go round after round and it is not so, the scheduler goes round in vain: docs/policies.md says why it may.
  it('comes to rest when nobody comes or goes any more, if whoever is made room for then takes it', () => {
    const still = fc.record({ gpuPlacement: fc.constantFrom('binpack' as const, 'spread' as const) });
    const runs = 100;
    let restless = 0;
    check(
      fc.property(caseOf(still), ({ scenario }) => {
        const forever = { ...scenario, durationUs: 900 * SECOND_US };
        forever.jobs = { ...scenario.jobs, durationUs: scenario.jobs.durationUs.map(() => Infinity) };
        const vain = new Vain(scenario);
        let moves = 0;
        simulate(forever, {
          trace: (row) => {
            vain.note(row);
            if (row.timeUs > 600 * SECOND_US && ['place', 'preempt', 'shrink'].includes(row.event)) moves++;
          },
        });
        if (moves === 0) return;
        restless++;
        expect(vain.most).toBeGreaterThan(5);
      }),
      runs,
    );
    expect(restless).toBeLessThan(runs / 20);
  });
});
