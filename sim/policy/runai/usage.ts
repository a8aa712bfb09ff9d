/**
 * What each queue used lately, for time-based fair share: allocation summed over a window, as a share of capacity summed
 * alike. Sampled at a fixed resolution as the real scheduler's metrics are (KAI-Scheduler d5bc503a,
 * pkg/scheduler/cache/usagedb/prometheus: one minute, window of a week); with a half-life a sample of age t weighs
 * 0.5^(t ÷ half-life). Amounts are integers (GPU units, 1/1000 core, MiB), so that sums without a half-life are exact.
 */
import { pow } from '../../engine/math.ts';

export interface UsageWindow {
  windowUs: number;
  /** `sliding`: the last `windowUs`; `tumbling`: since the last multiple of `windowUs`. */
  kind: 'sliding' | 'tumbling';
  /** 0 = no decay. */
  halfLifeUs: number;
  resolutionUs: number;
}

export const USED = ['gpu', 'cpu', 'memory'] as const;

/** One series: what is held now, its weighted sum, and the samples still in the window as runs of equal ones. */
interface Series {
  now: number;
  sum: number;
  runFrom: number[];
  runAmount: number[];
  /** The run that the next sample to leave the window belongs to. */
  head: number;
}

/** Plain data, copied on fork. */
export interface Usage {
  /** Samples taken; sample s is at time s × resolution. */
  samples: number;
  /** `queue × 3 + resource`; the pool's capacity comes after the last queue. */
  series: Series[];
}

export function openUsage(queues: number): Usage {
  const series = () => ({ now: 0, sum: 0, runFrom: [], runAmount: [], head: 0 });
  return { samples: 0, series: Array.from({ length: (queues + 1) * USED.length }, series) };
}

/** From now on a queue (or, at the number of queues, the pool) holds `amount`. Samples up to now must have been taken. */
export function holds(usage: Usage, queue: number, resource: number, amount: number): void {
  usage.series[queue * USED.length + resource].now = amount;
}

/** Takes all samples up to and including `nowUs`. Returns whether there was one. */
export function takeSamples(usage: Usage, window: UsageWindow, nowUs: number): boolean {
  const { resolutionUs, windowUs, halfLifeUs } = window;
  const last = Math.floor(nowUs / resolutionUs);
  if (last <= usage.samples) return false;
  const decay = halfLifeUs === 0 ? 1 : pow(0.5, resolutionUs / halfLifeUs);
  const inWindow = Math.max(1, Math.floor(windowUs / resolutionUs));
  const decayed = halfLifeUs === 0 ? 1 : pow(0.5, (inWindow * resolutionUs) / halfLifeUs);
  for (let s = usage.samples + 1; s <= last; s++) {
    const fresh = window.kind === 'tumbling' && windowOf(s, window) > windowOf(s - 1, window);
    for (const series of usage.series) {
      if (fresh) series.sum = 0;
      const gone = window.kind === 'sliding' ? leaving(series, s - inWindow) * decayed : 0;
      if (window.kind === 'sliding') note(series, s);
      series.sum = Math.max(0, series.sum * decay - gone) + series.now;
    }
  }
  usage.samples = last;
  return true;
}

/** When the next sample is due, µs. */
export function nextSampleUs(usage: Usage, window: UsageWindow): number {
  return (usage.samples + 1) * window.resolutionUs;
}

/** Share of the pool's capacity in the window, 0 … 1. */
export function usageShare(usage: Usage, queue: number, resource: number): number {
  const { series } = usage;
  const capacity = series[series.length - USED.length + resource].sum;
  return capacity === 0 ? 0 : series[queue * USED.length + resource].sum / capacity;
}

/** A sample on the border belongs to the window that ends there. */
function windowOf(sample: number, { windowUs, resolutionUs }: UsageWindow): number {
  return Math.ceil((sample * resolutionUs) / windowUs);
}

function note(series: Series, sample: number): void {
  const { runFrom, runAmount } = series;
  if (runAmount.length > 0 && runAmount[runAmount.length - 1] === series.now) return;
  runFrom.push(sample);
  runAmount.push(series.now);
}

/** The amount of a sample that leaves the window; samples leave in order. */
function leaving(series: Series, sample: number): number {
  if (sample < 1) return 0;
  const { runFrom, runAmount } = series;
  while (series.head + 1 < runFrom.length && runFrom[series.head + 1] <= sample) series.head++;
  const amount = runAmount[series.head];
  if (series.head >= 64 && series.head * 2 > runFrom.length) {
    runFrom.splice(0, series.head);
    runAmount.splice(0, series.head);
    series.head = 0;
  }
  return amount;
}
