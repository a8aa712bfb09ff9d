/** Slurm by example. Times in seconds; two nodes of eight GPUs unless said otherwise. */
import { describe, expect, it } from 'vitest';
import { sumOf } from '../../record/testing.ts';
import type { JobSpec, NodeGroup, SlurmSettings } from '../../scenario.ts';
import { GPU_UNITS, JOB_STATUS, simulate, type TraceRow } from '../../simulate.ts';
import { seconds, smallScenario } from '../../testing.ts';

interface Line extends Omit<Partial<JobSpec>, 'submitUs' | 'durationUs' | 'limitUs'> {
  at?: number;
  runs: number;
  limit?: number;
}

interface Setting {
  args?: Record<string, unknown>;
  nodes?: NodeGroup[];
  slurm?: SlurmSettings;
  projects?: number;
}

function run(lines: Line[], { args, nodes, slurm, projects }: Setting = {}) {
  const jobs = lines.map(({ at = 0, runs, limit = 0, ...rest }) => ({
    ...rest,
    submitUs: seconds(at),
    durationUs: seconds(runs),
    limitUs: seconds(limit),
  }));
  const rows: TraceRow[] = [];
  const scenario = smallScenario({ nodes, jobs, policy: 'slurm', args, projects, overrides: { slurm } });
  const result = simulate(scenario, { trace: (row) => rows.push(row) });
  const told = (job: number, event: string) =>
    rows.filter((row) => row.job === job && row.event === event).map(({ reason }) => reason);
  return {
    result,
    starts: Array.from(result.jobs.firstStartUs, (us) => us / 1e6),
    ends: Array.from(result.jobs.endUs, (us) => us / 1e6),
    status: Array.from(result.jobs.status, (s) => JOB_STATUS[s]),
    reasons: (job: number) => told(job, 'wait'),
    placed: (job: number) => told(job, 'place'),
    gpuSeconds: (category: 'lost' | 'productive' | 'terminating') =>
      Number(sumOf(result, [category])) / GPU_UNITS / 1e6,
  };
}

describe('time limits', () => {
  it('end a job that runs longer; what it saved counts, the rest is lost', () => {
    const { ends, status, gpuSeconds } = run([
      { runs: 500, limit: 200, checkpointEveryUs: seconds(150), graceUs: seconds(10), taskGpus: [4] },
    ]);
    expect(status).toEqual(['failed']);
    expect(ends).toEqual([210]);
    expect(gpuSeconds('productive')).toBe(4 * 150);
    expect(gpuSeconds('lost')).toBe(4 * 50);
    expect(gpuSeconds('terminating')).toBe(4 * 10);
  });

  it('leave a job KillWait to stop: one that needs longer saves nothing', () => {
    const saves = { runs: 500, limit: 200, checkpointOnPreempt: true };
    const quick = run([{ ...saves, graceUs: seconds(20) }]);
    expect([quick.ends[0], quick.gpuSeconds('productive'), quick.gpuSeconds('lost')]).toEqual([220, 200, 0]);
    const slow = run([{ ...saves, graceUs: seconds(50) }]);
    expect([slow.ends[0], slow.gpuSeconds('productive'), slow.gpuSeconds('lost')]).toEqual([230, 0, 200]);
  });

  it('come from the partition where a job states none, and may be exceeded by OverTimeLimit', () => {
    const line = { runs: 500, partition: 'short' };
    const slurm = { partitions: [{ name: 'short', defaultTimeUs: seconds(100) }], qos: [] };
    expect(run([line], { slurm }).ends).toEqual([100]);
    expect(run([line], { slurm, args: { overTimeLimit: 60 } }).ends).toEqual([160]);
    expect(run([line]).ends).toEqual([500]);
  });
});

describe('the main scheduler', () => {
  it('is strict in a partition, and backfill alone lets others pass', () => {
    const lines = [
      { runs: 600, limit: 600, taskGpus: [8] },
      { at: 10, runs: 600, limit: 600, taskGpus: [8, 8] },
      { at: 20, runs: 300, limit: 300, taskGpus: [8] },
    ];
    const builtin = run(lines, { args: { backfill: false } });
    expect(builtin.starts).toEqual([0, 600 + 0, 1200]);
    expect(builtin.reasons(1)).toEqual(['Resources']);
    expect(builtin.reasons(2)).toEqual(['Priority', 'Resources']);
  });

  it('gathers what happens by batch_sched_delay', () => {
    expect(run([{ at: 61, runs: 10 }]).starts).toEqual([63]);
    expect(run([{ at: 61, runs: 10 }], { args: { batchSchedDelay: 0 } }).starts[0]).toBeCloseTo(61, 5);
    expect(run([{ at: 60, runs: 10 }]).starts).toEqual([60]);
  });

  it('sees other partitions only as deep as default_queue_depth until the full pass of the minute', () => {
    const lines: Line[] = [{ runs: 1000, limit: 1000, taskGpus: [8], partition: 'a' }];
    for (let i = 0; i < 5; i++) lines.push({ at: 61, runs: 50, limit: 50, taskGpus: [8], partition: 'a', poolList: 1 });
    lines.push({ at: 62, runs: 50, limit: 50, taskGpus: [8], partition: 'b', poolList: 2 });
    const nodes = [
      { pool: 0, count: 1, gpus: 8 },
      { pool: 1, count: 1, gpus: 8 },
    ];
    const jobs = lines.map((line) => ({ ...line, poolList: line.partition === 'b' ? 1 : 0 }));
    const args = { defaultQueueDepth: 3, backfill: false };
    const at = (given: Record<string, unknown>) => {
      const scenario = smallScenario({
        nodes,
        jobs: jobs.map(({ at: submit = 0, runs, limit = 0, ...rest }) => ({
          ...rest,
          submitUs: seconds(submit),
          durationUs: seconds(runs),
          limitUs: seconds(limit),
        })),
        policy: 'slurm',
        args: given,
        overrides: { poolLists: [[0], [1]] },
      });
      return simulate(scenario).jobs.firstStartUs[6] / 1e6;
    };
    expect(at({ ...args, defaultQueueDepth: 100 })).toBe(63);
    expect(at(args)).toBe(120);
  });
});

describe('backfill', () => {
  /** A gang of both nodes waits for the first job's end at 600. */
  const head = [
    { runs: 600, limit: 600, taskGpus: [8] },
    { at: 10, runs: 600, limit: 600, taskGpus: [8, 8] },
  ];

  it('starts what ends before the planned start of those before it', () => {
    const { starts, placed } = run([...head, { at: 20, runs: 300, limit: 300, taskGpus: [8] }]);
    expect(starts).toEqual([0, 600, 30]);
    expect(placed(2)).toEqual(['started by backfill: delays none of the 1 jobs before it']);
  });

  it('goes by the limit: one who overstates it waits, though the job is as short', () => {
    expect(run([...head, { at: 20, runs: 300, limit: 3600, taskGpus: [8] }]).starts).toEqual([0, 600, 1200]);
    expect(run([...head, { at: 20, runs: 300, taskGpus: [8] }]).starts).toEqual([0, 600, 1200]);
  });

  it('tests only the first bf_max_job_test jobs: a job that would fit starts late', () => {
    const lines: Line[] = [...head];
    for (let i = 0; i < 5; i++) lines.push({ at: 15, runs: 100, limit: 3600, taskGpus: [8] });
    lines.push({ at: 20, runs: 300, limit: 300, taskGpus: [8] });
    expect(run(lines).starts[7]).toBe(30);
    // Behind the first, the gang and five that overstate their limits, it is the seventh to wait.
    expect(run(lines, { args: { bfMaxJobTest: 7 } }).starts[7]).toBe(30);
    expect(run(lines, { args: { bfMaxJobTest: 6 } }).starts[7]).toBeGreaterThan(600);
  });

  it('plans only bf_window ahead: a job that waits for longer ones is passed until they end', () => {
    const lines = [
      { runs: 7200, limit: 7200, taskGpus: [8] },
      { at: 10, runs: 600, limit: 600, taskGpus: [8, 8] },
      { at: 20, runs: 9000, limit: 9000, taskGpus: [8] },
    ];
    expect(run(lines).starts).toEqual([0, 7200, 7800]);
    expect(run(lines, { args: { bfWindow: 3600 } }).starts).toEqual([0, 9030, 30]);
  });

  it('keeps whole nodes for a planned job, and rounds its start down to bf_resolution', () => {
    const lines = [
      { runs: 630, limit: 630, taskGpus: [6] },
      { at: 10, runs: 600, limit: 600, taskGpus: [4], poolList: 0 },
      { at: 20, runs: 700, limit: 700, taskGpus: [2] },
    ];
    const nodes = [{ pool: 0, count: 1, gpus: 8 }];
    // The head leaves four GPUs unused from 630 on, but its node is all kept.
    expect(run(lines, { nodes }).starts).toEqual([0, 630, 630]);
    // 30 + 570 does not pass 600, the planned start of 630 rounded down; 30 + 580 does, though it ends before 630.
    const ending = (limit: number) => run([lines[0], lines[1], { at: 20, runs: 10, limit, taskGpus: [2] }], { nodes });
    expect(ending(569).starts[2]).toBe(30);
    expect(ending(580).starts[2]).toBe(630);
    expect(
      run([lines[0], lines[1], { at: 20, runs: 10, limit: 580, taskGpus: [2] }], { nodes, args: { bfResolution: 1 } })
        .starts[2],
    ).toBe(30);
  });

  it('with bf_job_part_count_reserve 1 protects the head alone, as EASY does', () => {
    const nodes = [{ pool: 0, count: 3, gpus: 8 }];
    const lines = [
      { runs: 600, limit: 600, taskGpus: [8] },
      { runs: 600, limit: 600, taskGpus: [8] },
      { at: 10, runs: 600, limit: 600, taskGpus: [8, 8] },
      { at: 11, runs: 600, limit: 600, taskGpus: [8, 8, 8] },
      { at: 20, runs: 1500, limit: 1500, taskGpus: [8] },
    ];
    // The head takes two nodes at 600; on the third the second gang, planned at 1200, must not be delayed.
    expect(run(lines, { nodes }).starts).toEqual([0, 0, 600, 1200, 1800]);
    expect(run(lines, { nodes, args: { bfJobPartCountReserve: 1 } }).starts).toEqual([0, 0, 600, 1530, 30]);
  });
});

describe('partitions and QOS', () => {
  const slurm: SlurmSettings = {
    partitions: [
      { name: 'debug', priorityTier: 10, maxTimeUs: seconds(1800) },
      { name: 'main', defaultTimeUs: seconds(7200) },
    ],
    qos: [
      { name: 'urgent', preempt: ['scavenger'], priority: 1000 },
      { name: 'scavenger', maxGpusPerUser: 12, maxWallUs: seconds(40_000) },
      { name: 'big', maxJobsPerUser: 1, grpGpus: 16 },
    ],
  };

  it('a higher PriorityTier goes first; a limit above MaxTime waits for ever', () => {
    const { starts, reasons, status, result } = run(
      [
        { runs: 100, limit: 100, taskGpus: [8, 8], partition: 'main' },
        { at: 10, runs: 100, limit: 100, taskGpus: [8, 8], partition: 'main' },
        { at: 20, runs: 100, limit: 100, taskGpus: [8, 8], partition: 'debug' },
        { at: 30, runs: 100, limit: 3600, taskGpus: [1], partition: 'debug' },
      ],
      { slurm },
    );
    expect(starts).toEqual([0, 200, 100, -1 / 1e6]);
    expect(reasons(3)).toContain('PartitionTimeLimit');
    expect([status[3], result.stalled]).toEqual(['pending', true]);
  });

  it('a QOS limit holds its jobs and nobody else', () => {
    const { starts, reasons } = run(
      [
        { runs: 100, limit: 100, taskGpus: [4], qos: 'big' },
        { at: 10, runs: 100, limit: 100, taskGpus: [4], qos: 'big' },
        { at: 20, runs: 100, limit: 100, taskGpus: [4] },
      ],
      { slurm },
    );
    expect(reasons(1)).toEqual(['QOSMaxJobsPerUserLimit']);
    expect(starts).toEqual([0, 100, 20]);
  });

  it('an urgent job stops scavengers, which are queued again after cred_expire', () => {
    const lines = [
      { runs: 1000, limit: 7200, taskGpus: [6], qos: 'scavenger', graceUs: seconds(10) },
      { at: 50, runs: 1000, limit: 7200, taskGpus: [6], qos: 'scavenger', graceUs: seconds(10) },
      { at: 100, runs: 300, limit: 600, taskGpus: [8], qos: 'urgent' },
    ];
    const args = { preemptType: 'qos', preemptMode: 'requeue', batchSchedDelay: 0 };
    const { starts, ends, reasons, result, gpuSeconds } = run(lines, { slurm, args });
    // The youngest goes: it ran from 50 to 100, holds its GPUs for 10 s more, and may start again at 110 + 120.
    expect(starts[2]).toBe(110);
    expect(Array.from(result.jobs.preemptions)).toEqual([0, 1, 0]);
    expect(gpuSeconds('lost')).toBe(6 * 50);
    expect(reasons(1)).toContain('BeginTime');
    expect(ends[2]).toBe(410);
    expect(ends[1]).toBe(410 + 1000);
    // PreemptExemptTime keeps it from that until it has run for long enough.
    expect(run(lines, { slurm, args: { ...args, preemptExemptTime: 200 } }).starts[2]).toBe(200 + 10);
    expect(run(lines, { slurm }).starts[2]).toBeGreaterThanOrEqual(1000);
  });

  it('PreemptMode CANCEL ends them for good', () => {
    const { status, result } = run(
      [
        { runs: 1000, taskGpus: [8, 8], qos: 'scavenger2', checkpointEveryUs: seconds(40) },
        { at: 100, runs: 300, taskGpus: [8], qos: 'urgent' },
      ],
      {
        slurm: { partitions: [], qos: [{ name: 'urgent', preempt: ['scavenger2'] }, { name: 'scavenger2' }] },
        args: { preemptType: 'qos', preemptMode: 'cancel' },
      },
    );
    expect(status).toEqual(['failed', 'completed']);
    expect(result.jobs.preemptions[0]).toBe(1);
  });
});

describe('priority', () => {
  it('fair share: of two projects the one that used less goes first, by weights', () => {
    const lines = [
      { runs: 1000, limit: 1000, taskGpus: [8, 8], project: 0 },
      { at: 400, runs: 100, limit: 100, taskGpus: [8, 8], project: 0 },
      { at: 500, runs: 100, limit: 100, taskGpus: [8, 8], project: 1 },
    ];
    expect(run(lines, { projects: 2 }).starts).toEqual([0, 1000, 1100]);
    const args = { priorityWeightFairshare: 1000 };
    expect(run(lines, { projects: 2, args }).starts).toEqual([0, 1100, 1000]);
    expect(run(lines, { projects: 2, args: { ...args, fairTree: false } }).starts).toEqual([0, 1100, 1000]);
  });

  it('size: large first, or with PriorityFavorSmall small first', () => {
    const lines = [
      { runs: 100, limit: 100, taskGpus: [8, 8] },
      { at: 10, runs: 100, limit: 100, taskGpus: [8] },
      { at: 20, runs: 100, limit: 100, taskGpus: [8, 8] },
    ];
    const args = { priorityWeightJobSize: 1000 };
    expect(run(lines, { args }).starts).toEqual([0, 200, 100]);
    expect(run(lines, { args: { ...args, priorityFavorSmall: true } }).starts).toEqual([0, 100, 200]);
  });
});
