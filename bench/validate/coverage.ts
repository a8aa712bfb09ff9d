/**
 * Whether the confidence intervals of studies keep their word: many small studies of a queue whose mean wait is known, and
 * the share of their intervals that contain it. Waits come from the recursion of Kiefer and Wolfowitz, which simulated
 * waits equal to the microsecond (claims of their own, and validate.test.ts): ten thousand runs so take seconds.
 */
import { openStream } from '../../sim/engine/random.ts';
import { exponential } from '../../sim/engine/samplers.ts';
import { meanInterval } from '../../studies/stats.ts';

export interface Repeated {
  servers: number;
  load: number;
  /** Jobs of a run, and how many of them come first and are not counted: the queue starts empty. */
  jobs: number;
  warmUp: number;
}

/** Of one run of M/M/c from the streams that `queueScenario` takes, in mean service times. */
export function meanWait({ servers, load, jobs, warmUp }: Repeated, seed: string): number {
  const arrivals = openStream(seed, 'arrivals');
  const services = openStream(seed, 'services');
  const freeAt = new Float64Array(servers);
  let at = 0;
  let sum = 0;
  for (let j = 0; j < jobs; j++) {
    at += exponential(arrivals, 1 / (servers * load));
    let first = 0;
    for (let k = 1; k < servers; k++) if (freeAt[k] < freeAt[first]) first = k;
    const start = Math.max(at, freeAt[first]);
    freeAt[first] = start + exponential(services, 1);
    if (j >= warmUp) sum += start - at;
  }
  return sum / (jobs - warmUp);
}

/** The first study begins with seed 1; each takes the seeds after those of the one before. */
export function coverage(queue: Repeated, expected: number, repetitions: number, seeds: number): number {
  let covered = 0;
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const waits = Array.from({ length: seeds }, (_, i) => meanWait(queue, String(1 + repetition * seeds + i)));
    const { low, high } = meanInterval(waits, 0.95);
    if (low <= expected && expected <= high) covered++;
  }
  return covered / repetitions;
}
