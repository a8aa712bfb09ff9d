/** How evenly projects got what they might call their own, while there was not enough for all. */
import { fairShares } from '../../reports/fair-share.ts';
import { PROJECT_SERIES, type RecordedColumns } from '../../sim/record/recorder.ts';
import type { Scenario } from '../../sim/simulate.ts';

export interface Fairness {
  /** Jain's index over projects of what each got of its entitled share, 1/n … 1 (Jain, Chiu, Hawe, DEC-TR-301, 1984). */
  jain: number;
  /** The least of them: max-min fairness asks to make this as large as can be. */
  worst: number;
}

const ALLOCATED = PROJECT_SERIES.indexOf('allocated');
const WAITING = PROJECT_SERIES.indexOf('pending');

/** Over the times at which somebody waited; null where nobody ever did, or where there is one project. */
export function fairnessOf(scenario: Scenario, recorded: RecordedColumns): Fairness | null {
  const entitled = fairShares(scenario, recorded);
  if (entitled.length < 2) return null;
  const { projects, count } = recorded.series;
  const n = PROJECT_SERIES.length;
  const got = new Float64Array(entitled.length);
  const due = new Float64Array(entitled.length);
  for (let bucket = 0; bucket < count; bucket++) {
    if (!entitled.some((_, p) => projects[p * n + WAITING][bucket] > 0)) continue;
    entitled.forEach((share, p) => {
      due[p] += share[bucket];
      got[p] += Math.min(share[bucket], projects[p * n + ALLOCATED][bucket]);
    });
  }
  const satisfied = [...due].flatMap((all, p) => (all > 0 ? [got[p] / all] : []));
  if (satisfied.length < 2) return null;
  const sum = satisfied.reduce((total, x) => total + x, 0);
  const squares = satisfied.reduce((total, x) => total + x * x, 0);
  return { jain: squares === 0 ? 1 : sum ** 2 / (satisfied.length * squares), worst: Math.min(...satisfied) };
}
