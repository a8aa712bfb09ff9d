/** How fast the two sides were: the part of a bench that differs from run to run, and is kept apart. */
import type { SideTimings } from './bench.ts';

export interface CaseTimings {
  case: string;
  runs: number;
  wallSeconds: number;
  /** Times the policy was asked, over the time its answers took; null where nobody looked. */
  decisionsPerSecond: number | null;
  /** Heap in use when a run ended, the most of all. */
  heapMiB: number | null;
}

export function timingsOf(runs: SideTimings): CaseTimings[] {
  return [...new Set(runs.map((run) => run.case))].map((name) => {
    const own = runs.filter((run) => run.case === name).map(({ timings }) => timings);
    const decisions = sum(own.map((t) => t.decisions));
    const seconds = sum(own.map((t) => t.decideSeconds));
    const heaps = own.flatMap(({ heapMiB }) => (heapMiB === null ? [] : [heapMiB]));
    return {
      case: name,
      runs: own.length,
      wallSeconds: own.reduce((total, t) => total + t.wallSeconds, 0),
      decisionsPerSecond: decisions === null || seconds === null || seconds === 0 ? null : decisions / seconds,
      heapMiB: heaps.length === 0 ? null : Math.max(...heaps),
    };
  });
}

const sum = (values: (number | null)[]) =>
  values.includes(null) ? null : (values as number[]).reduce((a, b) => a + b, 0);

export function timingsText(sides: readonly { name: string; timings: readonly CaseTimings[] }[]): string {
  const lines = sides.flatMap(({ name, timings }) =>
    timings.map((t) => {
      const speed = t.decisionsPerSecond === null ? '' : `, ${Math.round(t.decisionsPerSecond)} decisions/s`;
      const heap = t.heapMiB === null ? '' : `, ${Math.round(t.heapMiB)} MiB`;
      return `  ${name}, ${t.case}: ${(t.wallSeconds / t.runs).toFixed(2)} s a run${speed}${heap}\n`;
    }),
  );
  return lines.length === 0 ? '' : `Timings (differ from run to run):\n${lines.join('')}`;
}
