/** Kubernetes' quantities, durations and times, as its JSON has them. */

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
const SUFFIX: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** `500m`, `16Gi`, `1e3`, 4; in the unit itself. undefined: it is none. */
export function parseQuantity(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  const match = /^([+-]?)(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/.exec(value.trim());
  if (match === null || value.length > 64) return undefined;
  const suffix = match[3] ?? '';
  const number = /^[eE][+-]?\d/.test(suffix)
    ? Number(match[2] + suffix)
    : Number(match[2]) * SUFFIX[suffix as keyof typeof SUFFIX];
  return Number.isFinite(number) ? (match[1] === '-' ? -number : number) : undefined;
}

/** Whole units, rounded up as Kubernetes does; the last bits of a product of decimals do not count. */
export const wholeUnits = (quantity: number) => Math.ceil(quantity - Math.abs(quantity) * 1e-12);
export const milliUnits = (quantity: number) => wholeUnits(quantity * 1000);

const DURATION_US: Record<string, number> = { ns: 1e-3, us: 1, µs: 1, μs: 1, ms: 1e3, s: 1e6, m: 6e7, h: 3.6e9 };

/** Go's `1m30s`, `-10s`, `500ms`; a number is nanoseconds (Go's time.Duration in JSON). µs; undefined: it is none. */
export function parseGoDuration(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.round(value / 1000) : undefined;
  const text = value.trim();
  if (text === '0') return 0;
  const match = /^([+-]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.exec(text);
  if (match === null || text.length > 64) return undefined;
  let us = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    us += Number(amount) * DURATION_US[unit];
  }
  return Math.round(match[1] === '-' ? -us : us);
}

/** RFC 3339; Unix µs. undefined: it is none. */
export function parseTime(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/.exec(text.trim());
  if (match === null) return undefined;
  const ms = Date.parse(`${match[1]}T${match[2]}${match[4].toUpperCase()}`);
  return Number.isNaN(ms) ? undefined : ms * 1000 + Math.floor(Number(`0.${match[3] ?? '0'}`) * 1e6);
}
