import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CostModel, measured, roofline } from './cost.ts';
import { Replica, type ReplicaListener, type ReplicaSettings } from './replica.ts';
import { Requests } from './requests.ts';
import { type SteppedRequest, stepReplica, TEST_EFFICIENCY, TEST_GPU, TEST_MODEL } from './testing.ts';

const tensor2 = roofline(TEST_MODEL, TEST_GPU, 'fp8', { tensor: 2, pipeline: 1 }, TEST_EFFICIENCY);
const pipeline2 = roofline(TEST_MODEL, TEST_GPU, 'fp16', { tensor: 1, pipeline: 2 }, TEST_EFFICIENCY);
const table = measured({
  batches: [1, 4, 16],
  contexts: [0, 64, 256],
  decodeMs: [
    [5, 5.5, 9],
    [6, 7.1, 14],
    [9, 13, 40.3],
  ],
  prefillTokens: [16, 200],
  prefillMs: [3, 20],
});
const COSTS: Record<string, CostModel> = { tensor2, pipeline2, table };

interface Outcome {
  firstUs: number;
  doneUs: number;
  preemptions: number;
  hitTokens: number;
}

/** Drives one replica with these requests and checks at each arrival that no KV block is lost. */
function drive(requests: readonly SteppedRequest[], settings: ReplicaSettings) {
  const out: Outcome[] = requests.map(() => ({ firstUs: -1, doneUs: -1, preemptions: 0, hitTokens: 0 }));
  const slots = new Requests();
  let tokens = 0;
  let gaps = 0;
  const listener: ReplicaListener = {
    firstToken(slot, us) {
      out[slots.number[slot]].firstUs = us;
      tokens++;
    },
    finished(slot, us) {
      const one = out[slots.number[slot]];
      one.doneUs = us;
      one.preemptions = slots.preemptions[slot];
      one.hitTokens = slots.hitTokens[slot];
      slots.remove(slot);
    },
    decoded(_from, _to, iterations, batch) {
      tokens += iterations * batch;
    },
    resumed() {
      tokens++;
      gaps++;
    },
  };
  const replica = new Replica(settings, slots, listener);
  const conserved = () =>
    replica.kv.free +
    replica.privateBlocks() +
    (replica.kv.cache.entries * settings.prefixTokens) / settings.blockTokens;
  for (const [i, { arrivalUs, prompt, output, hashes }] of requests.entries()) {
    replica.advance(arrivalUs);
    const slot = slots.add(arrivalUs, prompt, output, 0, hashes);
    slots.number[slot] = i;
    replica.receive(slot, arrivalUs);
    expect(replica.kv.free).toBeGreaterThanOrEqual(0);
  }
  replica.advance(Infinity);
  expect(conserved()).toBe(settings.blocks);
  expect(replica.outstanding).toBe(0);
  expect(slots.live).toBe(0);
  return { out, replica, tokens, gaps };
}

const request = fc.record({
  gapUs: fc.oneof(fc.constant(0), fc.nat(3000), fc.nat(200_000)),
  prompt: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 300 })),
  output: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 150 })),
  conversation: fc.nat(3),
  shared: fc.nat(5),
});

const arbitrary = fc.record({
  cost: fc.constantFrom(...Object.keys(COSTS)),
  requests: fc.array(request, { minLength: 1, maxLength: 25 }),
  // Beyond what the largest request needs, so that every one can be served alone.
  spareBlocks: fc.oneof(fc.nat(6), fc.nat(30), fc.nat(2000)),
  blockTokens: fc.constantFrom(4, 5, 16),
  maxTokens: fc.constantFrom(8, 33, 128, 512),
  maxSequences: fc.constantFrom(1, 2, 5, 100),
  chunkedPrefill: fc.boolean(),
  reserveOutput: fc.boolean(),
  prefix: fc.constantFrom(0, 1, 2),
});

describe('a replica that plans many iterations at once', () => {
  it('gives what stepping each iteration gives, to the picosecond rounded up', () => {
    let preempted = 0;
    let hit = 0;
    fc.assert(
      fc.property(arbitrary, ({ cost, requests, spareBlocks, blockTokens, prefix, ...rest }) => {
        const prefixTokens = prefix * 2 * blockTokens;
        let arrivalUs = 0;
        const given: SteppedRequest[] = requests.map(({ gapUs, prompt, output, conversation, shared }, i) => {
          arrivalUs += gapUs;
          // The first hashes of one conversation are the same in all its requests, the rest are its own.
          const hashes = Array.from({ length: 80 }, (_, j) =>
            j < shared ? 100 * conversation + j : 1000 * (i + 1) + j,
          );
          return { arrivalUs, prompt, output, hashes: prefix === 0 ? null : hashes };
        });
        const most = Math.max(...given.map(({ prompt, output }) => prompt + output - 1));
        const blocks = Math.ceil(most / blockTokens) + spareBlocks;
        const settings = { cost: COSTS[cost], blocks, blockTokens, prefixTokens, ...rest };
        const { out, tokens } = drive(given, settings);
        const stepped = stepReplica(given, settings);
        if (rest.reserveOutput) expect(stepped.every(({ preemptions }) => preemptions === 0)).toBe(true);
        preempted += stepped.filter(({ preemptions }) => preemptions > 0).length;
        hit += stepped.filter(({ hitTokens }) => hitTokens > 0).length;
        const ceil = (ps: bigint) => Number((ps + 999_999n) / 1_000_000n);
        expect(out).toEqual(
          stepped.map(({ firstPs, donePs, preemptions, hitTokens }) => ({
            firstUs: ceil(firstPs),
            doneUs: ceil(donePs),
            preemptions,
            hitTokens,
          })),
        );
        // Tokens: what was asked for, each once.
        expect(tokens).toBe(given.reduce((sum, { output }) => sum + output, 0));
      }),
      { numRuns: 400 },
    );
    // The cases reach what is hard.
    expect(preempted).toBeGreaterThan(0);
    expect(hit).toBeGreaterThan(0);
  });

  it('takes one plan for the decodes between two changes', () => {
    const settings = {
      cost: tensor2,
      blocks: 10_000,
      blockTokens: 16,
      maxTokens: 2048,
      maxSequences: 64,
      chunkedPrefill: true,
      reserveOutput: false,
      prefixTokens: 0,
    };
    const { replica } = drive([{ arrivalUs: 0, prompt: 100, output: 5001, hashes: null }], settings);
    expect(replica.iterations).toBe(5001);
    expect(replica.plans).toBe(2);
  });

  it('gives up its requests and forgets everything when it fails', () => {
    const slots = new Requests();
    const done: number[] = [];
    const replica = new Replica(
      {
        cost: tensor2,
        blocks: 100,
        blockTokens: 16,
        maxTokens: 64,
        maxSequences: 2,
        chunkedPrefill: true,
        reserveOutput: false,
        prefixTokens: 32,
      },
      slots,
      { firstToken() {}, decoded() {}, resumed() {}, finished: (slot) => done.push(slots.prompt[slot]) },
    );
    for (const prompt of [90, 70, 50]) replica.receive(slots.add(0, prompt, 30, 0, [prompt, prompt + 1]), 0);
    replica.advance(60_000);
    const lost = replica.fail(200_000);
    expect(lost.map((slot) => slots.prompt[slot])).toEqual([90, 70, 50]);
    expect([replica.kv.free, replica.outstanding, replica.batch.size, replica.nextUs]).toEqual([100, 0, 0, Infinity]);
    for (const slot of lost) replica.receive(slot, 100_000);
    expect(replica.nextUs).toBe(200_000);
    replica.advance(Infinity);
    expect(done.sort((x, y) => x - y)).toEqual([50, 70, 90]);
  });

  it('refuses settings that cannot be', () => {
    const settings = {
      cost: tensor2,
      blocks: 0,
      blockTokens: 16,
      maxTokens: 64,
      maxSequences: 2,
      chunkedPrefill: true,
      reserveOutput: false,
      prefixTokens: 0,
    };
    const none = { firstToken() {}, decoded() {}, resumed() {}, finished() {} };
    expect(() => new Replica(settings, new Requests(), none)).toThrow('blocks of a replica must be a whole number');
    expect(() => new Replica({ ...settings, blocks: 9, prefixTokens: 20 }, new Requests(), none)).toThrow(
      'no multiple',
    );
  });
});
