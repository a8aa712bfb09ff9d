/** What comes with an XID: as often as published, the same for everyone, and with its own harm. */
import { expect, it } from 'vitest';
import { openStream } from '../../engine/random.ts';
import { stackNamed, TELEMETRY } from '../../policy/recovery/stacks.ts';
import { Simulation } from '../../simulate.ts';
import { seconds, smallScenario } from '../../testing.ts';
import { comesWith, FOLLOW_ONS } from './follow-ons.ts';
import { kindOfXid } from './kinds.ts';

const drawn = (xid: number, n: number) => comesWith(xid, () => openStream('1', `${n}`));

it('are XIDs of the catalogue, each with its share and its source', () => {
  for (const { after, oneOf, source } of FOLLOW_ONS) {
    for (const code of [...after, ...oneOf.map(({ xid }) => xid)]) expect(kindOfXid(code), `XID ${code}`).toBeDefined();
    const total = oneOf.reduce((sum, { share }) => sum + share, 0);
    expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThanOrEqual(1 + 1e-12);
    expect(source).toMatch(/Xid Catalog|arXiv/);
  }
});

it('come as often as they were counted: a page fault with 82 % of the PMU errors, a failed remap with 8 % of ECC errors', () => {
  const n = 4000;
  const share = (xid: number, code: number) =>
    Array.from({ length: n }, (_, i) => drawn(xid, i)).filter((codes) => codes.includes(code)).length / n;
  for (const [xid, code, expected] of [
    [122, 31, 0.82],
    [48, 63, 0.92],
    [94, 64, 0.08],
    [79, 154, 1],
    [79, 31, 0],
  ]) {
    const error = 4 * Math.sqrt((expected * (1 - expected)) / n);
    expect(Math.abs(share(xid, code) - expected), `${code} with ${xid}`).toBeLessThanOrEqual(error);
  }
});

it('do what harm they do: a PMU error ends the application only where a page fault comes with it', () => {
  const scenario = smallScenario({
    nodes: [{ pool: 0, count: 1, gpus: 8 }],
    jobs: [{ taskGpus: [8], durationUs: seconds(7200), startupUs: seconds(30) }],
    overrides: { recovery: { stack: stackNamed('runai'), telemetry: TELEMETRY.shipped, spares: [] } },
  });
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 30; seed++) {
    const simulation = new Simulation({ ...scenario, seed: String(seed) });
    simulation.injectFault(seconds(1000), 'xid-122', 0, 3);
    simulation.run();
    const run = simulation.result();
    const [row] = run.faults;
    expect(run.jobs.restarts[0], `seed ${seed}`).toBe(row.with.includes(31) ? 1 : 0);
    expect(row.xid).toBe(122);
    outcomes.add(row.with.join());
  }
  expect([...outcomes].sort()).toEqual(['', '31']);
});
