import { readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { reportCommand } from './report.ts';
import { runCommand } from './run.ts';
import { commandBench, refusalOf, runner } from './testing.ts';

const SCENARIO = `apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 1, price: $0.5/h}
  pools: [{name: h100, gpuModel: H100-SXM5, nodes: 1, gpusPerNode: 8, price: $3.78/h}]
---
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: mine}
spec: {duration: 1d, policy: runai}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {project: '=p', jobs: [{gpus: 4, duration: 6h}]}
`;

const bench = commandBench((b) => writeFileSync(b.at('s.yaml'), SCENARIO));
const report = runner(reportCommand);
const run = runner(runCommand);
const text = (name: string) => readFileSync(bench.at(name), 'utf8');

describe('simsup report break-even with figures that are typed in', () => {
  const GUIDE = ['break-even', '--gpus', '32', '--price', '5.92', '--hours', '720', '--utilisation', '0.60,0.80'];

  it('answers to the cent', async () => {
    await report(...GUIDE, '--licence', '4500', '--json');
    expect(JSON.parse(bench.out)).toMatchObject({
      computeCost: 136_396.8,
      useful: [81_838.08, 109_117.44],
      uplift: 27_279.36,
      licenceBreakEvenPerGpuYear: 10_371.84,
    });
  });

  it('says it in sentences, whatever the sign', async () => {
    await report(...GUIDE);
    expect(bench.out).toContain('a licence pays up to $10,371.84 per GPU-year');
    bench.clear();
    await report(...GUIDE.slice(0, -1), '0.80,0.60', '--licence', '4500');
    expect(bench.out).toContain('$27,279.36 less useful work, so no licence price pays');
    expect(bench.out).toContain('costs $39,114.98 more than it gives');
  });

  it('refuses what cannot be computed with', async () => {
    expect(await refusalOf(report(...GUIDE, '--licence', 'much'))).toContain("--licence: found 'much'");
    expect(await refusalOf(report('break-even', '--gpus', '0', '--price', '1', '--utilisation', '0.1,0.2'))).toContain(
      "--gpus: found '0', expected a decimal number above 0",
    );
    expect(await refusalOf(report('break-even', 'x.yaml', '--gpus', '8'))).toContain('leave out the file');
  });
});

describe('simsup report chargeback', () => {
  it('writes all forms of the same money, of a scenario or of a run that was kept', async () => {
    await run(bench.at('s.yaml'), '--out', bench.at('kept'));
    bench.clear();
    const files = ['csv', 'focus', 'metrics', 'html', 'markdown'].flatMap((form) => [`--${form}`, bench.at(form)]);
    await report('chargeback', bench.at('kept'), '--by', 'hour', ...files, '--json');
    const { totalUsd, rows } = JSON.parse(bench.out);
    // 8 GPUs × 24 h × $3.78 + 24 h × $0.50
    expect(totalUsd).toBe(737.76);
    expect(rows.reduce((sum: number, { usd }: { usd: number }) => sum + usd, 0)).toBeCloseTo(737.76, 6);
    const sum = (name: string, column: string) =>
      (parse(text(name), { columns: true }) as Record<string, string>[]).reduce(
        (all, row) => all + Number(row[column]),
        0,
      );
    expect(sum('csv', 'usd')).toBeCloseTo(737.76, 6);
    expect(sum('focus', 'BilledCost')).toBeCloseTo(737.76, 6);
    expect(text('csv')).toContain(",'=p,");
    bench.clear();
    await report('chargeback', bench.at('s.yaml'));
    expect(bench.out).toContain('who pays $737.76');
  });

  it('refuses rules that there are not, and a webhook without a key', async () => {
    const s = bench.at('s.yaml');
    expect(await refusalOf(report('chargeback', s, '--by', 'week'))).toContain(
      "--by 'week': expected one of hour, day, month",
    );
    expect(await refusalOf(report('chargeback', s, '--idle', 'me'))).toContain('quota, use, separate');
    expect(await refusalOf(report('chargeback', s, '--borrowed', '-1'))).toContain('a share of the price from 0 to 10');
    expect(await refusalOf(report('chargeback', s, '--webhook', 'ftp://x'))).toContain(
      'expected an address such as https',
    );
    expect(await refusalOf(report('chargeback', s, '--webhook', 'http://127.0.0.1:1'))).toContain(
      'needs --secret-file',
    );
    writeFileSync(bench.at('key'), 'short\n');
    expect(
      await refusalOf(report('chargeback', s, '--webhook', 'http://127.0.0.1:1', '--secret-file', bench.at('key'))),
    ).toContain('5 bytes are too short for a key');
  });
});

describe('simsup report slo', () => {
  it('reads a run that was kept, and says where nothing was served', async () => {
    await run(bench.at('s.yaml'), '--out', bench.at('kept'));
    bench.clear();
    await report('slo', bench.at('kept'), '--html', bench.at('slo.html'));
    expect(bench.out).toContain('No deployment of this scenario states its requests');
    expect(text('slo.html')).toContain('<!doctype html>');
    expect(await refusalOf(report('slo', bench.at('kept'), '--seed', '2'))).toContain('has been run already');
    expect(await refusalOf(report('slo', bench.at('.')))).toContain('has no run.json');
  });
});

describe('simsup report matrix and reliability', () => {
  it('prints the scenario of a cell, and refuses cells that there are not', async () => {
    await report('matrix', '--scenario', '32,3,mixed');
    expect(bench.out).toContain('name: matrix-32-3-mixed');
    expect(await refusalOf(report('matrix', '--scenario', '32,3,games'))).toContain('such as 32,3,mixed');
    expect(await refusalOf(report('matrix', '--sizes', '8,12'))).toContain('multiples of 8');
    expect(await refusalOf(report('reliability', bench.at('.')))).toContain('is a folder: name the scenario');
  });
});
