/** Whether a deployment's targets can be met by any placement, and by which: for programs and for people. */
import type { PlacementOption, PlacementRule, PlacementVerdict } from '../sim/scenario.ts';
import { counted, decimal } from './format.ts';

/** A way to place a replica, in `slo.deployments[].placement` of `run --json`. */
export interface PlacementRow {
  gpuModel: string;
  precision: string;
  tensor: number;
  pipeline: number;
  link: PlacementOption['link'];
  /** Of this cluster, with room for a replica; whether they have room for all that are needed. */
  pools: string[];
  fits: boolean;
  /** With nobody else there: the longest of 99 % of the prompts, and each token after it. */
  ttftMs: number;
  tokenMs: number;
  /** Longest prompt in time with nobody else there, tokens. */
  longestPrompt: number;
  /** Fewest replicas that meet the targets in the busiest hour, and their GPUs and price; 0, 0 and null = none do. */
  replicas: number;
  gpus: number;
  usdPerHour: number | null;
}

export interface PlacementSummary {
  /** Of the guide's table; null where replicas go where the scheduler puts them. */
  rule: PlacementRule | null;
  /** Tokens of the longest of 99 % of the prompts; requests per second in the busiest hour. */
  promptTokens: number;
  perSecond: number;
  /** Whether any placement of this cluster, or at all, can meet the targets. */
  possibleHere: boolean;
  possible: boolean;
  here: PlacementRow[];
  elsewhere: PlacementRow[];
  quickest: PlacementRow | null;
}

const rowOf = (o: PlacementOption): PlacementRow => ({
  ...{ gpuModel: o.gpuModel, precision: o.precision, tensor: o.tensor, pipeline: o.pipeline },
  ...{ link: o.link, pools: [...o.pools], fits: o.fits, ttftMs: o.ttftUs / 1000, tokenMs: o.tokenUs / 1000 },
  ...{ longestPrompt: o.longestPrompt, replicas: o.replicas, gpus: o.replicas * o.tensor * o.pipeline },
  usdPerHour: o.microUsd === null || o.replicas === 0 ? null : (o.replicas * o.microUsd) / 1e6,
});

export function placementSummary(verdict: PlacementVerdict, rule: PlacementRule | undefined): PlacementSummary {
  const { promptTokens, perSecond, here, elsewhere, quickest } = verdict;
  const isHere = (o: PlacementOption) => o.replicas > 0 && o.fits;
  return {
    ...{ rule: rule ?? null, promptTokens, perSecond },
    possibleHere: [...here, ...elsewhere].some(isHere),
    possible: [...here, ...elsewhere].some((o) => o.replicas > 0),
    here: here.map(rowOf),
    elsewhere: elsewhere.map(rowOf),
    quickest: quickest === undefined ? null : rowOf(quickest),
  };
}

const time = (ms: number) => (ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(0)} ms`);

const nameOf = (o: PlacementRow) =>
  `${o.gpuModel} ${o.precision} TP${o.tensor}${o.pipeline > 1 ? ` × PP${o.pipeline}` : ''}${o.link === 'InfiniBand' ? ' over InfiniBand' : ''}`;

function priced(o: PlacementRow): string {
  const price = o.usdPerHour === null ? '' : `, $${o.usdPerHour.toFixed(2)}/h`;
  const where =
    o.pools.length === 0
      ? ', not in this cluster'
      : `${o.fits ? ' in' : ', more than'} ${o.pools.join(', ')}${o.fits ? '' : ' has'}`;
  return `${o.replicas} × ${nameOf(o)} (${counted(o.gpus, 'GPU')}${where}${price})`;
}

/** So many other ways are named. */
const NAMED = 3;

/** `targets`: in ms; null = none. */
export function placementText(
  p: PlacementSummary,
  targets: { ttftMs: number | null; tokenP99Ms: number | null },
): string[] {
  const prompts = `99 % of prompts have at most ${decimal(p.promptTokens)} tokens, ${p.perSecond.toFixed(2)} come a second in the busiest hour`;
  const lines = [`placement${p.rule === null ? '' : ` by the rule ${p.rule}`}: ${prompts}`];
  for (const o of p.here) {
    const alone = `alone on ${nameOf(o)} the first token takes ${time(o.ttftMs)}`;
    if (o.replicas > 0 && o.fits) lines.push(`  ${alone}: the targets can be met, by ${priced(o)}`);
    else if (o.replicas > 0) lines.push(`  ${alone}: the targets would take ${priced(o)}`);
    else if (targets.ttftMs !== null && o.ttftMs > targets.ttftMs)
      lines.push(
        `  ${alone}: no number of replicas gets below ${time(targets.ttftMs)}${o.longestPrompt > 0 ? `, prompts up to ${decimal(o.longestPrompt)} tokens could` : ''}`,
      );
    else if (targets.tokenP99Ms !== null && o.tokenMs > targets.tokenP99Ms)
      lines.push(`  alone on ${nameOf(o)} a token takes ${time(o.tokenMs)}: never below ${time(targets.tokenP99Ms)}`);
    else lines.push(`  ${alone}, but no number of replicas keeps 99 % of requests within the targets at that rate`);
  }
  const meets = p.elsewhere.slice(0, NAMED).map(priced);
  if (meets.length > 0)
    lines.push(`  would meet them${p.here.some((o) => o.replicas > 0 && o.fits) ? ' too' : ''}: ${meets.join('; ')}`);
  if (p.quickest !== null)
    lines.push(
      `  no placement that is known meets them: the quickest, ${nameOf(p.quickest)}, takes ${time(p.quickest.ttftMs)} alone`,
    );
  return lines;
}
