import { expect, test } from 'vitest';
import { builtin } from '../../scenarios/index.ts';
import { Recorder, Simulation } from '../simulate.ts';
import { ALLOCATED, CATEGORIES } from './ledger.ts';
import { ACTIVITIES, EVENT_KINDS, PROJECT_SERIES } from './recorder.ts';

const C = CATEGORIES.length;
const HOUR = 3.6e9;

function recorded(days: number, most?: number) {
  const scenario = builtin('fault-storm', { overrides: { durationUs: days * 24 * HOUR } });
  const recorder = new Recorder(most);
  const simulation = new Simulation(scenario, { recorder });
  simulation.run();
  return { scenario, run: simulation.result(), columns: recorder.columns(simulation.nowUs) };
}

test('who held which GPUs adds up to what the ledger has as allocated, to the unit', () => {
  const { run, columns } = recorded(2);
  const { start, end, values, count, dropped } = columns.holds;
  let held = 0n;
  for (let i = 0; i < count; i++) {
    let gpus = 0n;
    for (let rest = values[2][i]; rest !== 0; rest &= rest - 1) gpus++;
    held += gpus * BigInt(values[3][i]) * BigInt(end[i] - start[i]);
  }
  let allocated = 0n;
  for (const { category, amount } of run.entries) if (ALLOCATED.includes(category)) allocated += amount;
  expect(dropped).toBe(0);
  expect(count).toBeGreaterThan(100);
  expect(held).toBe(allocated);
});

test('sums over time are the ledger’s, by pool and by project', () => {
  const { scenario, run, columns } = recorded(2);
  const { series } = columns;
  // The last bucket may be shorter.
  const hours = (values: Float32Array) =>
    values.reduce((sum, gpus, i) => {
      const end = Math.min(run.simulatedUs, (i + 1) * series.bucketUs);
      return sum + (gpus * Math.max(0, end - i * series.bucketUs)) / HOUR;
    }, 0);
  const capacity = scenario.pools.reduce((sum, _, p) => {
    let pool = 0;
    for (let c = 0; c < C; c++) pool += hours(series.pools[p * C + c]);
    return sum + pool;
  }, 0);
  const gpus = scenario.nodes.gpus.reduce((sum, n) => sum + n, 0);
  expect(capacity).toBeCloseTo(gpus * 48, 1);
  scenario.projects.forEach((_, project) => {
    let amount = 0n;
    for (const entry of run.entries)
      if (entry.project === project && ALLOCATED.includes(entry.category)) amount += entry.amount;
    const own = hours(series.projects[project * PROJECT_SERIES.length]);
    expect(own).toBeCloseTo(Number(amount) / 7000 / HOUR, 1);
  });
});

test('a job is in one phase at a time, and holds GPUs in each', () => {
  const { scenario, columns } = recorded(2);
  const { phases, holds } = columns;
  const last = new Float64Array(scenario.jobs.count);
  const order = Array.from({ length: phases.count }, (_, i) => i).sort((a, b) => phases.start[a] - phases.start[b]);
  const inside = (job: number, us: number) => {
    for (let i = 0; i < holds.count; i++)
      if (holds.values[0][i] === job && holds.start[i] <= us && holds.end[i] >= us) return true;
    return false;
  };
  for (const i of order) {
    const job = phases.values[0][i];
    expect(phases.start[i]).toBeGreaterThanOrEqual(last[job]);
    expect(ACTIVITIES[phases.values[1][i]]).toBeDefined();
    expect(inside(job, (phases.start[i] + phases.end[i]) / 2)).toBe(true);
    last[job] = phases.end[i];
  }
});

test('every fault that struck is an event at its time', () => {
  const { run, columns } = recorded(2);
  const { events } = columns;
  const found = new Set<number>();
  for (let i = 0; i < events.count; i++) if (EVENT_KINDS[events.values[0][i]] === 'fault') found.add(events.start[i]);
  const struck = run.faults.filter(({ jobs }) => jobs > 0);
  expect(struck.length).toBeGreaterThan(3);
  for (const { timeUs } of struck) expect(found).toContain(timeUs);
});

test('a table that is full keeps the longest, and what happens is the same', () => {
  const all = recorded(1);
  const few = recorded(1, 64);
  expect(few.run.digest).toBe(all.run.digest);
  // Those that were still open at the end are there besides.
  expect(few.columns.holds.dropped).toBeGreaterThan(0);
  expect(few.columns.holds.count + few.columns.holds.dropped).toBe(all.columns.holds.count);
});
