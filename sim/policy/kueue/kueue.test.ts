import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../scenario.ts';
import { type Run, simulate } from '../../simulate.ts';
import { seconds, smallScenario } from '../../testing.ts';
import { backoffSeconds } from './pods.ts';
import { type KueueCase, kueueCase } from './testing.ts';

const kueueScenario = (given: KueueCase) => smallScenario(kueueCase(given));

interface Told {
  run: Run;
  /** First start of each job, seconds; -1 = never. */
  starts: number[];
  /** What was said of each job: placements, preemptions and reasons to wait, with the time in seconds. */
  said: { at: number; job: number; what: string; reason: string }[];
}

function tell(scenario: Scenario): Told {
  const said: Told['said'] = [];
  const run = simulate(scenario, {
    trace: (row) => {
      if (['place', 'preempt', 'wait'].includes(row.event)) {
        said.push({ at: row.timeUs / 1e6, job: row.job, what: row.event, reason: row.reason });
      }
    },
  });
  return { run, said, starts: Array.from(run.jobs.firstStartUs, (us) => (us < 0 ? -1 : us / 1e6)) };
}

/** A job of one worker for each 8 GPUs or part of them. */
const job = (project: number, gpus: number, at: number, lasts: number, priority = 0) => ({
  project,
  taskGpus: Array.from({ length: Math.ceil(gpus / 8) }, (_, i) => Math.min(8, gpus - 8 * i)),
  submitUs: seconds(at),
  durationUs: seconds(lasts),
  priority,
});

describe('quota', () => {
  it('admits within nominal quota, and lends what others of the cohort leave unused', () => {
    const { starts, said } = tell(
      kueueScenario({
        queues: [{ quota: { nominal: 8 } }, { quota: { nominal: 8 } }],
        jobs: [job(0, 8, 0, 100), job(0, 8, 0, 100), job(0, 8, 0, 100)],
      }),
    );
    // The third waits for the quota of the first two; it is called a second later, with the others that may wait.
    expect(starts).toEqual([0, 0, 101]);
    expect(said.filter(({ job }) => job === 0)[0].reason).toBe(
      'admitted by ClusterQueue queue-0, flavor flavor-0, within nominal quota',
    );
    expect(said.filter(({ job }) => job === 1)[0].reason).toContain('borrowing from cohort cohort-0');
    expect(said.filter(({ job }) => job === 2)[0].reason).toBe(
      'WaitingForQuota: insufficient unused quota: 8 nvidia.com/gpu in flavor flavor-0 more needed; no candidates for preemption',
    );
  });

  it('borrows up to the borrowing limit', () => {
    const { starts, said } = tell(
      kueueScenario({
        queues: [{ quota: { nominal: 8, borrow: 4 } }, { quota: { nominal: 100 } }],
        jobs: [job(0, 8, 0, 100), job(0, 4, 0, 100), job(0, 1, 0, 100), job(0, 13, 0, 100)],
      }),
    );
    expect(starts).toEqual([0, 0, 101, -1]);
    expect(said.find(({ job }) => job === 3)?.reason).toBe(
      'ExceedsMaxQuota: insufficient quota for 13 nvidia.com/gpu in flavor flavor-0: maximum capacity is 12',
    );
  });

  it('keeps for its own workloads what lies beyond the lending limit', () => {
    const { starts } = tell(
      kueueScenario({
        queues: [{ quota: { nominal: 0 } }, { quota: { nominal: 10, lend: 4 } }],
        jobs: [job(0, 4, 0, 100), job(0, 1, 0, 10), job(1, 6, 0, 100)],
      }),
    );
    expect(starts).toEqual([0, 101, 0]);
  });

  it('hands quota through a hierarchy of cohorts, within the limits of each', () => {
    const { starts } = tell(
      kueueScenario({
        // The root's own 16 GPUs; the left cohort may borrow 8 of them, its queue as many as it likes.
        cohorts: [{ quota: { nominal: 16 } }, { parent: 0, quota: { nominal: 0, borrow: 8 } }, { parent: 0 }],
        queues: [
          { cohort: 1, quota: { nominal: 4 } },
          { cohort: 2, quota: { nominal: 4 } },
        ],
        jobs: [job(0, 12, 0, 100), job(0, 1, 0, 100), job(1, 12, 0, 100)],
      }),
    );
    expect(starts).toEqual([0, 101, 0]);
  });

  it('does not share between queues without a cohort', () => {
    const { starts } = tell(
      kueueScenario({
        queues: [
          { cohort: -1, quota: { nominal: 8 } },
          { cohort: -1, quota: { nominal: 8 } },
        ],
        jobs: [job(0, 8, 0, 100), job(0, 8, 0, 100), job(0, 9, 0, 1)],
      }),
    );
    expect(starts).toEqual([0, 101, -1]);
  });

  it('tries flavours in order', () => {
    const twoPools = [
      { pool: 0, count: 1, gpus: 8 },
      { pool: 1, count: 1, gpus: 8 },
    ];
    const queues = [{ quota: [{ nominal: 4 }, { nominal: 8 }] }, { quota: [{ nominal: 4 }, { nominal: 0 }] }];
    const jobs = [job(0, 4, 0, 100), job(0, 4, 1, 100)];
    const where = (args: Record<string, unknown>) =>
      tell(kueueScenario({ nodes: twoPools, queues, jobs, args })).said.map(({ reason }) => reason.slice(-46));
    // The second would borrow in the first flavour: that ends the search, unless told to look further.
    expect(where({})[1]).toContain('flavor-0, borrowing from cohort');
    expect(where({ whenCanBorrow: 'TryNextFlavor' })[1]).toContain('flavor-1, within nominal quota');
  });
});

describe('the queue', () => {
  const line = [job(0, 8, 0, 100), job(0, 8, 1, 100), job(0, 2, 2, 10)];
  const queues = [{ cohort: -1, quota: { nominal: 10 } }];

  it('BestEffortFIFO passes a head that does not fit', () => {
    expect(tell(kueueScenario({ queues, jobs: line })).starts).toEqual([0, 101, 2]);
  });

  it('StrictFIFO stands behind it', () => {
    expect(tell(kueueScenario({ queues, jobs: line, args: { queueingStrategy: 'StrictFIFO' } })).starts).toEqual([
      0, 100, 100,
    ]);
  });

  it('is by priority, then age', () => {
    const jobs = [job(0, 10, 0, 10), job(0, 10, 1, 10, 5), job(0, 10, 2, 10, 9), job(0, 10, 3, 10, 9)];
    expect(tell(kueueScenario({ queues, jobs })).starts).toEqual([0, 33, 11, 22]);
  });

  it('across queues, those within nominal quota go before those that borrow', () => {
    const { starts } = tell(
      kueueScenario({
        queues: [{ quota: { nominal: 8 } }, { quota: { nominal: 8 } }],
        jobs: [job(0, 16, 0, 10), job(0, 9, 1, 10, 9), job(1, 8, 2, 10)],
      }),
    );
    expect(starts).toEqual([0, 21 + 1, 11]);
  });
});

describe('preemption', () => {
  const queues = [{ quota: { nominal: 8 } }, { quota: { nominal: 8 } }];
  const borrowed = [job(0, 8, 0, 100, 5), job(0, 4, 1, 100, 5), job(0, 4, 2, 100, 7)];

  it('is off unless asked for', () => {
    expect(tell(kueueScenario({ queues, jobs: [...borrowed, job(1, 4, 10, 10, 9)] })).starts[3]).toBe(101);
  });

  it('reclaims quota from those who borrow: lower priority first, then those admitted last', () => {
    const { starts, said } = tell(
      kueueScenario({ queues, jobs: [...borrowed, job(1, 4, 10, 10, 1)], args: { reclaimWithinCohort: 'Any' } }),
    );
    expect(starts[3]).toBe(10);
    expect(said.filter(({ what }) => what === 'preempt')).toEqual([
      {
        at: 10,
        job: 1,
        what: 'preempt',
        reason:
          'preempted to accommodate workload job-3 due to reclamation within the cohort (queue-1 preempts in queue-0)',
      },
    ]);
  });

  it('reclaims from lower priorities only, if told so', () => {
    const run = (priority: number) =>
      tell(
        kueueScenario({
          queues,
          jobs: [...borrowed, job(1, 4, 10, 10, priority)],
          args: { reclaimWithinCohort: 'LowerPriority' },
        }),
      ).starts[3];
    expect([run(5), run(6)]).toEqual([101, 10]);
  });

  it('takes the fewest: who is not needed after all is spared', () => {
    const { run } = tell(
      kueueScenario({
        queues,
        jobs: [job(0, 8, 0, 100, 9), job(0, 7, 1, 100, 5), job(0, 1, 2, 100, 5), job(1, 7, 10, 10, 1)],
        args: { reclaimWithinCohort: 'Any' },
      }),
    );
    expect([...run.jobs.preemptions]).toEqual([0, 1, 0, 0]);
  });

  it('within a ClusterQueue, by priority or also by age', () => {
    const run = (withinClusterQueue: string) => {
      const evicted = job(0, 8, 0, 100, 3);
      const { run } = tell(
        kueueScenario({
          queues: [{ cohort: -1, quota: { nominal: 8 } }],
          // The second is older than what runs when it comes out of the first's shadow.
          jobs: [evicted, job(0, 8, 10, 100, 4)],
          args: { withinClusterQueue },
        }),
      );
      return run.jobs.preemptions[0];
    };
    expect([run('Never'), run('LowerPriority'), run('LowerOrNewerEqualPriority')]).toEqual([0, 1, 1]);
  });

  it('waits for its victims to leave, at the head of its queue', () => {
    const { starts, said } = tell(
      kueueScenario({
        queues,
        jobs: [
          job(0, 8, 0, 100, 9),
          { ...job(0, 8, 0, 100), graceUs: seconds(30) },
          job(1, 8, 10, 10, 1),
          // Would fit in the same quota, and has the higher priority, but comes while the other waits.
          job(1, 8, 20, 10, 2),
        ],
        args: { reclaimWithinCohort: 'Any' },
      }),
    );
    expect(starts.slice(2)).toEqual([40, 51]);
    expect(said.find(({ job }) => job === 2)?.reason).toContain('WaitingForPreemptedWorkloads');
  });

  it('does not preempt to borrow, unless borrowWithinCohort says so', () => {
    const three = [{ quota: { nominal: 4 } }, { quota: { nominal: 4 } }, { quota: { nominal: 4 } }];
    const run = (args: Record<string, unknown>) =>
      tell(
        kueueScenario({
          queues: three,
          jobs: [job(0, 4, 0, 100, 1), job(0, 8, 0, 100, 1), job(1, 6, 10, 10, 9)],
          args: { reclaimWithinCohort: 'LowerPriority', ...args },
        }),
      ).starts[2];
    expect(run({})).toBe(101);
    expect(run({ borrowWithinCohort: 'LowerPriority' })).toBe(10);
    expect(run({ borrowWithinCohort: 'LowerPriority', maxPriorityThreshold: 0 })).toBe(101);
  });
});

describe('fair sharing', () => {
  const args = { fairSharing: true, reclaimWithinCohort: 'Any' };
  const none = { quota: { nominal: 0 } };
  const ones = (project: number, n: number, at: number) => Array.from({ length: n }, () => job(project, 1, at, 1000));
  const running = (scenario: ReturnType<typeof kueueScenario>, queues: number) => {
    const { said } = tell({ ...scenario, durationUs: seconds(500) });
    const count = Array(queues).fill(0);
    for (const { job, what } of said) {
      if (what !== 'wait') count[scenario.jobs.project[job]] += what === 'place' ? 1 : -1;
    }
    return count;
  };

  it('divides what is lent by dominant resource share, taking it back from who has more', () => {
    const scenario = kueueScenario({
      cohorts: [{ quota: { nominal: 8 } }],
      queues: [none, none],
      jobs: [...ones(0, 8, 0), ...ones(1, 8, 10)],
      args,
    });
    expect(running(scenario, 2)).toEqual([4, 4]);
  });

  it('by weight', () => {
    const scenario = kueueScenario({
      cohorts: [{ quota: { nominal: 8 } }],
      queues: [none, { ...none, weight: 3 }],
      jobs: [...ones(0, 8, 0), ...ones(1, 8, 10)],
      args,
    });
    expect(running(scenario, 2)).toEqual([2, 6]);
  });

  it('LessThanInitialShare lets a large workload in that would end above its victim', () => {
    const run = (preemptionStrategies: string) =>
      tell(
        kueueScenario({
          cohorts: [{ quota: { nominal: 8 } }],
          queues: [none, none],
          jobs: [job(0, 8, 0, 1000), job(1, 5, 10, 10)],
          args: { ...args, preemptionStrategies },
        }),
      ).starts[1];
    // Its share would be 5 of 8; the other's is 8 of 8 before, and none without its workload.
    expect(run('LessThanOrEqualToFinalShare')).toBe(1001);
    expect(run('LessThanInitialShare')).toBe(10);
    expect(run('preset')).toBe(10);
  });

  it('between cohorts first, then within them', () => {
    const scenario = kueueScenario({
      cohorts: [{ quota: { nominal: 8 } }, { parent: 0 }, { parent: 0 }],
      queues: [
        { ...none, cohort: 1 },
        { ...none, cohort: 1 },
        { ...none, cohort: 2 },
      ],
      jobs: [...ones(0, 8, 0), ...ones(1, 8, 10), ...ones(2, 8, 20)],
      args,
    });
    expect(running(scenario, 3)).toEqual([2, 2, 4]);
  });
});

describe('quota is blind to nodes', () => {
  /** Two nodes, four of eight GPUs taken on each, quota for eight more. */
  const fragmented = (args: Record<string, unknown>, extra: ReturnType<typeof job>[] = []) =>
    kueueScenario({
      nodes: [{ pool: 0, count: 2, gpus: 8 }],
      queues: [{ cohort: -1, quota: { nominal: 16 } }],
      jobs: [job(0, 5, 0, 400), job(0, 5, 0, 5000), job(0, 6, 10, 100), ...extra],
      args,
    });

  it('an admitted workload that fits nowhere waits with its quota taken', () => {
    const { starts, said } = tell(fragmented({}, [job(0, 1, 20, 10)]));
    // The last one would fit on any node, but has to wait for quota.
    expect(starts).toEqual([0, 0, 400, 401]);
    expect(said.find(({ job }) => job === 2)?.reason).toBe(
      'Unschedulable: admitted, its quota in ClusterQueue queue-0 is taken, but no node has room for 1 of its pods',
    );
  });

  it('with kube-scheduler a gang is bound in part, and holds what it has', () => {
    const scenario = kueueScenario({
      nodes: [{ pool: 0, count: 2, gpus: 8 }],
      queues: [{ cohort: -1, quota: { nominal: 24 } }],
      jobs: [job(0, 8, 0, 400), job(0, 16, 10, 100)],
      args: { placement: 'kube-scheduler' },
    });
    const { run, starts } = tell(scenario);
    expect(starts[1]).toBeGreaterThanOrEqual(400);
    const reserved = run.entries.filter(({ category }) => category === 'reserved');
    expect(reserved.reduce((sum, { amount }) => sum + amount, 0n)).toBeGreaterThanOrEqual(8n * 390n * 7_000_000_000n);
  });

  it('without node affinity it may send a workload where no node is large enough', () => {
    const run = (args: Record<string, unknown>) =>
      tell(
        kueueScenario({
          nodes: [
            { pool: 0, count: 4, gpus: 4 },
            { pool: 1, count: 1, gpus: 8 },
          ],
          queues: [{ cohort: -1, quota: [{ nominal: 16 }, { nominal: 8 }] }],
          jobs: [job(0, 8, 0, 10)],
          args,
        }),
      ).starts[0];
    expect([run({}), run({ nodeAffinity: false })]).toEqual([0, -1]);
  });

  it('waitForPodsReady evicts it in time, again and again, and waits longer each time', () => {
    const { said, starts } = tell(fragmented({ waitForPodsReady: true, podsReadyTimeout: 30 }));
    const requeued = said.filter(({ job, reason }) => job === 2 && reason.startsWith('Requeued'));
    // 30 s to become ready from 10 s on, then back-offs of 60 and 120 s, each with 30 s more to become ready.
    expect(requeued.map(({ at }) => at)).toEqual([40, 130, 280]);
    expect(requeued[0].reason).toBe('Requeued: exceeded the PodsReady timeout 30 s; queues again in 60 s');
    // The third back-off is 240 s.
    expect(starts[2]).toBe(520);
  });

  it('the back-off doubles up to its cap', () => {
    const given = { backoffBaseSeconds: 60, backoffMaxSeconds: 3600 };
    expect([1, 2, 3, 4, 5, 6, 7, 8, 50].map((n) => backoffSeconds(given, n))).toEqual([
      60, 120, 240, 480, 960, 1920, 3600, 3600, 3600,
    ]);
  });

  it('gives a workload up after so many evictions, if told to', () => {
    const args = { waitForPodsReady: true, podsReadyTimeout: 30, backoffLimitCount: 1 };
    const { said, starts } = tell({ ...fragmented(args), durationUs: seconds(3000) });
    expect(starts[2]).toBe(-1);
    expect(said.at(-1)?.reason).toContain('Deactivated');
  });

  it('blockAdmission admits nobody while one is not ready', () => {
    const args = { waitForPodsReady: true, podsReadyTimeout: 1000, blockAdmission: 'true' };
    const scenario = kueueScenario({
      nodes: [{ pool: 0, count: 2, gpus: 8 }],
      queues: [{ cohort: -1, quota: { nominal: 64 } }],
      jobs: [job(0, 5, 0, 400), job(0, 5, 0, 5000), job(0, 6, 10, 100), job(0, 1, 20, 10)],
      args,
    });
    const { starts, said } = tell(scenario);
    expect(starts).toEqual([0, 0, 400, 400]);
    expect(said.find(({ job }) => job === 3)?.reason).toContain('WaitingForPodsReady');
  });
});

describe('projects as ClusterQueues', () => {
  it('deserve their nominal quota, borrow what nobody deserves, and no more than they may', () => {
    const scenario = smallScenario({
      nodes: [{ pool: 0, count: 3, gpus: 8 }],
      projects: 2,
      deserved: [8],
      jobs: [job(0, 8, 0, 100), job(0, 8, 0, 100), job(0, 8, 0, 100), job(0, 8, 0, 100)],
      policy: 'kueue',
    });
    expect(tell(scenario).starts).toEqual([0, 0, 0, 101]);
    scenario.projects[0].maxOverQuotaGpus = 8;
    expect(tell(scenario).starts).toEqual([0, 0, 101, 101]);
    scenario.policy.args = { spareQuota: false, lendPercent: 0 };
    expect(tell(scenario).starts).toEqual([0, 101, 202, 303]);
  });

  it('without quotas share the cluster', () => {
    const scenario = smallScenario({
      projects: 2,
      jobs: [job(0, 16, 0, 100), job(1, 8, 0, 100)],
      policy: 'kueue',
    });
    expect(tell(scenario).starts).toEqual([0, 101]);
  });
});

it('a slow controller admits one after another', () => {
  const { starts } = tell(
    kueueScenario({
      queues: [{ quota: { nominal: 8 } }, { quota: { nominal: 8 } }],
      jobs: [job(0, 1, 0, 100), job(0, 1, 0, 100), job(1, 1, 0, 100), job(1, 1, 0, 100)],
      args: { admissionsPerSecond: 0.5 },
    }),
  );
  // One head of each queue in a cycle.
  expect(starts.map(Math.round)).toEqual([0, 4, 2, 6]);
});
