/** How preemptive policies rank jobs: by a key, lower first. */
import type { View } from '../../cluster/view.ts';

const SECOND_US = 1_000_000;

export interface RankingArgs {
  thresholds?: number[];
}

/** `gpus`: whole GPUs' worth of the gang, a share counting as its share. */
export interface Ranking {
  describe: string;
  key(view: View, job: number, gpus: number, args: RankingArgs): number;
  /** How fast a running job's key moves, per µs. */
  rate(gpus: number, args: RankingArgs): number;
  /** µs from now at which a running job's key jumps by itself; Infinity = never. */
  jump(view: View, job: number, gpus: number, args: RankingArgs): number;
}

/** Shortest remaining time first (Schrage 1968). */
export const srtfRanking: Ranking = {
  describe: 'shortest remaining time',
  key: (view, job) => view.remainingUs(job),
  rate: () => -1,
  jump: () => Infinity,
};

/** Shortest remaining service first: time × GPUs (Tiresias, Gu et al., NSDI 2019). */
export const srsfRanking: Ranking = {
  describe: 'shortest remaining service',
  // A job without GPUs asks nothing of anybody; a service without GPUs would be ∞ × 0.
  key: (view, job, gpus) => (gpus === 0 ? 0 : view.remainingUs(job) * gpus),
  rate: (gpus) => -gpus,
  jump: () => Infinity,
};

/** Least attained service first: GPU-time so far, or the number of thresholds it has passed (Tiresias' 2D-LAS). */
export const lasRanking: Ranking = {
  describe: 'least attained service',
  key(view, job, _gpus, { thresholds = [] }) {
    const attained = view.attainedGpuUs(job);
    if (thresholds.length === 0) return attained;
    let queue = 0;
    while (queue < thresholds.length && attained >= thresholds[queue] * SECOND_US) queue++;
    return queue;
  },
  rate: (gpus, { thresholds = [] }) => (thresholds.length === 0 ? gpus : 0),
  jump(view, job, gpus, { thresholds = [] }) {
    if (gpus === 0) return Infinity;
    const attained = view.attainedGpuUs(job);
    const next = thresholds.find((threshold) => attained < threshold * SECOND_US);
    return next === undefined ? Infinity : Math.ceil((next * SECOND_US - attained) / gpus);
  },
};
