/**
 * Checkpoints against Daly's run time: simulated failures that also strike checkpoints and restarts, and the interval
 * that the search finds. Efficiency is what is compared, to half a percent of the formula's.
 */
import { HOUR_US, MINUTE_US } from '../../sim/simulate.ts';
import { renewalEfficiency } from '../../sim/world/checkpoints/renewal.ts';
import { studyCheckpoints } from '../../studies/checkpoint.ts';
import { dalyEfficiency, dalyInterval } from '../../studies/daly.ts';
import { type Claim, type ClaimGroup, commandFor, type Effort } from './claim.ts';

const TOLERANCE = 0.005;
const DALY = 'Daly, FGCS 22(3), 2006: T = M·e^(R/M)·(e^((τ+δ)/M) − 1)·Ts/τ';
const ETTR = 'arXiv 2410.21680 §4, in the exact form (Daly)';

/** Minutes. */
interface Point {
  id: string;
  source: string;
  mtbf: number;
  cost: number;
  restart: number;
  interval?: number;
}

/** A failure rate of nodes as a gang feels it, minutes. */
const gang = (nodes: number, perNodeDay: number) => 1440 / (nodes * perNodeDay);
const LLAMA = 185.585;

const PUBLISHED: readonly Point[] = [
  { id: 'daly-6h', source: DALY, mtbf: 360, cost: 5, restart: 10 },
  { id: 'daly-24h', source: DALY, mtbf: 1440, cost: 5, restart: 10 },
  { id: 'daly-15min', source: DALY, mtbf: 15, cost: 5, restart: 10 },
  { id: 'llama-1-5', source: `${DALY}; MTBF of arXiv 2407.21783`, mtbf: LLAMA, cost: 1, restart: 5 },
  { id: 'llama-1-10', source: `${DALY}; MTBF of arXiv 2407.21783`, mtbf: LLAMA, cost: 1, restart: 10 },
  { id: 'llama-5-5', source: `${DALY}; MTBF of arXiv 2407.21783`, mtbf: LLAMA, cost: 5, restart: 5 },
  { id: 'llama-5-10', source: `${DALY}; MTBF of arXiv 2407.21783`, mtbf: LLAMA, cost: 5, restart: 10 },
  { id: 'ettr-2000-60', source: ETTR, mtbf: gang(2000, 6.5e-3), cost: 0, restart: 5, interval: 60 },
  { id: 'ettr-2000-5', source: ETTR, mtbf: gang(2000, 6.5e-3), cost: 0, restart: 5, interval: 5 },
  { id: 'ettr-1500-rsc1', source: ETTR, mtbf: gang(1500, 6.5e-3), cost: 5, restart: 5, interval: 38.43 },
  { id: 'ettr-1500-rare', source: ETTR, mtbf: gang(1500, 1e-3), cost: 5, restart: 5, interval: 97.98 },
  { id: 'ettr-1500-quick', source: ETTR, mtbf: gang(1500, 6.5e-3), cost: 1 / 6, restart: 5, interval: 7.02 },
  { id: 'ettr-12500', source: ETTR, mtbf: gang(12_500, 2.34e-3), cost: 0, restart: 2, interval: 2 },
];

/** MTBF × checkpoint cost × restart cost. */
const GRID: readonly Point[] = [1, 6, 48].flatMap((hours) =>
  [0.5, 3, 15].flatMap((cost) =>
    [0, 5, 30].map((restart) => ({
      id: `grid-${hours}h-${cost}-${restart}`,
      source: DALY,
      mtbf: hours * 60,
      cost,
      restart,
    })),
  ),
);

/** Simulated efficiency at a point, to about a tenth of a percent. */
function efficiencyClaim({ id, source, mtbf, cost, restart, interval }: Point, { quick }: Effort): Claim {
  const intervalUs = Math.round((interval ?? dalyInterval(cost, mtbf)) * MINUTE_US);
  const [stallUs, restartUs, mtbfUs] = [cost, restart, mtbf].map((minutes) => Math.round(minutes * MINUTE_US));
  const expected = dalyEfficiency(intervalUs, stallUs, mtbfUs, restartUs);
  const workUs = Math.max(intervalUs, Math.round(200 * mtbfUs * expected));
  const job = { workUs, intervalUs, stallUs, behindUs: 0, restartUs, mtbfUs };
  const found = renewalEfficiency(job, `validate/${id}`, quick ? 0.003 : 0.001, quick ? 100 : 2000);
  // What is left of chance is not the simulator's error; it may be seen as one at four standard errors.
  const tolerance = TOLERANCE * expected + (quick ? 4 * found.error : 0);
  return claim(`daly/efficiency-${id}`, source, expected, found.mean, tolerance);
}

function bestClaim(mtbf: number, cost: number, { quick }: Effort): Claim {
  const [stallUs, mtbfUs] = [cost * MINUTE_US, mtbf * HOUR_US];
  const restartUs = 5 * MINUTE_US;
  const study = studyCheckpoints({ stallUs, behindUs: 0, restartUs, mtbfUs }, 0, 'validate/best', {
    accuracy: quick ? 0.005 : 0.002,
    mostRuns: quick ? 20 : 100,
    failures: 100,
  });
  // Both at their true efficiency: whether the interval is right must not depend on the luck of one run.
  const at = (interval: number) => dalyEfficiency(interval, stallUs, mtbfUs, restartUs);
  const expected = at(dalyInterval(stallUs, mtbfUs));
  return claim(
    `daly/best-interval-${mtbf}h-${cost}`,
    "efficiency at the interval that the search finds, against that at Daly's",
    expected,
    at(study.best.intervalUs),
    TOLERANCE * expected,
  );
}

function claim(id: string, source: string, expected: number, got: number, tolerance: number): Claim {
  const pass = Math.abs(got - expected) <= tolerance;
  return { id, group: 'daly', source, expected, got, tolerance, pass, command: commandFor('daly'), unit: 'efficiency' };
}

export const daly: ClaimGroup = {
  name: 'daly',
  about: 'checkpoint intervals against the run time and the optimum of Daly and Young',
  run(effort: Effort): Claim[] {
    const points = effort.quick ? [...PUBLISHED, ...GRID.filter((_, i) => i % 5 === 0)] : [...PUBLISHED, ...GRID];
    const bests: [number, number][] = [
      [1, 3],
      [6, 1],
      [24, 5],
    ];
    return [
      ...points.map((point) => efficiencyClaim(point, effort)),
      ...bests.map(([mtbf, cost]) => bestClaim(mtbf, cost, effort)),
    ];
  },
};
