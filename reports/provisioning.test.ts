/** Roll-outs, changes and weeks as people read them: two nodes go over from one pool to another in the second week. */
import { describe, expect, it } from 'vitest';
import { readScenario } from '../scenarios/read.ts';
import { type Run, simulate } from '../sim/simulate.ts';
import { decimal } from './format.ts';
import { htmlReport } from './html.ts';
import { provisioningSentences, provisioningSummary, weekCells, weeksCsv } from './provisioning.ts';
import { summarise } from './summary.ts';
import { textSummary } from './text.ts';

const SCENARIO = `apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 17d, policy: fifo}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - {name: old<b>, gpuModel: H100-SXM5, nodes: 3, price: $2/h}
    - {name: new, gpuModel: H100-SXM5, nodes: 1, price: $3/h}
---
apiVersion: simsup.dev/v1
kind: Provisioning
spec:
  image: {median: 1h, sigma: 0}
  check: {median: 1h, failure: 0}
  changes: [{name: wave, at: 8d, from: old<b>, to: new, nodes: 2}]
  rollouts: [{name: fw, at: 1d, pools: [new], firmware: {median: 2h, sigma: 0}, reboot: {median: 1h, sigma: 0}, failure: 0}]
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  jobs:
    - {id: a, gpus: 8, duration: 2d, pools: [old<b>]}
    - {id: b, gpus: 24, workers: 3, duration: 1h, submit: 7d, pools: [new]}
    - {id: c, gpus: 24, workers: 3, duration: 1h, submit: 8d, pools: [old<b>]}
`;
const run: Run = simulate(readScenario(SCENARIO));
const provisioning = run.provisioning as NonNullable<Run['provisioning']>;
const summary = provisioningSummary(run, provisioning);

describe('provisioning in a report', () => {
  it('says in sentences what was done to the nodes', () => {
    expect(provisioningSentences(summary)).toEqual([
      'fw: 1 of 1 node updated in 1 wave, finished after 4 h; at most 1 out of service at once; the jobs of 0 had to move or end; 0 updates failed',
      'wave: 2 of 2 nodes have gone over, 2 h after 8 d',
      '3 nodes drained, 2 imaged (2 at once, 0 s for a place); 0 of 0 burn-ins and 0 of 3 checks failed',
    ]);
    const due = { ...summary.changes[0], done: 0, finishedSeconds: null };
    expect(provisioningSentences({ ...summary, changes: [due] })[1]).toBe(
      'wave: 0 of 2 nodes have gone over, due 8 d after the start',
    );
    const stopped = { ...summary.rollouts[0], done: 0, failed: 2, stopped: true, finishedSeconds: null };
    expect(provisioningSentences({ ...summary, rollouts: [stopped] })[0]).toContain('not finished');
    expect(provisioningSentences({ ...summary, rollouts: [stopped] })[0]).toContain(
      '2 updates failed; stopped for good',
    );
    expect(provisioningSentences({ ...summary, rollouts: [{ ...stopped, startedSeconds: null }] })[0]).toBe(
      'fw: has not begun',
    );
  });

  it('gives each week of each pool its cost and its waits, which add up to those of the run', () => {
    const week = (n: number, pool: string) => summary.weeks.find((row) => row.week === n && row.pool === pool);
    expect(week(1, 'old<b>')).toMatchObject({ meanGpus: 24, usd: 24 * 168 * 2, allocatedGpuHours: 8 * 48, jobs: 1 });
    // One day with three nodes, six with one.
    expect(week(2, 'old<b>')).toMatchObject({ paidGpuHours: 24 * 24 + 6 * 24 * 8, jobs: 1, notStarted: 1 });
    // The nodes are new's as soon as they have left old, and ready two hours later: b waited a day for them.
    expect(week(2, 'new')).toMatchObject({ paidGpuHours: 24 * 8 + 6 * 24 * 24, jobs: 1, notStarted: 0 });
    expect(week(2, 'new')?.wait.p50).toBe(26 * 3600);
    expect(week(3, 'new')?.paidGpuHours).toBe(3 * 24 * 24);
    const { cost } = summarise(run, 0);
    for (const { pool, usd, gpuHours } of cost.byPool) {
      const rows = summary.weeks.filter((row) => row.pool === pool);
      expect(rows.reduce((sum, row) => sum + row.usd, 0)).toBeCloseTo(usd, 6);
      expect(rows.reduce((sum, row) => sum + row.paidGpuHours, 0)).toBeCloseTo(gpuHours, 9);
    }
  });

  it('stands in the summary, no wider than a mail, in the page, escaped, and in a CSV', () => {
    const all = summarise(run, 0);
    const text = textSummary(all);
    expect(text).toContain('Week by week\n  week  pool');
    expect(text).toMatch(/\n {5}2 {2}new +22 +\$10,944\.00 +0\.7 % +1 +26 h +26 h +0\n/);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    const page = htmlReport(run, all);
    expect(page).toContain('<h2>Week by week</h2>');
    expect(page).toContain(`<li>Energy ${decimal(all.energy?.kWh ?? 0)} kWh at PUE 1.54`);
    expect(page).toContain('old&#60;b&#62;');
    expect(page).not.toContain('old<b>');
    const [head, first] = [...weeksCsv(run, provisioning)];
    expect(head.split(',').length).toBe(first.split(',').length);
    expect(first).toBe('1,old<b>,4032,8064,384,384,1,0,0,0,0,0\n');
  });

  it('shows the first weeks of many, and says how many more there are', () => {
    const many = { ...summary, weeks: Array.from({ length: 60 }, (_, i) => ({ ...summary.weeks[0], week: i + 1 })) };
    expect(weekCells(many)).toMatchObject({ more: 36 });
    expect(textSummary({ ...summarise(run, 0), provisioning: many })).toContain('… and 36 more; --json has them all');
  });
});
