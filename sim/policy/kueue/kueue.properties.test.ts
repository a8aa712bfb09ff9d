import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openStream } from '../../engine/random.ts';
import type { PolicyFactory } from '../../policy/policy.ts';
import { Simulation, simulate } from '../../simulate.ts';
import { smallScenario } from '../../testing.ts';
import { kueue } from './kueue.ts';
import type { Memory } from './memory.ts';
import { addUsage, available, emptyTree, NO_PARENT, type QuotaTree, removeUsage, settleTree } from './quota.ts';
import { kueueCase } from './testing.ts';

const limit = fc.oneof(fc.constant(Infinity), fc.integer({ min: 0, max: 12 }));
const quota = fc.record({ nominal: fc.integer({ min: 0, max: 16 }), borrow: limit, lend: limit });
const scenarios = fc
  .record({
    cohorts: fc.array(fc.record({ up: fc.nat(3), quota, weight: fc.integer({ min: 0, max: 3 }) }), {
      minLength: 1,
      maxLength: 4,
    }),
    queues: fc.array(
      fc.record({ cohort: fc.integer({ min: -1, max: 3 }), quota, weight: fc.integer({ min: 0, max: 3 }) }),
      {
        minLength: 1,
        maxLength: 5,
      },
    ),
    jobs: fc.array(
      fc.record({
        project: fc.nat(4),
        taskGpus: fc.array(fc.integer({ min: 0, max: 8 }), { minLength: 1, maxLength: 3 }),
        submitUs: fc.integer({ min: 0, max: 20_000_000 }),
        durationUs: fc.integer({ min: 1, max: 30_000_000 }),
        priority: fc.integer({ min: 0, max: 3 }),
        graceUs: fc.constantFrom(0, 0, 3_000_000),
      }),
      { minLength: 1, maxLength: 40 },
    ),
    args: fc.record({
      queueingStrategy: fc.constantFrom('stated', 'StrictFIFO'),
      reclaimWithinCohort: fc.constantFrom('Never', 'LowerPriority', 'Any'),
      withinClusterQueue: fc.constantFrom('Never', 'LowerPriority', 'LowerOrNewerEqualPriority'),
      borrowWithinCohort: fc.constantFrom('Never', 'LowerPriority'),
      fairSharing: fc.boolean(),
      waitForPodsReady: fc.boolean(),
      podsReadyTimeout: fc.constantFrom(1, 10),
      backoffBase: fc.constant(2),
      blockAdmission: fc.constantFrom('true', 'false'),
      admissionsPerSecond: fc.constantFrom(0, 3),
      placement: fc.constantFrom('kube-scheduler', 'bestfit'),
    }),
    nodes: fc.integer({ min: 1, max: 6 }),
  })
  .map(({ cohorts, queues, jobs, args, nodes }) => {
    // A limit that needs a parent is no limit without one.
    const scenario = smallScenario(
      kueueCase({
        nodes: [{ pool: 0, count: nodes, gpus: 8 }],
        cohorts: cohorts.map(({ up, ...rest }, i) => ({ ...rest, parent: i === 0 ? -1 : Math.min(up, i - 1) })),
        queues: queues.map((queue) => ({ ...queue, cohort: Math.min(queue.cohort, cohorts.length - 1) })),
        jobs: jobs.map((job) => ({ ...job, project: job.project % queues.length })),
        args,
      }),
    );
    scenario.durationUs = 400_000_000;
    return scenario;
  });

/** Kueue, watched after every decision. */
function watched(look: (memory: Memory) => void): PolicyFactory {
  return {
    ...kueue,
    create: (args) => {
      const policy = kueue.create(args);
      return {
        ...policy,
        decide: (view, state, now, stream) => {
          const decision = policy.decide(view, state, now, stream);
          look(decision.state as Memory);
          return decision;
        },
      };
    },
  };
}

function quotaHolds({ tree, admissions, cycle }: Memory): void {
  const { queues, nodes, cells, parent } = tree;
  const own = new Float64Array(nodes * cells);
  const count = ({ queue, cells: held, amounts }: { queue: number; cells: number[]; amounts: number[] }) => {
    held.forEach((cell, i) => {
      own[queue * cells + cell] += amounts[i];
    });
  };
  for (const admission of admissions.values()) count(admission);
  for (const reserved of cycle?.reserved ?? []) count(reserved);
  // Reservations of a cycle that lasts stand for workloads whose victims still hold their quota.
  const lasting = cycle !== null && cycle.reserved.length > 0;
  for (let node = 0; node < nodes; node++) {
    for (let cell = 0; cell < cells; cell++) {
      const at = node * cells + cell;
      let usage = node < queues ? own[at] : 0;
      if (node >= queues) {
        for (const child of [...tree.childQueues[node], ...tree.childCohorts[node]]) {
          usage += Math.max(0, tree.usage[child * cells + cell] - tree.local[child * cells + cell]);
        }
      }
      // What the tree says is in use is what its members hold.
      expect(tree.usage[at]).toBe(usage);
      if (lasting) continue;
      if (parent[node] === NO_PARENT) expect(usage).toBeLessThanOrEqual(tree.subtree[at]);
      else expect(usage).toBeLessThanOrEqual(tree.subtree[at] + tree.borrowingLimit[at]);
    }
  }
}

describe('whatever comes', () => {
  it('no queue and no cohort uses more than it may, and the ledger of quota adds up', () => {
    let admitted = 0;
    let preempted = 0;
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const run = simulate(scenario, {
          policy: watched((memory) => {
            quotaHolds(memory);
            admitted = Math.max(admitted, memory.admissions.size);
          }),
        });
        preempted += run.jobs.preemptions.reduce((sum, n) => sum + n, 0);
      }),
      { numRuns: 150 },
    );
    expect(admitted).toBeGreaterThan(3);
    expect(preempted).toBeGreaterThan(20);
  }, 60_000);

  it('nobody waits for ever who fits: a quiet cluster has looked at everybody', () => {
    let waiting = 0;
    fc.assert(
      fc.property(scenarios, (given) => {
        const args = { ...given.policy.args, waitForPodsReady: false, queueingStrategy: 'BestEffortFIFO' };
        const scenario = { ...given, durationUs: 2_000_000_000, policy: { ...given.policy, args } };
        let last: Memory | null = null;
        simulate(scenario, {
          policy: watched((memory) => {
            last = memory;
          }),
        });
        const { tree, lines, shapes, cycle } = last as unknown as Memory;
        expect(cycle).toBe(null);
        lines.forEach((queueLines, queue) => {
          for (const { shape, jobs } of queueLines) {
            if (jobs.length === 0) continue;
            waiting++;
            expect(available(tree, queue, 0)).toBeLessThan(shapes[shape].requests[0]);
          }
        });
      }),
      { numRuns: 40 },
    );
    expect(waiting).toBeGreaterThan(20);
  }, 60_000);

  it('a fork goes on as the run it was taken from', () => {
    fc.assert(
      fc.property(scenarios, fc.integer({ min: 0, max: 60_000_000 }), (scenario, at) => {
        const whole = simulate(scenario);
        const simulation = new Simulation(scenario);
        simulation.run(at);
        const fork = simulation.fork();
        fork.run();
        expect(fork.result().digest).toBe(whole.digest);
        simulation.run();
        expect(simulation.result().digest).toBe(whole.digest);
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});

describe('the tree', () => {
  const trees = fc
    .array(fc.record({ up: fc.nat(3), quota }), { minLength: 2, maxLength: 7 })
    .map((given): QuotaTree => {
      const queues = given.length - Math.ceil(given.length / 2);
      const tree = emptyTree(queues, given.length - queues, 1);
      given.forEach(({ up, quota: { nominal, borrow, lend } }, node) => {
        // Cohorts hang below earlier cohorts, queues below any.
        const cohort = node - queues;
        if (node < queues) tree.parent[node] = queues + Math.min(up, given.length - queues - 1);
        else if (cohort > 0) tree.parent[node] = queues + Math.min(up, cohort - 1);
        tree.nominal[node] = nominal;
        tree.borrowingLimit[node] = borrow;
        tree.lendingLimit[node] = lend;
      });
      settleTree(tree);
      return tree;
    });

  it('what is available can be taken, and giving it back in any order leaves nothing', () => {
    fc.assert(
      fc.property(trees, fc.string(), (tree, seed) => {
        const stream = openStream(seed, 'order');
        const taken: [number, number][] = [];
        for (let i = 0; i < 20; i++) {
          const queue = stream.integer(tree.queues);
          const free = available(tree, queue, 0);
          const amount = free === 0 ? 0 : 1 + stream.integer(free);
          addUsage(tree, queue, 0, amount);
          taken.push([queue, amount]);
          expect(available(tree, queue, 0)).toBe(free - amount);
        }
        while (taken.length > 0) {
          const [[queue, amount]] = taken.splice(stream.integer(taken.length), 1);
          removeUsage(tree, queue, 0, amount);
        }
        expect([...tree.usage]).toEqual(Array(tree.nodes).fill(0));
      }),
    );
  });
});
