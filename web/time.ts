/** Simulated time as people read it. */
import type { RunColumns } from '../reports/columns.ts';

const SECOND = 1e6;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const STEPS = [
  ...[1e3, 5e3, 1e4, 5e4, 1e5, 5e5],
  ...[1, 2, 5, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 15, 30].map((n) => n * MINUTE),
  ...[1, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 30, 90, 180, 365].map((n) => n * DAY),
];

export interface Clock {
  /** Unix time of time 0 as the local clock shows it, µs; null = the scenario has none. */
  zeroUs: number | null;
}

export function clockOf({ startEpochSeconds, utcOffsetMinutes }: RunColumns): Clock {
  return { zeroUs: startEpochSeconds === 0 ? null : (startEpochSeconds + utcOffsetMinutes * 60) * SECOND };
}

const two = (n: number) => String(n).padStart(2, '0');
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** `day 12, 14:05` or `Fri 12 Jun, 14:05`; with seconds where asked. */
export function momentText(us: number, { zeroUs }: Clock, seconds = false): string {
  const whole = us + (zeroUs ?? 0);
  const inDay = ((whole % DAY) + DAY) % DAY;
  const time = `${two(Math.floor(inDay / HOUR))}:${two(Math.floor(inDay / MINUTE) % 60)}${seconds ? `:${two(Math.floor(inDay / SECOND) % 60)}` : ''}`;
  return `${dayText(us, { zeroUs })}, ${time}`;
}

export function dayText(us: number, { zeroUs }: Clock): string {
  if (zeroUs === null) return `day ${Math.floor(us / DAY) + 1}`;
  const date = new Date((us + zeroUs) / 1000);
  if (Number.isNaN(date.getTime())) return `day ${Math.floor(us / DAY) + 1}`;
  return `${DAYS[date.getUTCDay()]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

export interface Tick {
  us: number;
  label: string;
}

/** About one tick every 90 pixels, on round times of the local clock. */
export function timeTicks(from: number, to: number, pixels: number, clock: Clock): Tick[] {
  const wanted = Math.max(1, (to - from) / Math.max(1, pixels / 90));
  const step = STEPS.find((each) => each >= wanted) ?? Math.ceil(wanted / (365 * DAY)) * 365 * DAY;
  const zero = clock.zeroUs ?? 0;
  const ticks: Tick[] = [];
  for (let us = Math.ceil((from + zero) / step) * step - zero; us <= to && ticks.length < 100; us += step) {
    const inDay = (((us + zero) % DAY) + DAY) % DAY;
    let label: string;
    if (step >= DAY || inDay === 0) label = clock.zeroUs === null ? dayText(us, clock) : dayText(us, clock).slice(4);
    else if (step >= MINUTE) label = `${two(Math.floor(inDay / HOUR))}:${two(Math.floor(inDay / MINUTE) % 60)}`;
    else
      label = `${two(Math.floor(inDay / MINUTE) % 60)}:${(Math.round((inDay % MINUTE) / 1000) / 1000).toString().padStart(2, '0')}`;
    ticks.push({ us, label });
  }
  return ticks;
}
