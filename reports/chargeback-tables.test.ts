import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { readScenario } from '../scenarios/index.ts';
import { POLICIES, simulate } from '../sim/simulate.ts';
import { type ChargebackRules, chargebackInput, chargeLines, LINE_KINDS } from './chargeback.ts';
import { chargebackDocument } from './chargeback-report.ts';
import {
  chargebackCsv,
  chargebackMetrics,
  chargeRows,
  hourlySummaries,
  idempotencyKey,
  PERIODS,
  projectSums,
} from './chargeback-tables.ts';
import { costOf } from './cost.ts';
import { documentCsv, documentHtml } from './document.ts';
import { focusCsv } from './focus.ts';

const HOSTILE = '=HYPERLINK("http://evil")<script>alert(1)</script>';

const run = simulate(
  readScenario(
    `apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 1, price: $0.5/h}
  pools: [{name: p, gpuModel: H200, nodes: 1, gpusPerNode: 4, price: $5.92/h, billingIncrement: 1h}]
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: research}
spec: {projects: [{name: a, deservedGpus: 3, chargebackLabel: '${HOSTILE}'}, {name: b, deservedGpus: 1}]}
---
apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 50h30m, policy: runai, start: 2026-06-29T22:00:00Z, utcOffset: '+02:00'}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {preset: none, processes: [{name: gpus, unit: gpu, mtbf: 30h, kinds: {xid-31: 1}}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  teams:
    - {name: a, project: a, sizes: [{gpus: 2}], arrivals: {perDay: 20}, duration: 3h}
    - {name: b, project: b, sizes: [{gpus: 2}], arrivals: {perDay: 10}, duration: 4h}
`,
    { policies: POLICIES },
  ),
  { keepHours: true },
);
const RULES: ChargebackRules = { borrowedMilli: 250, idle: 'quota' };
const input = chargebackInput(run);
const lines = chargeLines(input, RULES);
const total = BigInt(Math.round(costOf(run).total * 1e6));
const usd = (micro: bigint) => Number(micro) / 1e6;
const csv = (text: Iterable<string>) => parse([...text].join(''), { columns: true }) as Record<string, string>[];
const added = (values: readonly string[]) => values.reduce((sum, value) => sum + Math.round(Number(value) * 1e6), 0);

describe('chargeback tables', () => {
  it('cut the same money by hour, day and month of the local clock', () => {
    const rows = PERIODS.map((period) => chargeRows(input, lines, period));
    for (const own of rows) expect(own.reduce((sum, { microUsd }) => sum + microUsd, 0n)).toBe(total);
    const periods = rows.map((own) => [...new Set(own.map(({ period }) => period))]);
    expect(periods[0]).toHaveLength(51);
    expect(periods[0].slice(0, 2)).toEqual(['2026-06-30T00:00:00+02:00', '2026-06-30T01:00:00+02:00']);
    expect(periods[1]).toEqual(['2026-06-30', '2026-07-01', '2026-07-02']);
    expect(periods[2]).toEqual(['2026-06', '2026-07']);
  });

  it('name department, project, label and category in every row of the CSV, and defuse formulas', () => {
    const rows = csv(chargebackCsv(chargeRows(input, lines, 'day')));
    expect(added(rows.map((row) => row.usd))).toBe(Number(total));
    const first = rows.find(({ project, line }) => project === 'a' && line === 'usage');
    expect(first).toMatchObject({
      department: 'research',
      chargeback_label: `'${HOSTILE}`,
      pool: 'p',
      class: 'training',
    });
    expect(new Set(rows.map(({ category }) => category))).toContain('lost');
  });

  it('sum up by project', () => {
    const sums = projectSums(chargeRows(input, lines, 'month'));
    expect(sums.map(({ project }) => project)).toEqual(['a', 'b']);
    for (const { usd: parts, totalUsd } of sums)
      expect(LINE_KINDS.reduce((all, kind) => all + parts[kind], 0)).toBeCloseTo(totalUsd, 6);
    expect(sums.reduce((all, { totalUsd }) => all + totalUsd, 0)).toBeCloseTo(usd(total), 6);
  });

  it('are a page whose tables add up, without anything that a browser would run or a number that is none', () => {
    const about = { version: '1', command: 'npx simsup', rules: RULES, period: 'day' as const };
    const rows = chargeRows(input, lines, 'day');
    const document = chargebackDocument(input, rows, projectSums(rows), about);
    const html = documentHtml(document);
    const money = csv([documentCsv(document)]).filter(({ column }) => column === 'usd');
    for (const table of ['categories', 'rows'])
      expect(added(money.filter((cell) => cell.table === table).map(({ value }) => value))).toBe(Number(total));
    expect(html).not.toContain('<script');
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
    expect(html).toContain('&#60;script&#62;alert(1)');
  });
});

describe('FOCUS', () => {
  const rows = csv(focusCsv(input, chargeRows(input, lines, 'day'), RULES));

  it('bills the cost of the run, in rows that say that they are simulated', () => {
    expect(added(rows.map((row) => row.BilledCost))).toBe(Number(total));
    for (const row of rows) {
      expect(JSON.parse(row.Tags)['simsup/simulated']).toBe('true');
      expect(row).toMatchObject({ ProviderName: 'simsup (simulated)', BillingCurrency: 'USD' });
    }
  });

  it('has what FOCUS 1.2 requires, with its allowed values', () => {
    const required = ['BilledCost', 'BillingAccountId', 'BillingAccountName', 'BillingCurrency', 'BillingPeriodEnd']
      .concat(['BillingPeriodStart', 'ChargeCategory', 'ChargeClass', 'ChargeDescription', 'ChargePeriodEnd'])
      .concat([
        'ChargePeriodStart',
        'ContractedCost',
        'EffectiveCost',
        'InvoiceIssuerName',
        'ListCost',
        'PricingQuantity',
      ])
      .concat(['PricingUnit', 'ProviderName', 'PublisherName', 'ServiceCategory', 'ServiceName', 'ServiceSubcategory']);
    for (const name of required) expect(Object.keys(rows[0])).toContain(name);
    for (const row of rows) {
      expect(['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment']).toContain(row.ChargeCategory);
      expect(['', 'Correction']).toContain(row.ChargeClass);
      for (const time of [row.ChargePeriodStart, row.ChargePeriodEnd, row.BillingPeriodStart, row.BillingPeriodEnd])
        expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:00:00Z$/);
      expect(row.ChargePeriodStart < row.ChargePeriodEnd).toBe(true);
      // A day of the local clock may begin in the month before, of UTC.
      expect(row.BillingPeriodStart <= row.ChargePeriodStart).toBe(true);
    }
  });

  it('has costs that are quantity × unit price, as listed and as agreed for borrowed hours', () => {
    const used = rows.filter(({ ConsumedUnit }) => ConsumedUnit === 'GPU-Hours');
    expect(used.some(({ ChargeDescription }) => ChargeDescription.includes('over quota'))).toBe(true);
    for (const row of used) {
      const hours = Number(row.PricingQuantity);
      expect(Number(row.ListCost)).toBeCloseTo(hours * Number(row.ListUnitPrice), 4);
      expect(Number(row.ContractedCost)).toBeCloseTo(hours * Number(row.ContractedUnitPrice), 3);
    }
  });
});

describe('Prometheus text', () => {
  it('has a line a project, pool and category, whose values add up', () => {
    const text = chargebackMetrics(input, chargeRows(input, lines, 'day'));
    const values = text.split('\n').filter((line) => line.startsWith('simsup_chargeback_usd{'));
    expect(added(values.map((line) => line.slice(line.lastIndexOf(' '))))).toBe(Number(total));
    expect(text).toContain('# TYPE simsup_chargeback_usd gauge');
    // A label's value is escaped, so that every line has one name, one set of labels, one number.
    for (const line of values) expect(line).toMatch(/^\w+\{(\w+="(\\.|[^"\\])*",?)+\} -?[\d.]+$/);
  });
});

describe('hourly summaries', () => {
  const summaries = hourlySummaries(input, RULES, lines);

  it('hold each project and hour once, with a key of its own, and all the money', () => {
    const keys = summaries.map(idempotencyKey);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys[0]).toBe(`${run.digest}/${summaries[0].project}/0/0`);
    expect(added(summaries.map((summary) => summary.total))).toBe(Number(total));
    for (const { usd: parts, total: all } of summaries) expect(added(Object.values(parts))).toBe(added([all]));
  });

  it('say when, by which rules, and that it is simulated', () => {
    expect(summaries[0]).toMatchObject({
      simulated: true,
      from: '2026-06-30T00:00:00+02:00',
      to: '2026-06-30T01:00:00+02:00',
      revision: 0,
      rules: RULES,
    });
  });
});
