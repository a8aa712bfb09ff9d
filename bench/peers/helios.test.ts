import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Table } from './files.ts';
import { heliosReplay, heliosRows, heliosScenario, type Outcome } from './helios.ts';

const DATA = fileURLToPath(new URL('data/helios', import.meta.url));

describe('the published runs', () => {
  const rows = heliosRows(DATA);

  it.each(rows)('$case under $policy, every job', (row) => {
    expect(row).toMatchObject({ equal: row.jobs, maxDifference: 0, pass: true });
    expect(row.modules).toContain('sim/policy/packing/consolidate');
  });

  it('are two virtual clusters under three policies', () => {
    expect(rows.map((row) => row.jobs)).toEqual([1694, 1694, 1694, 410, 410, 410]);
  });
});

interface Job {
  submit: number;
  duration: number;
  gpus: number;
}

function tableOf(jobs: Job[]): Table {
  const columns: Record<string, string[]> = {
    job_id: jobs.map((_, i) => String(i)),
    submit_time: jobs.map((job) => String(job.submit)),
    duration: jobs.map((job) => String(job.duration)),
    num_gpu: jobs.map((job) => String(job.gpus)),
  };
  return { path: 'jobs', rows: jobs.length, has: (name) => name in columns, column: (name) => columns[name] };
}

/** The simulator's rules, second by second and GPU by GPU, as plainly as can be. */
function tickByTick(jobs: Job[], nodes: number, policy: string): Outcome {
  const free = Array<number>(nodes).fill(8);
  const held = jobs.map(() => [] as [number, number][]);
  const start = jobs.map(() => -1);
  const end = jobs.map(() => -1);
  const preemptions = jobs.map(() => 0);
  const remain = jobs.map((job) => job.duration);
  let waiting: number[] = [];
  let running: number[] = [];
  const overhead = (gpus: number) => (gpus === 1 ? 7 : gpus <= 8 ? 30 : 60);
  const release = (j: number) => {
    for (const [node, gpus] of held[j].splice(0)) free[node] += gpus;
  };
  const place = (j: number): boolean => {
    const { gpus } = jobs[j];
    const order = free.map((_, node) => node);
    let found: [number, number][] | null = null;
    if (gpus <= 8) {
      const fits = order.filter((node) => free[node] >= gpus).sort((a, b) => free[a] - free[b] || a - b);
      found = fits.length > 0 ? [[fits[0], gpus]] : null;
    } else {
      order.sort((a, b) => free[b] - free[a] || a - b);
      const whole = order.slice(0, Math.floor(gpus / 8));
      const rest = gpus % 8;
      const next = order[whole.length];
      if (whole.length * 8 + rest === gpus && whole.every((node) => free[node] === 8)) {
        if (rest === 0) found = whole.map((node) => [node, 8]);
        else if (next !== undefined && free[next] >= rest)
          found = [...whole.map((n): [number, number] => [n, 8]), [next, rest]];
      }
    }
    if (found === null) return false;
    for (const [node, taken] of found) free[node] -= taken;
    held[j] = found;
    return true;
  };
  for (let t = 0; end.some((at) => at < 0); t++) {
    if (policy === 'srtf') {
      for (const j of [...running]) {
        if (remain[j] > 0) remain[j]--;
        else {
          end[j] = t;
          release(j);
          running = running.filter((other) => other !== j);
        }
      }
    } else {
      for (const j of running.filter((other) => start[other] + jobs[other].duration === t)) {
        end[j] = t;
        release(j);
      }
      running = running.filter((j) => end[j] < 0);
    }
    jobs.forEach((job, j) => {
      if (job.submit === t) waiting.push(j);
    });
    if (policy !== 'srtf') {
      const key = (j: number) => (policy === 'fifo' ? jobs[j].submit : jobs[j].duration);
      waiting.sort((a, b) => key(a) - key(b));
      while (waiting.length > 0 && place(waiting[0])) {
        const j = waiting.shift() as number;
        start[j] = t;
        running.push(j);
      }
      continue;
    }
    let quota = nodes * 8;
    const starts: number[] = [];
    const preempts: number[] = [];
    for (const j of [...waiting, ...running].sort((a, b) => remain[a] - remain[b])) {
      const fits = jobs[j].gpus <= quota;
      if (fits) quota -= jobs[j].gpus;
      if (fits && !running.includes(j)) starts.push(j);
      if (!fits && running.includes(j)) preempts.push(j);
    }
    for (const j of preempts) {
      preemptions[j]++;
      release(j);
      remain[j] += overhead(jobs[j].gpus);
      running = running.filter((other) => other !== j);
      waiting.push(j);
    }
    for (const j of starts) {
      if (!place(j)) continue;
      if (start[j] < 0) start[j] = t;
      waiting = waiting.filter((other) => other !== j);
      running.push(j);
    }
  }
  return { start, end, preemptions };
}

describe('the rules, on clusters of any kind', () => {
  const job = fc.record({
    submit: fc.integer({ min: 0, max: 60 }),
    duration: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 90 })),
    gpus: fc.constantFrom(1, 1, 1, 2, 3, 4, 5, 8, 8, 12, 16, 19, 24),
  });
  it.each(['fifo', 'sjf', 'srtf'])('%s', (policy) => {
    let preempted = 0;
    fc.assert(
      fc.property(fc.array(job, { minLength: 5, maxLength: 40 }), fc.integer({ min: 3, max: 5 }), (given, nodes) => {
        const jobs = given.toSorted((a, b) => a.submit - b.submit);
        const got = heliosReplay(heliosScenario(tableOf(jobs), nodes, 8, policy), policy);
        const expected = tickByTick(jobs, nodes, policy);
        expect([...Array.from(got.start)]).toEqual(expected.start);
        expect([...Array.from(got.end)]).toEqual(expected.end);
        expect([...Array.from(got.preemptions)]).toEqual(expected.preemptions);
        preempted += Array.from(got.preemptions).reduce((a, b) => a + b, 0);
      }),
      { seed: 11, numRuns: 200 },
    );
    if (policy === 'srtf') expect(preempted).toBeGreaterThan(500);
  });
});

it('makes a row of what cannot be run', () => {
  const rows = heliosRows(fileURLToPath(new URL('data/muri', import.meta.url)));
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ peer: 'helios', pass: false });
  expect(rows[0].note).toMatch(/summary\.csv has no column 'vc'/);
});
