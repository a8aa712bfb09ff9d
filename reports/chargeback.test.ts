import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readScenario } from '../scenarios/index.ts';
import { GPU_UNITS, HOUR_US, POLICIES, simulate } from '../sim/simulate.ts';
import {
  accountsJson,
  type ChargebackRules,
  type ChargeLine,
  chargebackInput,
  chargeLines,
  readAccounts,
} from './chargeback.ts';
import { costOf } from './cost.ts';

const run = (text: string, seed?: string) =>
  simulate(readScenario(text, { policies: POLICIES, overrides: { seed } }), { keepHours: true });

const HOUR = BigInt(GPU_UNITS) * BigInt(HOUR_US);
const sum = (lines: readonly ChargeLine[], of: (line: ChargeLine) => bigint) =>
  lines.reduce((total, line) => total + of(line), 0n);
const usd = (lines: readonly ChargeLine[]) => Number(sum(lines, ({ microUsd }) => microUsd)) / 1e6;

/** Two teams deserve a GPU each of two at $4 an hour; one works on both for an hour, then nobody does. */
const TWO_TEAMS = `apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  pools: [{name: p, gpuModel: H200, nodes: 1, gpusPerNode: 2, price: $4/h}]
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: d}
spec: {projects: [{name: a, deservedGpus: 1}, {name: b, deservedGpus: 1}]}
---
apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 2h, policy: runai}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {jobs: [{id: j, project: a, gpus: 2, duration: 1h}]}
`;

const by = (lines: readonly ChargeLine[], hour: number, kind: string, project: number) =>
  usd(lines.filter((line) => line.hour === hour && line.kind === kind && line.project === project));

describe('who pays', () => {
  const input = chargebackInput(run(TWO_TEAMS));
  const [A, B] = [0, 1];

  it('lets lenders pay what the rate for borrowed hours leaves, and owners of unused quota what is idle', () => {
    const lines = chargeLines(input, { borrowedMilli: 500, idle: 'quota' });
    // First hour: A holds one GPU of its own ($4) and one of B's ($4 at half price); B pays the other half.
    expect(by(lines, 0, 'usage', A)).toBe(6);
    expect(by(lines, 0, 'lending', B)).toBe(2);
    // Second hour: both left a GPU unused.
    expect([by(lines, 1, 'idle', A), by(lines, 1, 'idle', B)]).toEqual([4, 4]);
    expect(usd(lines)).toBe(16);
  });

  it('pays lenders where borrowed hours cost more than the price', () => {
    const lines = chargeLines(input, { borrowedMilli: 1500, idle: 'quota' });
    expect([by(lines, 0, 'usage', A), by(lines, 0, 'lending', B)]).toEqual([10, -2]);
  });

  it('shares idle hours by use, or shows them apart', () => {
    // Nobody held anything in the second hour, so that use says nothing: then unused quota decides.
    const use = chargeLines(input, { borrowedMilli: 1000, idle: 'use' });
    expect([by(use, 1, 'idle', A), by(use, 1, 'idle', B)]).toEqual([4, 4]);
    const apart = chargeLines(input, { borrowedMilli: 1000, idle: 'separate' });
    expect(by(apart, 1, 'idle', -1)).toBe(8);
  });

  it('names the hours that were lent', () => {
    const lines = chargeLines(input, { borrowedMilli: 1000, idle: 'quota' });
    const lent = lines.filter(({ kind, project }) => kind === 'lending' && project === B);
    expect(sum(lent, ({ amount }) => amount)).toBe(HOUR);
  });
});

/** Teams that borrow, fail and are preempted, on two pools, in a time zone of half an hour. */
const busy = (more: { price: number; increment: string; hours: number; zone: string }) => `apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 1, price: $0.37/h}
  pools:
    - {name: p, gpuModel: H200, nodes: 2, gpusPerNode: 4, price: $${more.price}/h, billingIncrement: ${more.increment}}
    - {name: q, gpuModel: B200, nodes: 1, gpusPerNode: 4, price: $8.61/h}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: d}
spec: {projects: [{name: a, deservedGpus: 6}, {name: b, deservedGpus: 3}, {name: c, deservedGpus: 0}]}
---
apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: ${more.hours}h, policy: runai, utcOffset: '${more.zone}'}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {preset: none, processes: [{name: gpus, unit: gpu, mtbf: 40h, kinds: {xid-79: 1, xid-31: 2}}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  teams:
    - {name: a, project: a, sizes: [{gpus: 4}], arrivals: {perDay: 20}, duration: 3h, grace: 30s}
    - {name: b, project: b, class: interactive, gpuShare: 0.3, arrivals: {perDay: 40}, duration: 2h}
    - {name: c, project: c, sizes: [{gpus: 1}, {gpus: 2}], arrivals: {perDay: 30}, duration: 5h, checkpointEvery: 40m}
`;

const BUSY = { price: 5.92, increment: '0', hours: 30, zone: '+05:30' };
const RULES: fc.Arbitrary<ChargebackRules> = fc.record({
  borrowedMilli: fc.constantFrom(0, 250, 333, 1000, 1700),
  idle: fc.constantFrom('quota', 'use', 'separate'),
});

describe('the lines of a chargeback', () => {
  it('add up to the cost of the run to the micro-dollar, and to every GPU-hour that is paid for, under any rule', () => {
    const scenarios = fc.record({
      price: fc.integer({ min: 0, max: 2000 }).map((cents) => cents / 100),
      increment: fc.constantFrom('0', '1m', '1h', '7h'),
      hours: fc.integer({ min: 1, max: 16 }),
      zone: fc.constantFrom('+00:00', '+05:30', '-03:00'),
    });
    fc.assert(
      fc.property(scenarios, RULES, fc.string({ maxLength: 5 }), (given, rules, seed) => {
        const result = run(busy(given), seed);
        const lines = chargeLines(chargebackInput(result), rules);
        expect(sum(lines, ({ microUsd }) => microUsd)).toBe(BigInt(Math.round(costOf(result).total * 1e6)));
        const paid = lines.filter(({ kind }) => kind === 'usage' || kind === 'idle');
        expect(sum(paid, ({ amount }) => amount)).toBe(result.capacity);
      }),
      { numRuns: 12 },
    );
  });

  it('charge each project what the job table says that its jobs held, at the price, to the cent', () => {
    // Nothing is preempted or fails here, so that a job holds its GPUs from its first start to its end.
    const calm = `${TWO_TEAMS.replace('2h, policy: runai', '40h, policy: fifo-backfill')
      .replace('$4/h', '$7.13/h')
      .replace(
        /spec: {jobs.*/,
        'spec:\n  teams: [{name: a, sizes: [{gpus: 1}, {gpus: 2}], arrivals: {perDay: 20}, duration: {exponential: {mean: 1h}}}, {name: b, arrivals: {perDay: 9}, duration: 2h}]',
      )}`;
    const result = run(calm);
    const lines = chargeLines(chargebackInput(result), { borrowedMilli: 1000, idle: 'quota' });
    const { scenario, jobs, simulatedUs } = result;
    scenario.projects.forEach((_, project) => {
      let gpuUs = 0;
      for (let job = 0; job < scenario.jobs.count; job++) {
        if (scenario.jobs.project[job] !== project || jobs.firstStartUs[job] < 0) continue;
        const end = jobs.endUs[job] < 0 ? simulatedUs : jobs.endUs[job];
        gpuUs += scenario.jobs.taskGpus[scenario.jobs.taskStart[job]] * (end - jobs.firstStartUs[job]);
      }
      expect(gpuUs).toBeGreaterThan(10 * HOUR_US);
      const held = lines.filter((line) => line.kind === 'usage' && line.project === project);
      expect(usd(held)).toBeCloseTo((gpuUs / HOUR_US) * 7.13, 2);
    });
  });

  it('are final: a longer run tells the same of every hour that the shorter one had closed', () => {
    const rules: ChargebackRules = { borrowedMilli: 333, idle: 'quota' };
    const told = (hours: number) => chargeLines(chargebackInput(run(busy({ ...BUSY, hours }))), rules);
    const [short, long] = [told(20), told(30)];
    // The first hour ends after 30 minutes, the last is open.
    const closed = (lines: ChargeLine[]) => lines.filter(({ hour }) => hour < 20);
    expect(closed(long)).toEqual(closed(short));
    expect(closed(short).length).toBeGreaterThan(50);
  });

  it('book work found to be lost as an adjustment in the hour in which it is found', () => {
    const text = `${TWO_TEAMS.replace('2h, policy: runai', '6h, policy: runai').replace(
      'duration: 1h}',
      'duration: 5h}',
    )}---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {preset: none, trace: [{at: 2h30m, node: p-0, gpu: 0, kind: xid-31}]}
`;
    const lines = chargeLines(chargebackInput(run(text)), { borrowedMilli: 1000, idle: 'quota' });
    const productive = (hour: number) =>
      lines.filter((line) => line.hour === hour && line.category === 'productive').map(({ amount }) => amount);
    expect(productive(0)).toEqual([HOUR, HOUR]);
    // Half an hour of work before the fault, what was done again after it, less all 2.5 h that were lost.
    for (const amount of productive(2)) expect(amount).toBeLessThan(-HOUR);
    const lost = lines.filter(({ category }) => category === 'lost');
    expect(lost.map(({ hour }) => hour)).toEqual([2, 2]);
    expect(sum(lost, ({ amount }) => amount)).toBe(5n * HOUR);
  });

  it('share fixed costs where there are no GPUs at all', () => {
    const empty = busy(BUSY).replace(/pools:[\s\S]*?---/, 'pools: [{name: login, nodes: 1, price: $0/h}]\n---');
    const result = run(
      empty.replace(/deservedGpus: \d/g, 'deservedGpus: 0').replace(/teams:[\s\S]*/, 'jobs: [{project: a, gpus: 0}]\n'),
    );
    expect(result.capacity).toBe(0n);
    expect(usd(chargeLines(chargebackInput(result), { borrowedMilli: 1000, idle: 'quota' }))).toBeCloseTo(
      costOf(result).total,
      6,
    );
  });

  it('come out the same from accounts.json', () => {
    const input = chargebackInput(run(busy({ ...BUSY, hours: 5 })));
    expect(readAccounts(accountsJson(input))).toMatchObject(input);
    expect(() => readAccounts('{"format": "other"}')).toThrow(
      'accounts.json: found format "other", expected simsup-acc',
    );
    expect(() => readAccounts('nothing')).toThrow('found no JSON');
  });
});
