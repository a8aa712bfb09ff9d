import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Deployment, serve } from './serve.ts';
import { type Arrivals, generated, mixed, type RequestColumns, replayed } from './world/serving/arrivals.ts';
import { measured, roofline } from './world/serving/cost.ts';
import { TEST_EFFICIENCY, TEST_GPU, TEST_MODEL } from './world/serving/testing.ts';

const deployment: Deployment = {
  name: 'test',
  replica: {
    cost: roofline(TEST_MODEL, TEST_GPU, 'fp8', { tensor: 1, pipeline: 1 }, TEST_EFFICIENCY),
    ...{ blockTokens: 16, blocks: 4000, maxTokens: 2048, maxSequences: 256, prefixTokens: 512 },
    ...{ chunkedPrefill: true, reserveOutput: false },
  },
  replicas: 3,
  gpusPerReplica: 1,
  routing: 'least-outstanding',
  telemetryUs: 0,
  slo: { ttftUs: 200_000, tokenUs: 50_000 },
  priceMicroUsd: 2_000_000,
  maxOutstanding: Infinity,
};

const poisson = (perSecond: number, count: number, tenant = 0): Arrivals =>
  generated(
    {
      process: { kind: 'poisson', perSecond },
      ...{ prompt: { median: 300, sigma: 0.8, max: 4000 }, output: { median: 80, sigma: 0.8, max: 600 } },
      ...{ tenant, untilUs: Infinity, count },
    },
    'seed',
    `tenant-${tenant}`,
  );

describe('serve', () => {
  it('answers every request once, the same each time', () => {
    const run = () => serve(deployment, mixed([poisson(10, 800, 0), poisson(5, 400, 1)]), { sampleEvery: 1 });
    const [one, two] = [run(), run()];
    expect(one.digest).toBe(two.digest);
    // A literal: a platform that computes one bit of it otherwise shows here.
    expect(one.digest).toMatchInlineSnapshot(`"8fe709097b0aa71f"`);
    const { record, traces } = one;
    expect(record.completed).toBe(1200);
    expect(new Set(traces.map((t) => t.number)).size).toBe(1200);
    expect(record.outputTokens).toBe(traces.reduce((sum, t) => sum + t.output, 0));
    expect(Array.from(record.tenants.values.slice(0, 2))).toEqual([800, 400]);
    for (const t of traces) {
      expect(t.admittedUs).toBeGreaterThanOrEqual(t.arrivalUs);
      expect(t.firstTokenUs).toBeGreaterThan(t.admittedUs);
      expect(t.doneUs).toBeGreaterThanOrEqual(t.firstTokenUs);
    }
    const missed = Object.values(record.causes).reduce((sum, n) => sum + n, 0);
    expect(record.attained + missed).toBe(1200);
    // As many events as changes: each request arrives and ends.
    expect(one.events).toBeLessThanOrEqual(1.5 * 2 * 1200);
  });

  it('routes: fewest outstanding beats taking turns under bursts; a cached prefix draws its requests', () => {
    const bursts = () =>
      generated(
        {
          process: { kind: 'gamma', perSecond: 25, cv: 4 },
          ...{ prompt: { median: 300, sigma: 1, max: 4000 }, output: { median: 150, sigma: 1, max: 1000 } },
          ...{ tenant: 0, untilUs: Infinity, count: 2000 },
        },
        'bursts',
        'x',
      );
    const mean = (routing: Deployment['routing'], telemetryUs = 0) =>
      serve({ ...deployment, routing, telemetryUs }, bursts()).record.e2e.mean;
    expect(mean('least-outstanding')).toBeLessThan(mean('round-robin'));
    // What replicas reported ten seconds ago is worth less than what the router counts itself.
    expect(mean('least-outstanding')).toBeLessThan(mean('reported-load', 10_000_000));
    const n = 300;
    const columns: RequestColumns = {
      count: n,
      timeUs: Float64Array.from({ length: n }, (_, i) => i * 100_000),
      prompt: new Int32Array(n).fill(1600),
      output: new Int32Array(n).fill(20),
      tenant: new Int32Array(n),
      hashes: new Map(Array.from({ length: n }, (_, i) => [i, [10 * (i % 7), 10 * (i % 7) + 1, 10 * (i % 7) + 2]])),
    };
    const cached = (routing: Deployment['routing']) =>
      serve({ ...deployment, routing }, replayed(columns)).record.cachedTokens;
    expect(cached('prefix-aware')).toBe((n - 7) * 1536);
    expect(cached('round-robin')).toBeLessThan(cached('prefix-aware'));
  });

  it('turns away what is too much or too long', () => {
    const { record } = serve({ ...deployment, maxOutstanding: 4 }, poisson(200, 500));
    expect(record.shed).toBeGreaterThan(0);
    expect(record.shed + record.completed).toBe(500);
    const small = { ...deployment, replica: { ...deployment.replica, blocks: 20 } };
    const tight = serve(small, poisson(1, 200)).record;
    expect(tight.refused).toBeGreaterThan(0);
    expect(tight.refused + tight.completed).toBe(200);
  });

  it('says why targets were missed: cold start, a fault', () => {
    const cold = serve({ ...deployment, readyUs: [5_000_000, 5_000_000, 5_000_000] }, poisson(5, 100)).record;
    expect(cold.causes['cold-start']).toBeGreaterThan(10);
    const faulty = serve(
      { ...deployment, faults: [0, 1, 2].map((replica) => ({ replica, atUs: 10_000_000, backUs: 15_000_000 })) },
      poisson(20, 600),
    ).record;
    expect(faulty.completed).toBe(600);
    expect(faulty.causes.fault).toBeGreaterThan(50);
    expect(faulty.causes['cold-start']).toBe(0);
  });

  it('prefills on some replicas and decodes on others', () => {
    const disaggregated = { prefill: 1, transferPsPerToken: 100_000, latencyUs: 500 };
    const { record, traces } = serve({ ...deployment, disaggregated }, poisson(10, 500), { sampleEvery: 1 });
    expect(record.completed).toBe(500);
    expect(record.outputTokens).toBe(traces.reduce((sum, t) => sum + t.output, 0));
    expect(traces.every((t) => (t.output === 1) === (t.doneUs === t.firstTokenUs))).toBe(true);
    expect(new Set(traces.filter((t) => t.output > 1).map((t) => t.replica))).toEqual(new Set([1, 2]));
    expect(() => serve({ ...deployment, disaggregated: { ...disaggregated, prefill: 3 } }, poisson(1, 1))).toThrow(
      'one must be left',
    );
  });

  it('keeps as many requests going as there are users in a closed loop', () => {
    const { traces } = serve(deployment, poisson(1, 200), { closedLoop: [0, 0, 0, 0, 0], sampleEvery: 1 });
    const edges = traces.flatMap((t) => [
      { us: t.arrivalUs, change: 1 },
      { us: t.doneUs, change: -1 },
    ]);
    edges.sort((x, y) => x.us - y.us || x.change - y.change);
    let present = 0;
    let most = 0;
    for (const { change } of edges) {
      present += change;
      most = Math.max(most, present);
    }
    expect(most).toBe(5);
    expect(traces.length).toBe(200);
  });
});

/** Six straight lines of context: a decoding sequence passes from one to the next without an event. */
const table = measured({
  batches: [1, 4, 16],
  contexts: [0, 64, 256, 1024, 2048, 4096],
  decodeMs: [
    [5, 5.5, 9, 12, 15, 20],
    [6, 7.1, 14, 20, 25, 30],
    [9, 13, 40.3, 60, 70, 80],
  ],
  prefillTokens: [16, 200],
  prefillMs: [3, 20],
});

describe('events', () => {
  const any = fc.record({
    cost: fc.constantFrom(deployment.replica.cost, table),
    replicas: fc.integer({ min: 1, max: 4 }),
    routing: fc.constantFrom('round-robin' as const, 'least-outstanding' as const),
    // From one that is always short of KV blocks to one that never is.
    blocks: fc.constantFrom(600, 900, 1500, 4000, 40_000),
    // Prompts of up to 9,000 tokens: up to 18 iterations of the smallest.
    maxTokens: fc.constantFrom(512, 2048, 8192),
    maxSequences: fc.constantFrom(1, 4, 256),
    chunkedPrefill: fc.boolean(),
    reserveOutput: fc.boolean(),
    perSecond: fc.constantFrom(0.2, 3, 30, 300),
    cv: fc.constantFrom(1, 3),
    prompt: fc.constantFrom(100, 800, 3000),
    output: fc.constantFrom(2, 30, 150, 400),
    seed: fc.nat(1e6),
  });

  it('are at most 1.5 for each arrival, completion and loss of KV blocks, whatever is served and how', () => {
    fc.assert(
      fc.property(any, (one) => {
        const { replicas, routing, perSecond, cv, prompt, output, seed, ...replica } = one;
        const requests = generated(
          {
            process: { kind: 'gamma', perSecond, cv },
            ...{ prompt: { median: prompt, sigma: 0.8, max: 9000 }, output: { median: output, sigma: 0.8, max: 600 } },
            ...{ tenant: 0, untilUs: Infinity, count: 150 },
          },
          String(seed),
          'requests',
        );
        const run = serve(
          { ...deployment, replicas, routing, replica: { ...deployment.replica, ...replica, prefixTokens: 0 } },
          requests,
        );
        const { requests: came, completed } = run.record;
        // Who loses its blocks comes to the line a second time: a loss and an arrival.
        expect(run.events).toBeLessThanOrEqual(1.5 * (came + completed + 2 * run.preemptions));
      }),
      { numRuns: 150 },
    );
  });
});
