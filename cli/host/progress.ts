/** One line on a terminal that says how far a simulation is. */
import { DAY_US, HOUR_US, type Scenario } from '../../sim/simulate.ts';

const EVERY_MS = 100;
const BAR = 24;

/** Draws on stderr, if that is a terminal; `show` may be called as often as you like. */
export class Progress {
  private readonly scenario: Scenario;
  private readonly started = performance.now();
  private readonly active = process.stderr.isTTY === true;
  private drawn = 0;

  constructor(scenario: Scenario) {
    this.scenario = scenario;
  }

  show(nowUs: number, events: number): void {
    const now = performance.now();
    if (!this.active || now - this.drawn < EVERY_MS) return;
    this.drawn = now;
    const line = progressLine(this.scenario, nowUs, events, (now - this.started) / 1000);
    process.stderr.write(`\r${line.slice(0, (process.stderr.columns || 80) - 1)}\x1b[K`);
  }

  clear(): void {
    if (this.active && this.drawn > 0) process.stderr.write('\r\x1b[K');
  }
}

export function progressLine(scenario: Scenario, nowUs: number, events: number, seconds: number): string {
  const perSecond = seconds === 0 ? 0 : events / seconds;
  const parts = [simulatedDate(scenario, nowUs), `${(perSecond / 1e6).toFixed(2)} M events/s`];
  const share = scenario.durationUs === Infinity ? 0 : nowUs / scenario.durationUs;
  if (share > 0) {
    parts.push(`${Math.ceil((seconds * (1 - share)) / share)} s left`);
    const full = Math.min(BAR, Math.floor(share * BAR));
    return `${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${String(Math.floor(share * 100)).padStart(3)} %  ${parts.join('  ')}`;
  }
  return parts.join('  ');
}

/** `2026-01-05 13:00`, in the scenario's time zone; days since the start where the scenario has no date. */
function simulatedDate(scenario: Scenario, nowUs: number): string {
  if (scenario.startEpochSeconds === 0)
    return `day ${Math.floor(nowUs / DAY_US)}, ${Math.floor((nowUs % DAY_US) / HOUR_US)} h`;
  const local = scenario.startEpochSeconds * 1000 + scenario.utcOffsetMinutes * 60_000 + nowUs / 1000;
  return new Date(local).toISOString().slice(0, 16).replace('T', ' ');
}
