/** Service levels of inference deployments: latencies, attainment, why targets were missed, what a million tokens cost. */

import type { SketchSummary } from '../sim/record/sketch.ts';
import type { Cause, ReplicaCounts, ServingFigures } from '../sim/record/slo.ts';
import { HOUR_US } from '../sim/scenario.ts';
import { counted, decimal } from './format.ts';
import { type PlacementSummary, placementSummary, placementText } from './placement.ts';

export interface LatencyMs {
  mean: number;
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  max: number;
}

/** One deployment in `slo` of `run --json`. */
export interface SloSummary {
  deployment: string;
  fidelity: 'requests' | 'rate';
  digest: string;
  events: number;
  requests: number;
  completed: number;
  refused: number;
  shed: number;
  /** In the system when the run ends. */
  unfinished: number;
  /** Share of requests that met both targets; null where none is stated. */
  attainment: number | null;
  attainmentByHour: { hour: number; requests: number; attainment: number | null }[];
  targets: { ttftMs: number | null; tokenP99Ms: number | null; tokensPerSecond: number | null };
  /** Whether the deployment as a whole met them: 99 % of first tokens, 99 % of tokens, tokens per second. */
  met: { ttft: boolean | null; tokenP99: boolean | null; throughput: boolean | null };
  ttftMs: LatencyMs;
  /** Mean of each request's time to a token after its first. */
  itlMs: LatencyMs;
  /** Of all tokens after the first of their request. */
  tokenMs: LatencyMs;
  e2eMs: LatencyMs;
  queueMs: LatencyMs;
  /** Largest relative error of a quantile; mean and max are exact. */
  quantileError: number;
  tokensPerSecond: number;
  tokensPerSecondPerGpu: number;
  /** Requests a second that met the targets, and their tokens per second and GPU. */
  goodputPerSecond: number;
  goodputTokensPerSecondPerGpu: number;
  promptTokens: number;
  cachedTokens: number;
  outputTokens: number;
  gpus: number;
  /** Of the time in which replicas were active. */
  busyShare: number;
  /** Active on average; what happened to them. */
  replicas: number;
  lives: ReplicaCounts;
  /** GPU-hours held, and those that all the replicas it may have would hold all the time. */
  heldGpuHours: number;
  mostGpuHours: number;
  /** Whether any placement can meet the targets, and which; null where no target of a request is stated. */
  placement: PlacementSummary | null;
  preemptions: number;
  missed: { ttft: number; token: number; causes: Record<Cause, number> };
  tenants: { name: string; requests: number; attained: number }[];
  costUsd: number;
  usdPerMillionTokens: number | null;
}

const latency = (s: SketchSummary, perMs: number): LatencyMs => ({
  mean: s.mean / perMs,
  p50: s.p50 / perMs,
  p90: s.p90 / perMs,
  p95: s.p95 / perMs,
  p99: s.p99 / perMs,
  max: s.highest / perMs,
});

const stated = (us: number) => (Number.isFinite(us) ? us / 1000 : null);

export function sloSummary(f: ServingFigures): SloSummary {
  const { targets } = f;
  const seconds = f.spanUs / 1e6;
  const perSecond = (n: number) => (seconds > 0 ? n / seconds : 0);
  const anyTarget = Number.isFinite(targets.ttftUs) || Number.isFinite(targets.tokenUs);
  const share = (part: number, whole: number) => (whole > 0 && anyTarget ? part / whole : null);
  const tokens = perSecond(f.outputTokens);
  // Nobody who was turned away had a first token in time.
  const turned = f.refused + f.shed;
  return {
    deployment: f.deployment,
    fidelity: f.fidelity,
    digest: f.digest,
    events: f.events,
    requests: f.requests,
    completed: f.completed,
    refused: f.refused,
    shed: f.shed,
    unfinished: f.unfinished,
    attainment: share(f.attained, f.requests),
    attainmentByHour: f.hours.map(({ hour, requests, attained }) => ({
      hour,
      requests,
      attainment: share(attained, requests),
    })),
    targets: {
      ttftMs: stated(targets.ttftUs),
      tokenP99Ms: stated(targets.tokenUs),
      tokensPerSecond: targets.tokensPerSecond > 0 ? targets.tokensPerSecond : null,
    },
    met: {
      ttft: Number.isFinite(targets.ttftUs) ? f.missedTtft + turned <= 0.01 * (f.completed + turned) : null,
      tokenP99: Number.isFinite(targets.tokenUs) ? f.tokenPs.p99 / 1e6 <= targets.tokenUs : null,
      throughput: targets.tokensPerSecond > 0 ? tokens >= targets.tokensPerSecond : null,
    },
    ttftMs: latency(f.ttftUs, 1000),
    itlMs: latency(f.itlUs, 1000),
    tokenMs: latency(f.tokenPs, 1e9),
    e2eMs: latency(f.e2eUs, 1000),
    queueMs: latency(f.queueUs, 1000),
    quantileError: f.quantileError,
    tokensPerSecond: tokens,
    tokensPerSecondPerGpu: f.gpus > 0 ? tokens / f.gpus : 0,
    goodputPerSecond: perSecond(f.attained),
    goodputTokensPerSecondPerGpu: f.gpus > 0 ? perSecond(f.attainedTokens) / f.gpus : 0,
    promptTokens: f.promptTokens,
    cachedTokens: f.cachedTokens,
    outputTokens: f.outputTokens,
    gpus: f.gpus,
    busyShare: f.activeUs > 0 ? f.busyUs / f.activeUs : 0,
    replicas: f.replicas,
    lives: { ...f.lives },
    heldGpuHours: f.gpuUs / HOUR_US,
    mostGpuHours: (f.mostGpus * f.spanUs) / HOUR_US,
    placement: f.verdict === undefined ? null : placementSummary(f.verdict, f.rule),
    preemptions: f.preemptions,
    missed: { ttft: f.missedTtft, token: f.missedToken, causes: { ...f.causes } },
    tenants: f.tenants,
    costUsd: f.costMicroUsd / 1e6,
    usdPerMillionTokens: f.outputTokens > 0 ? f.costMicroUsd / f.outputTokens : null,
  };
}

export const CAUSE_TEXT: Record<Cause, string> = {
  fault: 'a fault of their replica',
  preempted: 'a replica that had to go',
  'cold-start': 'a replica that was not up yet',
  'kv-pressure': 'no free KV blocks',
  'stale-telemetry': 'counts that were out of date when they were routed',
  queue: 'the line before a batch',
  prefill: 'their own prefill',
  batch: 'the batch they decoded in',
};

const ms = (x: number) => (x >= 1000 ? `${(x / 1000).toFixed(2)} s` : `${x.toFixed(x < 10 ? 1 : 0)} ms`);

/** Lines for people. */
export function sloText(s: SloSummary): string[] {
  const row = (what: string, l: LatencyMs) =>
    `  ${what.padEnd(22)} mean ${ms(l.mean)}, p50 ${ms(l.p50)}, p99 ${ms(l.p99)}, worst ${ms(l.max)}`;
  const verdict = (met: boolean | null) => (met === null ? '' : met ? ' (met)' : ' (missed)');
  const { targets, met } = s;
  const wanted = [
    targets.ttftMs === null ? [] : [`first token within ${ms(targets.ttftMs)}${verdict(met.ttft)}`],
    targets.tokenP99Ms === null ? [] : [`99 % of tokens within ${ms(targets.tokenP99Ms)}${verdict(met.tokenP99)}`],
    targets.tokensPerSecond === null ? [] : [`${targets.tokensPerSecond} tokens/s${verdict(met.throughput)}`],
  ].flat();
  const causes = (Object.entries(s.missed.causes) as [Cause, number][])
    .filter(([, n]) => n > 0)
    .sort((x, y) => y[1] - x[1])
    .map(([cause, n]) => `${n} ${CAUSE_TEXT[cause]}`);
  const also = [
    s.refused > 0 ? `${s.refused} too long for the KV cache` : '',
    s.shed > 0 ? `${s.shed} turned away` : '',
  ];
  const closed = s.fidelity === 'rate' ? ', by the closed form of each minute' : '';
  return [
    `${s.deployment}: ${decimal(s.completed)} of ${counted(s.requests, 'request')} answered on ${counted(s.gpus, 'GPU')}${closed}.`,
    `  ${[`busy ${(100 * s.busyShare).toFixed(0)} % of the time`, ...also].filter((t) => t !== '').join('; ')}`,
    ...(wanted.length === 0 ? [] : [`  targets: ${wanted.join('; ')}`]),
    ...(s.attainment === null ? [] : [`  attainment ${(100 * s.attainment).toFixed(1)} % of requests`]),
    row('time to first token', s.ttftMs),
    row('time per token', s.tokenMs),
    row('end to end', s.e2eMs),
    `  ${s.tokensPerSecond.toFixed(0)} tokens/s, ${s.tokensPerSecondPerGpu.toFixed(0)} a GPU; ${s.goodputPerSecond.toFixed(2)} requests/s within the targets`,
    ...(s.usdPerMillionTokens === null ? [] : [`  $${s.usdPerMillionTokens.toFixed(2)} per million tokens out`]),
    ...(causes.length === 0 ? [] : [`  missed because of: ${causes.join('; ')}`]),
    ...livesText(s).map((line) => `  ${line}`),
    ...(s.placement === null ? [] : placementText(s.placement, targets).map((line) => `  ${line}`)),
  ];
}

/** What happened to its replicas, where anything did. */
function livesText({ lives, replicas, heldGpuHours, mostGpuHours }: SloSummary): string[] {
  const lines: string[] = [];
  const { scaledUp, scaledDown, moves, flaps, stuck } = lives;
  if (scaledUp + scaledDown > 0) {
    const lent = mostGpuHours - heldGpuHours;
    lines.push(
      `${replicas.toFixed(1)} replicas on average, ${scaledUp} added and ${scaledDown} taken away: of the ${decimal(mostGpuHours)} GPU-hours that all it may have would hold, ${decimal(lent)} were left to others`,
    );
  }
  if (moves + stuck > 0)
    lines.push(
      `${moves} moves off nodes above the threshold, ${flaps} of them back to a node left within the hour; ${stuck} looks found nowhere to go`,
    );
  return lines;
}
