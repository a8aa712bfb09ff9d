/**
 * Jobs of a team, drawn from its distributions. Each cause has a stream of its own (arrivals, sizes, durations, users),
 * so that a change to one shifts none of the others' draws.
 */

import { openStream, type Stream } from '../sim/engine/random.ts';
import {
  diurnalRate,
  empirical,
  exponential,
  lognormalFromMedian,
  quantileTable,
  thinned,
  uniform,
  weibull,
} from '../sim/engine/samplers.ts';
import { DAY_US, SECOND_US } from '../sim/scenario.ts';
import type { ArrivalsInput, DurationInput, TeamInput } from './schema.ts';
import type { UtcOffset } from './time-zone.ts';

export interface Generation {
  seed: string;
  /** Prefix of the names of this team's streams and of its jobs. */
  stream: string;
  scale: number;
  horizonUs: number;
  startEpochSeconds: number;
  /** In force from which time on; the first from 0. */
  utcOffsets: readonly UtcOffset[];
}

export interface GeneratedJob {
  id: string;
  user: string;
  submitUs: number;
  durationUs: number;
  limitUs: number | undefined;
  gpus: number;
  workers: number;
}

/** An upper estimate of how many jobs a team will submit, before any is made. */
export function expectedJobs(team: TeamInput, scale: number, horizonUs: number): number {
  return ((team.arrivals.perDay * Math.max(1, team.arrivals.weekend) * scale * horizonUs) / DAY_US) * team.together;
}

export function* generateTeam(team: TeamInput, g: Generation): Generator<GeneratedJob> {
  const open = (cause: string) => openStream(g.seed, `${g.stream}/${cause}`);
  const [sizes, durations, users] = [open('sizes'), open('durations'), open('users')];
  const pick = empirical(
    team.sizes,
    team.sizes.map((s) => s.weight),
  );
  const common = durationSampler(team.duration);
  const own = new Map(team.sizes.map((s) => [s, s.duration === undefined ? common : durationSampler(s.duration)]));
  let n = 0;
  for (const submitUs of arrivals(team.arrivals, g, open('arrivals'))) {
    const user = `${team.name}-${users.integer(team.users) + 1}`;
    for (let k = 0; k < team.together; k++) {
      const size = pick(sizes);
      const durationUs = (own.get(size) as DurationSampler)(durations);
      n++;
      yield {
        id: `${team.name}/${n}`,
        user,
        submitUs,
        durationUs,
        limitUs: team.timeLimitFactor > 0 ? Math.ceil(durationUs * team.timeLimitFactor) : undefined,
        gpus: size.gpus,
        workers: size.workers ?? 0,
      };
    }
  }
}

/** Times of arrivals: a Poisson process whose rate follows a daily cosine wave, lower (or higher) at weekends. */
function* arrivals(spec: ArrivalsInput, g: Generation, stream: Stream): Generator<number> {
  const ratio = spec.pattern === 'diurnal' ? spec.peakToTrough : 1;
  // A clock that changes is another wave from then on; the rates are the same.
  const waves = g.utcOffsets.map(({ fromUs, minutes }) => ({
    fromUs,
    ...diurnalRate({
      // perDay is the mean of a weekday, the wave's mean is over the week.
      meanPerUs: ((spec.perDay * g.scale) / DAY_US) * ((5 + 2 * spec.weekend) / 7),
      amplitude: (ratio - 1) / (ratio + 1),
      peakHour: spec.peakHour,
      weekendFactor: spec.weekend,
      startEpochUs: (g.startEpochSeconds + minutes * 60) * SECOND_US,
    }),
  }));
  let now = 0;
  const rateAt = (us: number) => {
    // Times are asked for in ascending order.
    while (now + 1 < waves.length && waves[now + 1].fromUs <= us) now++;
    return waves[now].rateAt(us);
  };
  let t = 0;
  for (;;) {
    t = thinned(stream, t, waves[0].maxRatePerUs, rateAt, g.horizonUs);
    if (t === Number.POSITIVE_INFINITY) return;
    yield Math.floor(t);
  }
}

type DurationSampler = (stream: Stream) => number;

/** Draws of a duration: whole µs, at least 1 s unless `min` says otherwise, at most `max` or a year. */
function durationSampler(spec: DurationInput): DurationSampler {
  if (typeof spec === 'number') return () => spec;
  const least = spec.min ?? 1_000_000;
  const most = Math.max(least, spec.max ?? 365 * DAY_US);
  const draw = rawSampler(spec);
  return (stream) => Math.min(most, Math.max(least, Math.round(draw(stream))));
}

function rawSampler(spec: Exclude<DurationInput, number>): DurationSampler {
  if ('lognormal' in spec) {
    const median = Math.max(1, spec.lognormal.median);
    return (s) => lognormalFromMedian(s, median, spec.lognormal.sigma);
  }
  if ('exponential' in spec) return (s) => exponential(s, Math.max(1, spec.exponential.mean));
  if ('weibull' in spec) return (s) => weibull(s, spec.weibull.shape, Math.max(1, spec.weibull.scale));
  if ('uniform' in spec) {
    const [lo, hi] = [Math.min(spec.uniform.from, spec.uniform.to), Math.max(spec.uniform.from, spec.uniform.to)];
    return (s) => uniform(s, lo, hi);
  }
  // Equally spaced quantiles of a measured distribution, straight lines between them.
  const values = [...spec.quantiles].sort((a, b) => a - b);
  return quantileTable(values.map((value, i) => [i / (values.length - 1), value] as const));
}
