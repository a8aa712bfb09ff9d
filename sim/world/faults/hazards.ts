/**
 * When a unit's candidate faults come: gaps by inversion from the unit's own stream, always the same number of draws.
 *
 * Times between faults of one unit are independent (a renewal process), whatever is done about the faults. What does
 * depend on that (a replaced node is young again, and no lemon) only thins them: candidates are drawn at the highest
 * rate there can be, and each has a number in [0, 1) that says up to which part of that rate it takes effect.
 */
import { exp, log, pow } from '../../engine/math.ts';
import type { Stream } from '../../engine/random.ts';
import { exponential, lognormal, normal, weibull } from '../../engine/samplers.ts';
import type { Hazard } from '../../scenario.ts';

/** Γ(x) for x > 0, to about 1e-13 (Lanczos, SIAM J. Numer. Anal. B 1, 1964, with g = 7 and nine terms). */
export function gammaFunction(x: number): number {
  if (x < 0.5) return gammaFunction(x + 1) / x;
  const z = x - 1;
  let sum = 0.99999999999980993;
  for (let i = 0; i < LANCZOS.length; i++) sum += LANCZOS[i] / (z + i + 1);
  const t = z + 7.5;
  return Math.sqrt(2 * Math.PI) * pow(t, z + 0.5) * exp(-t) * sum;
}

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** Scale of a Weibull distribution with that mean. */
export const weibullScale = (mean: number, shape: number) => mean / gammaFunction(1 + 1 / shape);

/** Time to the next candidate, µs, not rounded; `meanUs` is of a unit in its prime. */
export function nextGap(hazard: Hazard, meanUs: number, stream: Stream): number {
  switch (hazard.type) {
    case 'weibull':
      return weibull(stream, hazard.shape, weibullScale(meanUs, hazard.shape));
    case 'lognormal':
      return lognormal(stream, log(meanUs) - (hazard.sigma * hazard.sigma) / 2, hazard.sigma);
    case 'recorded': {
      const { gapsUs } = hazard;
      const mean = gapsUs.reduce((sum, gap) => sum + gap, 0) / gapsUs.length;
      return (gapsUs[Math.floor(stream.next() * gapsUs.length)] * meanUs) / mean;
    }
    default:
      return exponential(stream, meanUs / mostFactor(hazard));
  }
}

/** Time from the start to the first candidate of a unit that is `ageUs` old by then and failed now and then before. */
export function firstGap(hazard: Hazard, meanUs: number, ageUs: number, stream: Stream): number {
  // An exponential hazard has no memory, and a bathtub's is in the thinning.
  if (hazard.type === 'exponential' || hazard.type === 'bathtub') return nextGap(hazard, meanUs, stream);
  let at = -ageUs;
  while (at <= 0) at += nextGap(hazard, meanUs, stream);
  return at;
}

/** The highest rate of a hazard over that of its prime. */
export function mostFactor(hazard: Hazard): number {
  return hazard.type === 'bathtub' ? Math.max(1, hazard.infantFactor, hazard.wearOutFactor) : 1;
}

/** The rate at an age over that of the prime. */
export function factorAt(hazard: Hazard, ageUs: number): number {
  if (hazard.type !== 'bathtub') return 1;
  if (ageUs < hazard.infantUs) return hazard.infantFactor;
  return ageUs >= hazard.wearOutAfterUs ? hazard.wearOutFactor : 1;
}

/** A GPU's own rate over the mean: lognormal with mean 1, so that a few GPUs have most of the errors. Two draws. */
export function ownFactor(sigma: number, stream: Stream): number {
  return exp(sigma * normal(stream, 0, 1) - (sigma * sigma) / 2);
}
