/**
 * Requests as they come: replayed, or drawn from a process and from distributions of length. A stream gives one request
 * after the other into the same object, so that a trace of any length takes no memory.
 */
import { openStream, type Stream } from '../../engine/random.ts';
import { diurnalRate, gamma, lognormalFromMedian, poissonGap, quantileTable, thinned } from '../../engine/samplers.ts';
import type { GeneratedRequests, RequestColumns, RequestLength, RequestProcess, ServingSpec } from '../../scenario.ts';

export type { GeneratedRequests, RequestColumns, RequestLength, RequestProcess } from '../../scenario.ts';

export interface Arrival {
  /** Not before the one before it. */
  timeUs: number;
  /** Tokens, at least 1 each. */
  prompt: number;
  output: number;
  tenant: number;
  /** Hashes of the prompt's leading whole blocks, each standing for all before it too; null = not known. */
  hashes: readonly number[] | null;
}

/** Fills in the next request; false when there is none. */
export type Arrivals = (into: Arrival) => boolean;

export const emptyArrival = (): Arrival => ({ timeUs: 0, prompt: 1, output: 1, tenant: 0, hashes: null });

/** What a stream gave as its request number `number`, counted from 1, not before `nowUs`: throws where that cannot be. */
export function checkArrival({ timeUs, prompt, output }: Arrival, number: number, nowUs: number): void {
  if (!(prompt >= 1 && output >= 1))
    throw new Error(`request ${number} has ${prompt} prompt and ${output} output tokens; it needs one of each`);
  if (timeUs < nowUs) throw new Error(`request ${number} comes at ${timeUs} µs, before the one ahead of it`);
}

/** Requests drawn; times, prompts and outputs have a stream each, so that changing one shifts none of the others. */
export function generated(spec: GeneratedRequests, seed: string, name: string): Arrivals {
  const times = openStream(seed, `${name}/arrivals`);
  const prompts = openStream(seed, `${name}/prompts`);
  const outputs = openStream(seed, `${name}/outputs`);
  const gap = nextTime(spec.process, spec.untilUs);
  const prompt = lengthSampler(spec.prompt);
  const output = lengthSampler(spec.output);
  let time = 0;
  let left = spec.count;
  return (into) => {
    if (left-- <= 0) return false;
    time = gap(times, time);
    if (!(time < spec.untilUs)) return false;
    into.timeUs = Math.floor(time);
    into.prompt = prompt(prompts);
    into.output = output(outputs);
    into.tenant = spec.tenant;
    into.hashes = null;
    return true;
  };
}

function nextTime(process: RequestProcess, untilUs: number): (stream: Stream, fromUs: number) => number {
  const perUs = process.perSecond / 1e6;
  switch (process.kind) {
    case 'poisson':
      return (stream, from) => from + poissonGap(stream, perUs);
    case 'gamma': {
      const shape = 1 / (process.cv * process.cv);
      return (stream, from) => from + gamma(stream, shape, 1 / (perUs * shape));
    }
    case 'diurnal': {
      const { maxRatePerUs, rateAt } = diurnalRate({ ...process, meanPerUs: perUs });
      return (stream, from) => thinned(stream, from, maxRatePerUs, rateAt, untilUs);
    }
  }
}

export function lengthSampler(length: RequestLength): (stream: Stream) => number {
  if (typeof length === 'number') return () => length;
  const whole = (x: number) => Math.max(1, Math.round(x));
  if ('quantiles' in length) {
    const { quantiles } = length;
    const sample = quantileTable(quantiles.map((value, i) => [i / (quantiles.length - 1), value] as const));
    return (stream) => whole(sample(stream));
  }
  return (stream) => Math.min(length.max, whole(lognormalFromMedian(stream, length.median, length.sigma)));
}

/** Those requests, `rate` times as fast, over and over until `untilUs` if `repeat` says so. */
export function replayed(columns: RequestColumns, rate = 1, repeat = false, untilUs = Infinity): Arrivals {
  let i = 0;
  let round = 0;
  const { count, timeUs } = columns;
  // From one round to the next as long as between two requests on average.
  const length = count < 2 ? 1e6 : Math.ceil((timeUs[count - 1] * count) / (count - 1));
  return (into) => {
    if (i === count) {
      if (!repeat || count === 0) return false;
      i = 0;
      round++;
    }
    const time = Math.floor((timeUs[i] + round * length) / rate);
    if (time >= untilUs) return false;
    into.timeUs = time;
    into.prompt = columns.prompt[i];
    into.output = columns.output[i];
    into.tenant = columns.tenant[i];
    into.hashes = columns.hashes.get(i) ?? null;
    i++;
    return true;
  };
}

/** Any iteration of requests in the order of time: what reads a file piece by piece gives. */
export function fromIterator(requests: Iterator<Arrival>): Arrivals {
  return (into) => {
    const { done, value } = requests.next();
    if (done) return false;
    Object.assign(into, value);
    return true;
  };
}

/** Several tenants' requests in one stream, by time; at the same time in the order given. */
export function mixed(parts: readonly Arrivals[]): Arrivals {
  const next = parts.map((part) => {
    const arrival = emptyArrival();
    return { part, arrival, there: part(arrival) };
  });
  return (into) => {
    let first = -1;
    for (let i = 0; i < next.length; i++) {
      if (next[i].there && (first < 0 || next[i].arrival.timeUs < next[first].arrival.timeUs)) first = i;
    }
    if (first < 0) return false;
    const one = next[first];
    Object.assign(into, one.arrival);
    one.there = one.part(one.arrival);
    return true;
  };
}

/** Requests of a deployment, until `untilUs`. */
export function arrivalsOf(
  { name, requests }: Pick<ServingSpec, 'name' | 'requests'>,
  seed: string,
  untilUs: number,
): Arrivals {
  const parts = requests.map((part, i) =>
    'columns' in part
      ? replayed(part.columns, part.rate, false, untilUs)
      : generated({ ...part, untilUs: Math.min(part.untilUs, untilUs) }, seed, `requests/${name}/${i}`),
  );
  return parts.length === 1 ? parts[0] : mixed(parts);
}
