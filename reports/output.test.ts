import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { builtin } from '../scenarios/index.ts';
import { type Run, type Scenario, simulate, type TraceRow } from '../sim/simulate.ts';
import { seconds, smallScenario } from '../sim/testing.ts';
import { csvField, jobsCsv, ledgerCsv, samplesCsv, TRACE_HEADER, traceLine } from './csv.ts';
import { exactSeconds, span } from './format.ts';
import { htmlReport } from './html.ts';
import { escapeHtml } from './page.ts';
import { jobsParquet, samplesParquet } from './parquet.ts';
import { summarise } from './summary.ts';
import { apportion, nextSteps, textSummary } from './text.ts';

const rows = (lines: Iterable<string>) => parse([...lines].join(''), { columns: true }) as Record<string, string>[];

function hostileRun(): Run {
  const scenario = smallScenario({
    nodes: [{ pool: 0, count: 1, gpus: 2 }],
    jobs: [
      { id: '=cmd|x!A1', taskGpus: [2], durationUs: 1_000_001 },
      { id: 'a,"b"\n</title><script>alert(1)</script>', taskGpus: [2], durationUs: seconds(50), submitUs: 1 },
      { id: '-late', taskGpus: [1], durationUs: seconds(1), submitUs: seconds(1000) },
      { id: 'huge', taskGpus: [3], durationUs: seconds(1) },
    ],
    overrides: { durationUs: seconds(10), title: '<b onload="x">&\u001b[31m', name: "it's" },
  });
  scenario.projects[0].name = '</td><img src=x>';
  return simulate(scenario);
}

describe('CSV', () => {
  it('has one row a job, with exact times, and empty where it has not happened', () => {
    const [header, ...lines] = [...jobsCsv(hostileRun())];
    expect(header).toBe('job_id,project,num_gpu,submit,start,end,queue_seconds,preemptions,restarts,status\n');
    expect(lines).toHaveLength(4);
    const table = rows(jobsCsv(hostileRun()));
    expect(table[0]).toEqual({
      job_id: "'=cmd|x!A1",
      project: '</td><img src=x>',
      num_gpu: '2',
      submit: '0.000000',
      start: '0.000000',
      end: '1.000001',
      queue_seconds: '0.000000',
      preemptions: '0',
      restarts: '0',
      status: 'completed',
    });
    expect(table[1]).toMatchObject({ num_gpu: '3', start: '', end: '', status: 'unschedulable' });
    expect(table[2]).toMatchObject({ start: '1.000001', end: '', queue_seconds: '1.000000', status: 'running' });
    expect(table[2].job_id).toContain('a,"b"\n');
    expect(table[3]).toMatchObject({ job_id: "'-late", submit: '1000.000000', start: '', status: 'pending' });
  });

  it('writes microseconds exactly', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 31 }), fc.nat({ max: 999_999 }), (whole, micros) => {
        expect(exactSeconds(whole * 1_000_000 + micros)).toBe(`${whole}.${String(micros).padStart(6, '0')}`);
      }),
    );
  });

  it('never begins a field as a formula', () => {
    fc.assert(fc.property(fc.string(), (text) => !/^"?[=+\-@\t\r]/.test(csvField(text))));
  });

  it('holds the whole ledger by hour, exactly', () => {
    const run = simulate(builtin('mission-control'), { keepHours: true });
    const table = rows(ledgerCsv(run));
    expect(table.reduce((sum, row) => sum + BigInt(row.gpu_us_7000), 0n)).toBe(run.capacity);
    expect(new Set(table.map((row) => row.hour)).size).toBe(30 * 24);
    expect(rows(ledgerCsv(simulate(builtin('mission-control')))).every((row) => row.hour === '')).toBe(true);
  });

  it('has samples that add up to the GPUs installed, in CSV and in Parquet', async () => {
    const run = simulate(builtin('mission-control'));
    const table = rows(samplesCsv(run));
    expect(table).toHaveLength(run.samples.pendingJobs.length);
    expect(table.at(-1)?.to).toBe(exactSeconds(run.simulatedUs));
    const gpus = (row: Record<string, unknown>) =>
      Object.keys(run.samples.categories).reduce((sum, category) => sum + Number(row[category]), 0);
    for (const row of table) expect(gpus(row)).toBeCloseTo(48, 6);
    for (const row of await parquetReadObjects({ file: samplesParquet(run).buffer as ArrayBuffer }))
      expect(gpus(row)).toBeCloseTo(48, 6);
  });

  it('has a trace from which the ledger can be summed again', () => {
    const scenario = builtin('mission-control');
    const lines = [TRACE_HEADER];
    const run = simulate(scenario, { trace: (row: TraceRow) => lines.push(traceLine(scenario, row)) });
    const now = new Map<string, { units: bigint; since: bigint; amount: bigint }>();
    const change = (name: string, time: bigint, units: bigint) => {
      const account = now.get(name) ?? { units: 0n, since: 0n, amount: 0n };
      account.amount += account.units * (time - account.since);
      account.since = time;
      account.units += units;
      now.set(name, account);
    };
    for (const row of rows(lines)) {
      if (row.event === 'lost') {
        const [from, to] = [row.from, row.to].map((name) => now.get(name) ?? { units: 0n, since: 0n, amount: 0n });
        from.amount -= BigInt(row.units);
        to.amount += BigInt(row.units);
        now.set(row.to, to);
      }
      if (row.event !== 'ledger') continue;
      const time = BigInt(row.time.replace('.', ''));
      if (row.from !== '') change(row.from, time, -BigInt(row.units));
      change(row.to, time, BigInt(row.units));
    }
    for (const name of now.keys()) change(name, BigInt(run.simulatedUs), 0n);
    const { categories } = summarise(run, 0).ledger;
    for (const [name, { amount }] of now) expect([name, String(amount)]).toEqual([name, categories[name as 'free']]);
  });
});

describe('Parquet', () => {
  it('has the rows of the CSV', async () => {
    const run = hostileRun();
    const table = await parquetReadObjects({ file: jobsParquet(run).buffer as ArrayBuffer });
    expect(table).toHaveLength(4);
    expect(table[0]).toMatchObject({ job_id: '=cmd|x!A1', num_gpu: 2, submit: 0, end: 1.000001, status: 'completed' });
    expect(table[1].start ?? null).toBeNull();
  });
});

describe('the page', () => {
  it('escapes whatever a scenario says', () => {
    const run = hostileRun();
    const html = htmlReport(run, summarise(run, 0));
    expect(html).not.toMatch(/<script|<img|<b onload/);
    expect(html).toContain(escapeHtml('</td><img src=x>'));
    fc.assert(fc.property(fc.string(), (text) => !/[<>"']/.test(escapeHtml(text))));
  });

  it('needs nothing from outside, and is the same every time', () => {
    const page = (wallSeconds: number) => {
      const run = simulate(builtin('small-team'));
      return htmlReport(run, summarise(run, wallSeconds));
    };
    expect(page(1)).toBe(page(2));
    expect(page(1)).not.toMatch(/\b(src|href)=|url\(|@import|https?:/);
  });
});

describe('the text', () => {
  it('fits a mail, holds no control characters, and says what is wrong', () => {
    for (const run of [hostileRun(), simulate(builtin('mission-control')), simulate(builtin('philly-week'))]) {
      const text = textSummary(summarise(run, 0));
      for (const line of `${text}${nextSteps()}`.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(100);
      expect(text).not.toContain('\u001b');
    }
    const text = textSummary({ ...summarise(hostileRun(), 0), partial: true });
    expect(text).toContain('Partial');
    expect(text).toContain('1 job can never run');
    expect(textSummary({ ...summarise(hostileRun(), 0), stalled: true })).toContain('Stalled');
    expect(textSummary(summarise(simulate(builtin('itp')), 0))).toContain('no prices are given');
    expect(textSummary(summarise(hostileRun(), 0), { colour: true })).toContain('\u001b[');
  });

  it('suggests a comparison that suits the policy of the run, and that can be typed as it is', () => {
    const compared = (policy?: Scenario['policy']) => /compare (.*?) {2}/.exec(nextSteps('x.yaml', policy))?.[1];
    expect(compared()).toBe('x.yaml --policy kubernetes,runai');
    expect(compared({ name: 'fifo', args: {} })).toBe('x.yaml --policy kubernetes,fifo');
    // Its arguments would be lost: a policy is compared by its name.
    expect(compared({ name: 'las', args: { thresholds: [1] } })).toBe('x.yaml --policy kubernetes,runai');
    expect(compared({ name: 'a-module-of-mine', args: {} })).toBe('x.yaml --policy kubernetes,runai');
    expect(compared(builtin('migrate-slurm').policy)).toBe('x.yaml --policy slurm-typical,runai');
  });

  it('shares a bar out to the last cell', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 16 }),
        (amounts) => {
          const cells = apportion(amounts, 80);
          expect(cells.reduce((a, b) => a + b, 0)).toBe(80);
          expect(Math.min(...cells)).toBeGreaterThanOrEqual(1);
        },
      ),
    );
  });

  it('says durations as people do', () => {
    expect([0, 0.25, 45, 600, 7200, 86_400 * 3, null].map(span)).toEqual([
      '0 s',
      '0.25 s',
      '45 s',
      '10 min',
      '2 h',
      '3 d',
      '–',
    ]);
  });
});
