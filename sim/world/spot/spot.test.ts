import { describe, expect, it } from 'vitest';
import { exp } from '../../engine/math.ts';
import { openStream } from '../../engine/random.ts';
import { HOUR_US, type SpotSpec } from '../../scenario.ts';
import { Simulation, type TraceRow } from '../../simulate.ts';
import { seconds, smallScenario } from '../../testing.ts';
import { timeToReclaim } from './spot.ts';

const spec = (given: Partial<SpotSpec> = {}): SpotSpec => ({
  noticeUs: seconds(120),
  meanUs: 10 * HOUR_US,
  byAge: [{ fromUs: 0, factor: 1 }],
  maxAgeUs: Infinity,
  byHour: new Array(24).fill(1),
  batchShare: 0.2,
  batchWindowUs: seconds(180),
  returnMeanUs: HOUR_US,
  ...given,
});

function spotScenario(given: { policy?: string; spot?: Partial<SpotSpec>; saves?: boolean; hours?: number } = {}) {
  return smallScenario({
    nodes: [
      { pool: 0, count: 6, gpus: 8 },
      { pool: 1, count: 2, gpus: 8 },
    ],
    policy: given.policy,
    deserved: [-1, -1],
    jobs: Array.from({ length: 40 }, (_, i) => ({
      durationUs: seconds(4000 + 977 * i),
      submitUs: seconds(1500 * i),
      taskGpus: i % 3 === 0 ? [8, 8] : [4],
      checkpointEveryUs: seconds(900),
      checkpointStallUs: seconds(30),
      checkpointOnPreempt: given.saves ?? true,
      restoreUs: seconds(60),
    })),
    overrides: { spot: [spec(given.spot), null], durationUs: (given.hours ?? 100) * HOUR_US },
  });
}

/** What became of the nodes, and when. */
function reclaims(scenario: ReturnType<typeof spotScenario>): string[] {
  const rows: string[] = [];
  const simulation = new Simulation(scenario, {
    trace: ({ timeUs, event, node, reason }: TraceRow) => {
      if (event === 'node' || event === 'notice') rows.push(`${timeUs} ${event} ${node} ${reason}`);
    },
  });
  simulation.run();
  simulation.result();
  return rows;
}

describe('spot capacity', () => {
  it('is taken and returned alike whatever the policy', () => {
    const rows = reclaims(spotScenario({ policy: 'fifo' }));
    expect(rows.length).toBeGreaterThan(50);
    expect(reclaims(spotScenario({ policy: 'sjf' }))).toEqual(rows);
  });

  it('keeps the ledger exact, and ends as a fork of it does', () => {
    const simulation = new Simulation(spotScenario());
    simulation.run(30 * HOUR_US);
    const fork = simulation.fork();
    simulation.run();
    fork.run();
    const r = simulation.result();
    expect(fork.result().digest).toBe(r.digest);
    const sum = (category: string, pool: number) =>
      r.entries.filter((e) => e.category === category && e.pool === pool).reduce((s, e) => s + Number(e.amount), 0);
    expect(sum('reclaimed', 0)).toBeGreaterThan(0);
    expect(sum('reclaimed', 1)).toBe(0);
  });

  it('loses nothing to the notice where saving takes less, and work where it takes more', () => {
    const lost = (noticeUs: number) => {
      const simulation = new Simulation(spotScenario({ spot: { noticeUs } }));
      simulation.run();
      return simulation.result().entries.reduce((s, e) => s + (e.category === 'lost' ? Number(e.amount) : 0), 0);
    };
    expect(lost(seconds(120))).toBe(0);
    // A checkpoint stalls for 30 s.
    expect(lost(seconds(10))).toBeGreaterThan(0);
  });

  it('goes in batches, at the stated rate all the same', () => {
    const rate = (batchShare: number) => {
      const rows = reclaims(spotScenario({ hours: 3000, spot: { batchShare, returnMeanUs: seconds(60) } }));
      return rows.filter((row) => row.includes(' notice ')).length;
    };
    // 6 nodes × 3,000 h ÷ 10 h, less the minutes away; four standard errors of batches of up to three.
    const expected = 1800;
    expect(Math.abs(rate(0) - expected)).toBeLessThan(4 * Math.sqrt(expected));
    expect(Math.abs(rate(0.4) - expected)).toBeLessThan(4 * Math.sqrt(3 * expected));
  });
});

describe('timeToReclaim', () => {
  const times = (given: Partial<SpotSpec>, local = 0) => {
    const stream = openStream('test', 'spot');
    return Array.from({ length: 4000 }, () => timeToReclaim(spec(given), 10 * HOUR_US, local, stream) / HOUR_US);
  };

  it('is exponential where nothing else is said', () => {
    const all = times({});
    const mean = all.reduce((a, b) => a + b) / all.length;
    expect(Math.abs(mean - 10)).toBeLessThan((4 * 10) / Math.sqrt(all.length));
  });

  it('is a bathtub that ends at a day', () => {
    const byAge = [
      { fromUs: 0, factor: 3 },
      { fromUs: 3 * HOUR_US, factor: 1 },
      { fromUs: 21 * HOUR_US, factor: 5 },
    ];
    const all = times({ byAge, maxAgeUs: 24 * HOUR_US });
    const alive = (h: number) => all.filter((t) => t >= h).length / all.length;
    // e^(−3·3/10), then e^(−18/10) of those, then e^(−15/10) of those.
    const near = (got: number, p: number) =>
      expect(Math.abs(got - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / 4000));
    near(alive(3), exp(-0.9));
    near(alive(21), exp(-2.7));
    near(alive(24), exp(-4.2));
    expect(Math.max(...all)).toBe(24);
  });

  it('follows the clock on the wall', () => {
    const byHour = Array.from({ length: 24 }, (_, h) => (h >= 9 && h < 17 ? 4 : 0.01));
    const all = times({ byHour }, 8 * HOUR_US);
    const inOfficeHours = all.filter((t) => (t + 8) % 24 >= 9 && (t + 8) % 24 < 17).length / all.length;
    expect(inOfficeHours).toBeGreaterThan(0.98);
  });
});
