/** Numbers as people read them, without the locale of the machine. */

/** `12,345.6`: thousands separated, a fixed number of digits after the point. */
export function decimal(value: number, digits = 0): string {
  // What rounds to nothing has no sign.
  const [whole, fraction] = value
    .toFixed(digits)
    .replace(/^-(?=[0.]+$)/, '')
    .split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** `1 seed`, `1,200 seeds`: a number of things whose plural ends in s. */
export function counted(n: number, what: string): string {
  return `${Number.isInteger(n) ? decimal(n) : n} ${what}${n === 1 ? '' : 's'}`;
}

/** `62.1 %` of a share 0..1. */
export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** `45 s`, `12 min`, `3.4 h`, `2.1 d`; `–` for nothing. */
export function span(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds === 0) return '0 s';
  if (seconds < 10) return `${trimmed(seconds, 2)} s`;
  if (seconds < 120) return `${trimmed(seconds, 0)} s`;
  if (seconds < 2 * 3600) return `${trimmed(seconds / 60, 0)} min`;
  if (seconds < 48 * 3600) return `${trimmed(seconds / 3600, 1)} h`;
  return `${decimal(seconds / 86_400, 1).replace(/\.0$/, '')} d`;
}

/** All of it, so that several can be added up by hand: `15 s`, `4 min 43.25 s`, `2 d 11 h 30 min`; whole µs. */
export function exactDuration(seconds: number): string {
  const us = Math.round(seconds * 1e6);
  const parts: string[] = [];
  let rest = us;
  for (const [name, of] of [
    ['d', 86_400e6],
    ['h', 3600e6],
    ['min', 60e6],
  ] as const) {
    if (rest >= of) parts.push(`${Math.floor(rest / of)} ${name}`);
    rest %= of;
  }
  if (rest > 0 || us === 0) parts.push(`${trimmed(rest / 1e6, 6)} s`);
  return parts.join(' ');
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

export function dollars(usd: number): string {
  return `$${decimal(usd, 2)}`;
}

/** Integer µs as seconds with six decimals, exact: `1.000001`. */
export function exactSeconds(us: number): string {
  const whole = Math.floor(us / 1_000_000);
  return `${whole}.${String(us - whole * 1_000_000).padStart(6, '0')}`;
}
