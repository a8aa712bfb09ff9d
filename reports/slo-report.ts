/**
 * How far the deployments of a run met what was promised of them, and why not. Every request that did not meet its targets
 * stands under exactly one reason, so that reasons add up to the violations.
 */
import type { Cause } from '../sim/record/slo.ts';
import { type CurvePoint, curveChart, stackedBars } from './charts.ts';
import { type Block, type ReportDocument, tableBlock } from './document.ts';
import { decimal, percent } from './format.ts';
import { CAUSE_TEXT, type SloSummary } from './serving.ts';
import type { RunSummary } from './summary.ts';

export interface Violation {
  deployment: string;
  reason: string;
  requests: number;
  /** Of all violations of the deployment. */
  share: number;
}

/** What a report needs of a run: its summary, as `run --json` and run.json have it. */
export type SloInput = Pick<RunSummary, 'scenario' | 'seed' | 'digest' | 'policy' | 'slo'>;

/** Most frequent first; nothing for a deployment without targets. */
export function violationsOf(s: SloSummary): Violation[] {
  if (s.attainment === null) return [];
  const reasons: [string, number][] = [
    ...Object.entries(s.missed.causes).map(([cause, n]): [string, number] => [CAUSE_TEXT[cause as Cause], n]),
    ['too long for the KV cache: refused', s.refused],
    ['turned away at the door', s.shed],
    ['not answered by the end of the run', s.unfinished],
  ];
  const all = reasons.reduce((sum, [, n]) => sum + n, 0);
  return reasons
    .filter(([, n]) => n > 0)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([reason, requests]) => ({ deployment: s.deployment, reason, requests, share: requests / all }));
}

/** A sentence a deployment. */
export function sloVerdict(s: SloSummary): string {
  if (s.requests === 0) return `${s.deployment}: no request arrived.`;
  if (s.attainment === null) return `${s.deployment}: ${decimal(s.requests)} requests; no target is stated.`;
  const [first] = violationsOf(s);
  const why = first === undefined ? '' : `; most of the others because of ${first.reason} (${percent(first.share, 0)})`;
  return `${s.deployment}: ${percent(s.attainment, 2)} of ${decimal(s.requests)} requests met their targets${why}.`;
}

export const NOTHING_SERVED =
  'No deployment of this scenario states its requests (Workload, requests), so no request was served and no target judged.';

export function sloDocument(input: SloInput, about: { version: string; command: string }): ReportDocument {
  const { deployments, note } = input.slo;
  return {
    title: `Service levels: ${input.scenario}`,
    subtitle: `simulated under ${input.policy}; ${note}`,
    blocks: deployments.length === 0 ? [{ kind: 'warning', text: NOTHING_SERVED }] : blocksOf(deployments),
    definitions: {
      attainment:
        'requests that met both targets ÷ all requests that arrived, refused, shed and unanswered ones included',
      'met: first token': '99 % of the answered requests had their first token in time',
      'met: tokens': '99 % of all tokens came in time after the one before',
      'met: throughput': 'tokens a second over the whole time at least as stated',
      reason:
        'the first that applies of: a fault, a cold start … the batch it decoded in (docs/serving.md); each violation has one',
      'moved off a node':
        'a replacement started elsewhere because the node was above avoidIfDCGMUtil; back within the hour: it flaps',
      'tokens/s per GPU': 'output tokens ÷ time ÷ GPUs of all replicas',
    },
    assumptions: [
      note,
      ...new Set(deployments.map(({ deployment, fidelity }) => `${deployment}: ${FIDELITY[fidelity]}`)),
    ],
    provenance: {
      scenario: input.scenario,
      version: about.version,
      seeds: [input.seed],
      digests: [input.digest],
      command: about.command,
    },
  };
}

const FIDELITY = {
  requests: 'every request and every batch is simulated.',
  rate: 'requests are served in closed form by replica and minute; counts are expected values, rounded.',
};

function blocksOf(deployments: readonly SloSummary[]): Block[] {
  const violations = deployments.flatMap(violationsOf);
  const hours = deployments.filter(({ attainmentByHour }) => attainmentByHour.length > 1);
  return [
    ...deployments.map((s): Block => ({ kind: 'text', text: sloVerdict(s), strong: true })),
    { kind: 'heading', text: 'Targets' },
    targetTable(deployments),
    { kind: 'heading', text: 'Why targets were missed' },
    ...(violations.length === 0
      ? [{ kind: 'text', text: 'Nothing was missed.' } as const]
      : [violationTable(violations), violationChart(deployments)]),
    { kind: 'heading', text: 'Latency' },
    latencyTable(deployments),
    ...(hours.length === 0 ? [] : [{ kind: 'heading', text: 'By hour' } as const]),
    ...hours.flatMap(hourBlocks),
    { kind: 'heading', text: 'By tenant' },
    tenantTable(deployments),
    { kind: 'heading', text: 'What became of its replicas' },
    livesTable(deployments),
    { kind: 'heading', text: 'What it took' },
    costTable(deployments),
  ];
}

const verdict = (met: boolean | null) => (met === null ? 'not stated' : met ? 'met' : 'missed');

function targetTable(deployments: readonly SloSummary[]): Block {
  return tableBlock(
    'targets',
    [
      { name: 'deployment' },
      { name: 'requests', format: 'number' },
      { name: 'attainment', format: 'share' },
      { name: 'ttft', title: 'first token within, ms', format: 'number' },
      { name: 'ttftMet', title: '' },
      { name: 'token', title: 'tokens within, ms', format: 'number' },
      { name: 'tokenMet', title: '' },
      { name: 'rate', title: 'tokens/s wanted', format: 'number' },
      { name: 'rateMet', title: '' },
    ],
    deployments.map((s) => ({
      deployment: s.deployment,
      requests: s.requests,
      attainment: s.attainment,
      ttft: s.targets.ttftMs,
      ttftMet: verdict(s.met.ttft),
      token: s.targets.tokenP99Ms,
      tokenMet: verdict(s.met.tokenP99),
      rate: s.targets.tokensPerSecond,
      rateMet: verdict(s.met.throughput),
    })),
  );
}

const violationTable = (violations: readonly Violation[]) =>
  tableBlock(
    'violations',
    [
      { name: 'deployment' },
      { name: 'reason' },
      { name: 'requests', format: 'number' },
      { name: 'share', title: 'of its violations', format: 'share' },
    ],
    violations.map((violation) => ({ ...violation })),
  );

const REASON_COLOURS = ['#c8402f', '#d98f2b', '#e6b33d', '#a779c9', '#8aa7d6', '#1f8f9e', '#9c8f86', '#5b3a3a'];

function violationChart(deployments: readonly SloSummary[]): Block {
  const reasons = [...new Set(deployments.flatMap(violationsOf).map(({ reason }) => reason))];
  const svg = stackedBars(
    deployments.map((s) => ({
      label: s.deployment,
      parts: violationsOf(s).map(({ reason, requests }) => ({
        name: reason,
        value: requests,
        colour: REASON_COLOURS[reasons.indexOf(reason) % REASON_COLOURS.length],
      })),
    })),
    'violations by reason',
  );
  return { kind: 'chart', svg, caption: 'Requests that missed a target, by reason.' };
}

function latencyTable(deployments: readonly SloSummary[]): Block {
  const row = (s: SloSummary, what: string, l: SloSummary['ttftMs']) => ({ deployment: s.deployment, what, ...l });
  return tableBlock(
    'latency',
    [
      { name: 'deployment' },
      { name: 'what', title: 'ms' },
      ...(['mean', 'p50', 'p90', 'p95', 'p99', 'max'] as const).map((name) => ({ name, format: 'number1' as const })),
    ],
    deployments
      .filter(({ completed }) => completed > 0)
      .flatMap((s) => [
        row(s, 'to the first token', s.ttftMs),
        row(s, 'waiting before it', s.queueMs),
        row(s, 'to each token after it', s.tokenMs),
        row(s, 'to the last token', s.e2eMs),
      ]),
  );
}

function hourBlocks(s: SloSummary): Block[] {
  const points = s.attainmentByHour.flatMap(({ hour, attainment }): CurvePoint[] =>
    attainment === null ? [] : [{ x: hour, y: attainment, low: Number.NaN, high: Number.NaN }],
  );
  const table = tableBlock(
    `by hour of ${s.deployment}`,
    [
      { name: 'hour', title: 'hour of the run', format: 'number' },
      { name: 'requests', format: 'number' },
      { name: 'attainment', format: 'share' },
    ],
    s.attainmentByHour,
  );
  if (points.length === 0) return [table];
  const svg = curveChart(points, {
    label: `attainment of ${s.deployment} by hour`,
    xTitle: 'hour of the run',
    yTitle: 'attainment',
    x: (v) => decimal(v),
    y: (v) => percent(v, 0),
  });
  const chart: Block = { kind: 'chart', svg, caption: `${s.deployment}: attainment by hour of arrival.` };
  // A month has 720 rows: the CSV has them, the page the curve.
  return s.attainmentByHour.length > MOST_HOURS ? [chart] : [chart, table];
}

const MOST_HOURS = 48;

const tenantTable = (deployments: readonly SloSummary[]) =>
  tableBlock(
    'tenants',
    [
      { name: 'deployment' },
      { name: 'tenant' },
      { name: 'requests', format: 'number' },
      { name: 'met', format: 'share' },
    ],
    deployments.flatMap((s) =>
      s.tenants.map(({ name, requests, attained }) => ({
        deployment: s.deployment,
        tenant: name,
        requests,
        met: requests > 0 && s.attainment !== null ? attained / requests : null,
      })),
    ),
  );

const livesTable = (deployments: readonly SloSummary[]) =>
  tableBlock(
    'replicas',
    [
      { name: 'deployment' },
      { name: 'starts', format: 'number' },
      { name: 'scaledUp', title: 'added', format: 'number' },
      { name: 'scaledDown', title: 'taken away', format: 'number' },
      { name: 'moves', title: 'moved off a node', format: 'number' },
      { name: 'flaps', title: 'of them back within the hour', format: 'number' },
      { name: 'stuck', title: 'looks with nowhere to go', format: 'number' },
    ],
    deployments.map(({ deployment, lives }) => ({ deployment, ...lives })),
  );

const costTable = (deployments: readonly SloSummary[]) =>
  tableBlock(
    'cost',
    [
      { name: 'deployment' },
      { name: 'replicas', title: 'replicas, mean', format: 'number1' },
      { name: 'gpus', title: 'GPUs', format: 'number' },
      { name: 'busy', title: 'busy', format: 'share' },
      { name: 'tokens', title: 'tokens/s', format: 'number' },
      { name: 'perGpu', title: 'tokens/s per GPU', format: 'number' },
      { name: 'good', title: 'of them within targets', format: 'number' },
      { name: 'usd', title: 'cost', format: 'usd' },
      { name: 'perMillion', title: '$ per million tokens', format: 'usd' },
    ],
    deployments.map((s) => ({
      deployment: s.deployment,
      replicas: s.replicas,
      gpus: s.gpus,
      busy: s.busyShare,
      tokens: s.tokensPerSecond,
      perGpu: s.tokensPerSecondPerGpu,
      good: s.goodputTokensPerSecondPerGpu,
      usd: s.costUsd,
      perMillion: s.usdPerMillionTokens,
    })),
  );
