import { describe, expect, it } from 'vitest';
import { builtin } from '../scenarios/builtin/index.ts';
import { ALLOCATED, HOUR_US, Simulation, type TraceRow } from '../sim/simulate.ts';
import { perfettoWriter } from './perfetto.ts';

interface TraceEvent {
  ph: string;
  name: string;
  pid: number;
  tid?: number;
  ts?: number;
  dur?: number;
  id?: number;
  args: Record<string, unknown>;
}

function traced(name: string, durationUs: number) {
  const scenario = builtin(name, { overrides: { durationUs } });
  const writer = perfettoWriter(scenario);
  let text = writer.begin();
  const simulation = new Simulation(scenario, {
    trace: (row: TraceRow) => {
      text += writer.row(row);
    },
  });
  simulation.run();
  text += writer.end(simulation.nowUs);
  const { traceEvents } = JSON.parse(text) as { traceEvents: TraceEvent[] };
  return { events: traceEvents, scenario, simulation };
}

/** `0-3,7` → 5. */
const countOf = (gpus: unknown) =>
  String(gpus)
    .split(',')
    .reduce((sum, part) => {
      const [from, to = from] = part.split('-').map(Number);
      return sum + to - from + 1;
    }, 0);

describe.each(['mission-control', 'fault-storm'])('%s for Perfetto', (name) => {
  const { events, scenario, simulation } = traced(name, 36 * HOUR_US);
  const slices = events.filter(({ ph }) => ph === 'X');

  it('names a process for every node and a track for every slice', () => {
    const processes = events.filter(({ ph, name }) => ph === 'M' && name === 'process_name');
    expect(processes.map(({ args }) => args.name)).toEqual(['queue', ...scenario.nodes.names]);
    const tracks = new Set(events.filter(({ name }) => name === 'thread_name').map(({ pid, tid }) => `${pid} ${tid}`));
    expect(slices.length).toBeGreaterThan(20);
    for (const { pid, tid } of slices) expect(tracks).toContain(`${pid} ${tid}`);
  });

  it('no two slices of a track overlap', () => {
    const tracks = new Map<string, TraceEvent[]>();
    for (const slice of slices) {
      const key = `${slice.pid} ${slice.tid}`;
      tracks.set(key, [...(tracks.get(key) ?? []), slice]);
    }
    for (const list of tracks.values()) {
      list.sort((a, b) => Number(a.ts) - Number(b.ts));
      for (let i = 1; i < list.length; i++)
        expect(Number(list[i].ts)).toBeGreaterThanOrEqual(Number(list[i - 1].ts) + Number(list[i - 1].dur));
    }
  });

  it('the slices of whole GPUs add up to what the ledger has as allocated', () => {
    const shared = new Set(scenario.jobs.ids.filter((_, job) => scenario.jobs.shareMilli[job] !== 1000));
    const drawn = slices
      .filter((slice) => !shared.has(slice.name))
      .reduce((sum, { dur, args }) => sum + BigInt(Number(dur)) * BigInt(countOf(args.gpus)), 0n);
    const parts = slices
      .filter((slice) => shared.has(slice.name))
      .reduce((sum, slice) => {
        const job = scenario.jobs.ids.indexOf(slice.name);
        const units = BigInt(scenario.jobs.shareMilli[job] * 7);
        return sum + BigInt(Number(slice.dur)) * BigInt(countOf(slice.args.gpus)) * units;
      }, 0n);
    const booked = simulation
      .result()
      .entries.filter(({ category }) => ALLOCATED.includes(category))
      .reduce((sum, { amount }) => sum + amount, 0n);
    expect(drawn * 7000n + parts).toBe(booked);
  });

  it('everybody who begins to wait ends it, and the counter says how many do', () => {
    const open = new Map<number, number>();
    let waiting = 0;
    for (const { ph, id, ts, args } of events) {
      if (ph === 'b') {
        expect(open.has(Number(id))).toBe(false);
        open.set(Number(id), Number(ts));
        waiting++;
      } else if (ph === 'e') {
        expect(Number(ts)).toBeGreaterThanOrEqual(open.get(Number(id)) ?? Infinity);
        open.delete(Number(id));
        waiting--;
      } else if (ph === 'C') expect(args.jobs).toBe(waiting);
    }
    expect(open.size).toBe(0);
  });

  it('times ascend within what is marked, and are whole µs from 0 to the end', () => {
    for (const { ts, dur } of events.filter((event) => event.ts !== undefined)) {
      expect(Number.isInteger(ts) && Number.isInteger(dur ?? 0)).toBe(true);
      expect(Number(ts) + (dur ?? 0)).toBeLessThanOrEqual(simulation.nowUs);
    }
  });
});

it('faults are marked on their nodes', () => {
  const { events, scenario } = traced('fault-storm', 24 * HOUR_US);
  const faults = events.filter(({ ph, name }) => ph === 'i' && name.startsWith('fault'));
  expect(faults.length).toBeGreaterThan(0);
  for (const { pid } of faults) expect(pid).toBeLessThanOrEqual(scenario.nodes.count);
});
