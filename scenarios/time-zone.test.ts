import { describe, expect, it } from 'vitest';
import { DAY_US } from '../sim/scenario.ts';
import { readScenario } from './read.ts';
import { offsetsOf, offsetText, parseTimeZone } from './time-zone.ts';

const epoch = (date: string) => Date.parse(date) / 1000;

describe('time zones', () => {
  it('change their clocks when the law says', () => {
    // Summer time in the EU ends on the last Sunday of October at 01:00 UTC.
    const start = '2026-10-01T00:00:00Z';
    const change = (epoch('2026-10-25T01:00:00Z') - epoch(start)) * 1e6;
    expect(offsetsOf('Europe/Berlin', epoch(start), 60 * DAY_US)).toEqual([
      { fromUs: 0, minutes: 120 },
      { fromUs: change, minutes: 60 },
    ]);
    expect(offsetsOf('Europe/Berlin', epoch(start), 20 * DAY_US)).toEqual([{ fromUs: 0, minutes: 120 }]);
    expect(offsetsOf('Asia/Kolkata', epoch(start), 365 * DAY_US)).toEqual([{ fromUs: 0, minutes: 330 }]);
    expect(offsetsOf('America/New_York', epoch('2026-01-01T00:00:00Z'), 365 * DAY_US).map((o) => o.minutes)).toEqual([
      -300, -240, -300,
    ]);
    // Half an hour of summer time.
    expect(offsetsOf('Australia/Lord_Howe', epoch(start), 30 * DAY_US).map((o) => o.minutes)).toEqual([630, 660]);
    expect(offsetText(-210)).toBe('UTC-03:30');
  });

  it('are named as the list has them', () => {
    expect(parseTimeZone('europe/berlin')).toBe('Europe/Berlin');
    expect(() => parseTimeZone('Europe/Berln')).toThrow(/expected a time zone .*; did you mean 'Europe\/Berlin'\?/);
    expect(() => parseTimeZone('+02:00')).toThrow(/expected a time zone of the IANA list/);
  });
});

describe('a scenario in a time zone', () => {
  const text = (zone: string, start: string) => `apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 28d, start: ${start}, ${zone}}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  teams: [{name: t, arrivals: {perDay: 400, pattern: diurnal, peakHour: 15, peakToTrough: 50}}]
`;
  /** Mean of the arrivals' hours of day in UTC, near the peak's: the wave is symmetric. */
  const peak = (zone: string, start: string, from: number, to: number) => {
    const { jobs } = readScenario(text(zone, start));
    let [x, y] = [0, 0];
    for (const us of jobs.submitUs) {
      if (us < from * DAY_US || us >= to * DAY_US) continue;
      const angle = (2 * Math.PI * (us % DAY_US)) / DAY_US;
      x += Math.cos(angle);
      y += Math.sin(angle);
    }
    return ((Math.atan2(y, x) / (2 * Math.PI)) * 24 + 24) % 24;
  };

  it('has the same arrivals as with the offset in force', () => {
    const june = (zone: string) => [...readScenario(text(zone, '2026-06-01')).jobs.submitUs];
    expect(june('timeZone: Europe/Berlin')).toEqual(june('utcOffset: "+02:00"'));
    expect(june('timeZone: UTC')).toEqual(june('title: x'));
  });

  it('has its peak at the same local hour before and after the clocks change', () => {
    // Two weeks of summer time, 15:00 = 13:00 UTC; then winter time, 15:00 = 14:00 UTC.
    const start = '2026-10-11T01:00:00+02:00';
    const zone = 'timeZone: Europe/Berlin';
    expect(peak(zone, '2026-10-11', 0, 14)).toBeCloseTo(13, 0);
    expect(peak(zone, '2026-10-11', 15, 28)).toBeCloseTo(14, 0);
    const scenario = readScenario(text(zone, start));
    expect(scenario.utcOffsetMinutes).toBe(120);
    expect(scenario.assumptions.join(' ')).toMatch(
      /Europe\/Berlin: UTC\+02:00 at the start, UTC\+01:00 from 2026-10-25/,
    );
  });

  it('says what is wrong', () => {
    expect(() => readScenario(text('timeZone: Mars/Base', '2026-06-01'))).toThrow(
      /:3:\d+: spec\.timeZone: found 'Mars\/Base', expected a time zone of the IANA list/,
    );
    expect(() => readScenario(text('timeZone: UTC, utcOffset: "+01:00"', '2026-06-01'))).toThrow(
      /spec\.utcOffset: found an offset beside a timeZone, expected one or the other/,
    );
  });
});
