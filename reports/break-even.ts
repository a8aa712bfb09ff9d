/**
 * The question that a licence raises, answered from typed-in assumptions alone: what does a higher utilisation give back,
 * and up to which price per GPU-year does it pay? Exact: decimals as written, rounded once, to the cent, half up.
 */

export interface BreakEvenAssumptions {
  gpus: string;
  /** $ per GPU-hour. */
  price: string;
  /** Hours that are paid for. */
  hours: string;
  /** Share of the GPU-hours that is useful, today first: at least two. */
  utilisation: readonly string[];
  /** $ per GPU-year; absent = only the break-even is asked for. */
  licence?: string;
}

export interface BreakEven {
  /** $, all GPU-hours at the price. */
  computeCost: number;
  utilisation: number[];
  /** $ worth of useful GPU-hours at each utilisation. */
  useful: number[];
  /** $ that the last utilisation gives over the first. */
  uplift: number;
  /** $ per GPU and year of 8,760 h at which the uplift is used up. Negative: it could never pay. */
  licenceBreakEvenPerGpuYear: number;
  /** $ per GPU-year asked; null if none was given. */
  licence: number | null;
  /** $ over the hours; null if no licence was given. */
  licenceCost: number | null;
  net: number | null;
  pays: boolean | null;
}

/** A GPU-year, h. */
const YEAR_HOURS = 8760n;

/** Throws `RangeError` with a sentence for what cannot be computed with. */
export function breakEven(given: BreakEvenAssumptions): BreakEven {
  const gpus = decimal(given.gpus, 'gpus', { above: true });
  const price = decimal(given.price, 'price');
  const hours = decimal(given.hours, 'hours', { above: true });
  if (given.utilisation.length < 2) throw new RangeError('utilisation needs two shares or more, such as 0.60,0.80');
  const shares = given.utilisation.map((share) => decimal(share, 'utilisation', { most: 1 }));
  const cost = times(times(gpus, price), hours);
  const useful = shares.map((share) => times(cost, share));
  const uplift = minus(useful[useful.length - 1], useful[0]);
  const perGpuYear = over(times(uplift, { n: YEAR_HOURS, d: 1n }), times(gpus, hours));
  const licence = given.licence === undefined ? null : decimal(given.licence, 'licence');
  const licenceCost = licence === null ? null : over(times(times(licence, gpus), hours), { n: YEAR_HOURS, d: 1n });
  const net = licenceCost === null ? null : minus(uplift, licenceCost);
  return {
    computeCost: cents(cost),
    utilisation: given.utilisation.map(Number),
    useful: useful.map(cents),
    uplift: cents(uplift),
    licenceBreakEvenPerGpuYear: cents(perGpuYear),
    licence: licence === null ? null : cents(licence),
    licenceCost: licenceCost === null ? null : cents(licenceCost),
    net: net === null ? null : cents(net),
    pays: net === null ? null : net.n >= 0n,
  };
}

/** A fraction; the denominator is positive. */
interface Exact {
  n: bigint;
  d: bigint;
}

/** `5.92` → 592/100. */
function decimal(text: string, name: string, { above = false, most = Infinity } = {}): Exact {
  const found = /^(\d{1,15})(?:\.(\d{1,12}))?$/.exec(text.trim());
  const range = most < Infinity ? `from 0 to ${most}` : above ? 'above 0' : '0 or more';
  const refuse = () => new RangeError(`${name}: found '${text.slice(0, 40)}', expected a decimal number ${range}`);
  if (found === null) throw refuse();
  const fraction = found[2] ?? '';
  const value = { n: BigInt(found[1] + fraction), d: 10n ** BigInt(fraction.length) };
  if (Number(text) > most || (above && value.n === 0n)) throw refuse();
  return value;
}

const times = (a: Exact, b: Exact): Exact => ({ n: a.n * b.n, d: a.d * b.d });
const over = (a: Exact, b: Exact): Exact => ({ n: a.n * b.d, d: a.d * b.n });
const minus = (a: Exact, b: Exact): Exact => ({ n: a.n * b.d - b.n * a.d, d: a.d * b.d });

/** $ with two decimals, half away from zero. */
function cents({ n, d }: Exact): number {
  const size = n < 0n ? -n : n;
  const rounded = Number((200n * size + d) / (2n * d)) / 100;
  return n < 0n ? 0 - rounded : rounded;
}
