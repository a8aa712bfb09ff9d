/**
 * Charge lines in the columns of FOCUS 1.2 (FinOps Open Cost and Usage Specification). Every row is tagged as simulated
 * and comes from a provider of that name, so that nobody takes it for a bill.
 */
import type { ChargebackInput, ChargebackRules } from './chargeback.ts';
import { hourSpan } from './chargeback.ts';
import { type ChargeRow, localTime, usdText } from './chargeback-tables.ts';
import { csvField } from './csv.ts';

const COLUMNS = [
  'BilledCost',
  'BillingAccountId',
  'BillingAccountName',
  'BillingAccountType',
  'BillingCurrency',
  'BillingPeriodEnd',
  'BillingPeriodStart',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargeFrequency',
  'ChargePeriodEnd',
  'ChargePeriodStart',
  'ConsumedQuantity',
  'ConsumedUnit',
  'ContractedCost',
  'ContractedUnitPrice',
  'EffectiveCost',
  'InvoiceId',
  'InvoiceIssuerName',
  'ListCost',
  'ListUnitPrice',
  'PricingCategory',
  'PricingCurrency',
  'PricingQuantity',
  'PricingUnit',
  'ProviderName',
  'PublisherName',
  'RegionId',
  'RegionName',
  'ResourceId',
  'ResourceName',
  'ResourceType',
  'ServiceCategory',
  'ServiceName',
  'ServiceSubcategory',
  'SkuId',
  'SkuMeter',
  'SkuPriceId',
  'SubAccountId',
  'SubAccountName',
  'SubAccountType',
  'Tags',
] as const;
type Column = (typeof COLUMNS)[number];

const PROVIDER = 'simsup (simulated)';
const DAY_US = 86_400_000_000;

/** Rows of `chargeRows` by hour or day; times in UTC, as FOCUS wants them. */
export function* focusCsv(
  input: ChargebackInput,
  rows: readonly ChargeRow[],
  rules: ChargebackRules,
): Generator<string> {
  yield `${COLUMNS.join(',')}\n`;
  for (const row of rows) {
    const cells = focusRow(input, row, rules);
    yield `${COLUMNS.map((column) => csvField(cells[column] ?? '')).join(',')}\n`;
  }
}

function focusRow(
  input: ChargebackInput,
  row: ChargeRow,
  { borrowedMilli }: ChargebackRules,
): Partial<Record<Column, string>> {
  const pool = input.pools.find(({ name }) => name === row.pool);
  const cost = usdText(row.microUsd);
  const held = row.line === 'usage' || row.line === 'idle';
  const adjustment = held && row.gpuHours < 0;
  const { from, to } = chargePeriod(input, row.period);
  const price = pool === undefined ? '' : usdText(BigInt(pool.priceMicroUsd));
  // The rate of borrowed hours is what was agreed on.
  const agreed = pool === undefined ? 0 : (pool.priceMicroUsd * (row.quota === 'over' ? borrowedMilli : 1000)) / 1000;
  const list = pool === undefined || !held ? cost : listCost(pool.priceMicroUsd, row.gpuHours);
  return {
    BilledCost: cost,
    BillingAccountId: input.scenario,
    BillingAccountName: input.scenario,
    BillingAccountType: 'Scenario',
    BillingCurrency: 'USD',
    BillingPeriodStart: month(from, 0),
    BillingPeriodEnd: month(from, 1),
    ChargeCategory: row.line === 'lending' && row.microUsd < 0n ? 'Credit' : held ? 'Usage' : 'Adjustment',
    // Work found to be lost is moved from one category to the other in the hour in which it is found.
    ChargeClass: adjustment ? 'Correction' : '',
    ChargeDescription: `${row.line}: ${row.category}${row.quota === 'over' ? ', over quota' : ''} (simulated)`,
    ChargeFrequency: 'Usage-Based',
    ChargePeriodStart: from,
    ChargePeriodEnd: to,
    ConsumedQuantity: held ? row.gpuHours.toFixed(9) : '',
    ConsumedUnit: held ? 'GPU-Hours' : '',
    ContractedCost: cost,
    ContractedUnitPrice: held ? (agreed / 1e6).toFixed(9) : '',
    EffectiveCost: cost,
    InvoiceIssuerName: PROVIDER,
    ListCost: list,
    ListUnitPrice: held ? price : '',
    PricingCategory: held ? (pool?.spot ? 'Dynamic' : 'Standard') : '',
    PricingCurrency: 'USD',
    PricingQuantity: held ? row.gpuHours.toFixed(9) : '',
    PricingUnit: held ? 'GPU-Hours' : '',
    ProviderName: PROVIDER,
    PublisherName: PROVIDER,
    ResourceId: row.pool,
    ResourceName: row.pool,
    ResourceType: row.pool === '' ? '' : 'GPU node pool',
    ServiceCategory: 'Compute',
    ServiceName: 'GPU cluster (simulated)',
    ServiceSubcategory: 'Virtual Machines',
    SkuId: pool?.gpuModel ?? '',
    SkuMeter: held ? 'GPU time' : '',
    SkuPriceId: pool === undefined ? '' : `${pool.gpuModel}/${pool.spot ? 'spot' : 'on-demand'}`,
    SubAccountId: row.project,
    SubAccountName: row.project,
    SubAccountType: 'Project',
    Tags: JSON.stringify({
      'simsup/simulated': 'true',
      'simsup/run': input.run,
      'simsup/department': row.department,
      'simsup/chargeback-label': row.label,
      'simsup/class': row.class,
      'simsup/category': row.category,
      'simsup/quota': row.quota,
    }),
  };
}

/** Cost at the list price, before any rule for borrowed hours. */
const listCost = (priceMicroUsd: number, hours: number) => usdText(BigInt(Math.round(priceMicroUsd * hours)));

/** Of a period named as `chargeRows` names it: an hour or a day. */
function chargePeriod(input: ChargebackInput, period: string): { from: string; to: string } {
  const utc = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
  if (period.includes('T')) {
    const start = Date.parse(period);
    const us = (start / 1000 - input.startEpochSeconds) * 1e6;
    const local = input.startEpochSeconds + input.utcOffsetMinutes * 60;
    const hour = Math.floor((us + (((local % 3600) + 3600) % 3600) * 1e6) / 3_600_000_000);
    const end = localTime(input, Math.min(hourSpan(input, hour).toUs, input.simulatedUs));
    return { from: utc(start), to: utc(Date.parse(end)) };
  }
  const start =
    Date.parse(`${period.length === 7 ? `${period}-01` : period}T00:00:00Z`) - input.utcOffsetMinutes * 60_000;
  return { from: utc(start), to: utc(start + DAY_US / 1000) };
}

function month(from: string, later: number): string {
  const date = new Date(from);
  return `${new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + later, 1)).toISOString().slice(0, 19)}Z`;
}
