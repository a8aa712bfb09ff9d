/**
 * IANA time zones → offsets from UTC and when they change. Only here: the simulation is told offsets, so that a run
 * depends on no machine's list of zones, only its scenario's arrivals do.
 */

import { DAY_US, SECOND_US } from '../sim/scenario.ts';
import { nearestName } from './problem.ts';
import { quote, UnitError } from './units.ts';

/** Offset from UTC in force from a time of the scenario on. */
export interface UtcOffset {
  fromUs: number;
  minutes: number;
}

/** `Europe/Berlin`, as the machine's list of zones has it. */
export function parseTimeZone(text: string): string {
  const name = text.trim();
  try {
    // Offsets such as +02:00, which newer engines take here too, belong into utcOffset.
    if (/^[A-Za-z]/.test(name)) return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    // Not a zone.
  }
  const near = nearestName(name, Intl.supportedValuesOf('timeZone'));
  const hint = near === undefined ? '' : `; did you mean '${near}'?`;
  throw new UnitError(quote(text), `a time zone of the IANA list, such as Europe/Berlin${hint}`);
}

/** Offsets from the start on, at least one; changes are looked for up to `horizonUs`. */
export function offsetsOf(timeZone: string, startEpochSeconds: number, horizonUs: number): UtcOffset[] {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  const at = (seconds: number): number => {
    const epoch = startEpochSeconds + seconds;
    const parts: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(epoch * 1000)) parts[type] = Number(value);
    const local = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second);
    return Math.round((local / 1000 - epoch) / 60);
  };
  const offsets: UtcOffset[] = [{ fromUs: 0, minutes: at(0) }];
  const end = Math.min(horizonUs / SECOND_US, MOST_SECONDS);
  for (let from = 0; from < end; from += STEP_SECONDS) {
    let [low, high] = [from, from + STEP_SECONDS];
    const before = offsets[offsets.length - 1].minutes;
    const after = at(high);
    if (after === before) continue;
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (at(middle) === before) low = middle;
      else high = middle;
    }
    if (high < end) offsets.push({ fromUs: high * SECOND_US, minutes: after });
  }
  return offsets;
}

/** No zone changes its clocks twice within it. */
const STEP_SECONDS = (7 * DAY_US) / SECOND_US;
/** Nobody knows the rules of clocks further ahead. */
const MOST_SECONDS = 20 * 366 * 86_400;

/** `UTC+02:00`. */
export function offsetText(minutes: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
