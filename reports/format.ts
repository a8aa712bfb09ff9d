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

/** As people say it, to the second from a minute on: `0.25 s`, `4 min 43 s`, `2 h 5 min`, `1 d 3 h`; a smaller unit of none is left out. */
export function duration(seconds: number): string {
  if (seconds < 59.95) return `${trimmed(seconds, seconds < 1 ? 3 : 1)} s`;
  const whole = Math.round(seconds);
  const units = [
    { name: 'd', of: 86_400, below: 3600 },
    { name: 'h', of: 3600, below: 60 },
    { name: 'min', of: 60, below: 1 },
  ];
  const at = units.findIndex(({ of }) => whole >= of);
  const { name, of, below } = units[at];
  // Rounded to the smaller of the two units first, so that 59.9 min is an hour.
  const rounded = Math.round(whole / below) * below;
  const rest = Math.round((rounded % of) / below);
  const smaller = ['h', 'min', 's'][at];
  const more = units[at - 1];
  if (more !== undefined && rounded >= more.of) return `1 ${more.name}`;
  return `${Math.floor(rounded / of)} ${name}${rest === 0 ? '' : ` ${rest} ${smaller}`}`;
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
