import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Engine } from '../../engine/engine.ts';
import type { FileSystemSpec } from '../../scenario.ts';
import { Storage, type Transfer } from './storage.ts';

const GB = 1e9;
const S = 1_000_000;

function fileSystem(given: Partial<FileSystemSpec> = {}): FileSystemSpec {
  return {
    name: 'scratch',
    readBytesPerSecond: 40 * GB,
    writeBytesPerSecond: 20 * GB,
    nodeReadBytesPerSecond: 8 * GB,
    nodeWriteBytesPerSecond: 4 * GB,
    farBytesPerSecond: Infinity,
    capacityBytes: Infinity,
    retentionUs: 0,
    ...given,
  };
}

function world(specs = [fileSystem()]) {
  const engine = new Engine();
  const storage = new Storage(specs, engine);
  const landed: [number, number][] = [];
  storage.onLanded = ({ job }) => landed.push([job, engine.now]);
  return { engine, storage, landed };
}

const transfer = (job: number, bytes: number, nodes: number, more: Partial<Transfer> = {}): Transfer => ({
  fileSystem: 0,
  direction: 'write',
  bytes,
  nodes,
  sharedNodes: [],
  far: false,
  job,
  purpose: 0,
  ...more,
});

describe('Storage', () => {
  it('moves a lone transfer at the tighter of what its nodes and the file system can', () => {
    const { engine, storage, landed } = world();
    // 2 nodes × 4 GB/s = 8 GB/s; 32 nodes could do 128 GB/s but the system takes 20.
    storage.start(transfer(0, 80 * GB, 2));
    engine.run(Infinity);
    storage.start(transfer(1, 400 * GB, 32));
    engine.run(Infinity);
    expect(landed).toEqual([
      [0, 10 * S],
      [1, 30 * S],
    ]);
    expect(storage.aloneUs(transfer(0, 80 * GB, 2))).toBe(10 * S);
  });

  it('makes a storm of checkpoints slow for all, and fast again as they land', () => {
    const { engine, storage, landed } = world();
    // 10 jobs of one node: 4 GB/s each alone, 2 GB/s together.
    for (let job = 0; job < 9; job++) storage.start(transfer(job, 20 * GB, 1));
    storage.start(transfer(9, 40 * GB, 1));
    engine.run(Infinity);
    expect(landed.slice(0, 9).every(([, at]) => at === 10 * S)).toBe(true);
    // Then the last one has 20 GB left at 4 GB/s.
    expect(landed[9]).toEqual([9, 15 * S]);
    const [, write] = storage.report();
    expect(write).toMatchObject({ mostFlows: 10, fullUs: 10 * S, busyUs: 15 * S, landedBytes: BigInt(220 * GB) });
  });

  it('keeps reads and writes apart, and lets jobs on one node share what the node gets', () => {
    const { engine, storage, landed } = world();
    storage.start(transfer(0, 40 * GB, 1, { sharedNodes: [7] }));
    storage.start(transfer(1, 40 * GB, 1, { sharedNodes: [7] }));
    storage.start(transfer(2, 80 * GB, 1, { sharedNodes: [7], direction: 'read' }));
    engine.run(Infinity);
    expect(landed).toEqual([
      [2, 10 * S],
      [0, 20 * S],
      [1, 20 * S],
    ]);
  });

  it('sends far transfers over the narrow way', () => {
    const { engine, storage, landed } = world([fileSystem({ farBytesPerSecond: GB })]);
    storage.start(transfer(0, 10 * GB, 1, { far: true }));
    storage.start(transfer(1, 10 * GB, 1));
    engine.run(Infinity);
    expect(landed).toEqual([
      [1, 2.5 * S],
      [0, 10 * S],
    ]);
  });

  it('holds transfers up while the file system is down or slow', () => {
    const { engine, storage, landed } = world();
    storage.start(transfer(0, 40 * GB, 1));
    engine.run(4 * S);
    engine.now = 4 * S;
    storage.setDown(0, true);
    expect(storage.inProgress()[0]).toMatchObject({ leftBytes: 24 * GB, bytesPerSecond: 0 });
    engine.now = 100 * S;
    storage.setDown(0, false);
    storage.setBandwidth(0, 'write', 2 * GB);
    engine.run(Infinity);
    expect(landed).toEqual([[0, 112 * S]]);
    expect(storage.nominalBandwidth(0, 'write')).toBe(20 * GB);
  });

  it('refuses what does not fit', () => {
    const { storage } = world([fileSystem({ capacityBytes: 100 })]);
    expect(storage.reserve(0, 60)).toBe(true);
    expect(storage.reserve(0, 41)).toBe(false);
    storage.remove(0, 20);
    expect(storage.reserve(0, 60)).toBe(true);
    expect(storage.mostUsedBytes(0)).toBe(100n);
  });

  it('loses no byte, whatever starts, breaks off and changes, and goes on from a snapshot to the same end', () => {
    const step = fc.record({
      wait: fc.nat(3_000_000),
      bytes: fc.integer({ min: 1, max: 5e12 }),
      nodes: fc.integer({ min: 1, max: 40 }),
      node: fc.nat(4),
      write: fc.boolean(),
      does: fc.constantFrom('start', 'start', 'start', 'break', 'slow', 'down'),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 25 }), fc.nat(), (steps, cut) => {
        const run = (forkAt: number) => {
          let { engine, storage, landed } = world();
          const sizes = new Map<number, number>();
          steps.forEach(({ wait, bytes, nodes, node, write, does }, i) => {
            engine.run(engine.now + wait);
            engine.now += 1;
            if (i === forkAt) {
              const next = world();
              next.engine.restore(structuredClone(engine.snapshot()));
              next.storage.restore(storage.snapshot());
              next.landed.push(...landed);
              ({ engine, storage, landed } = next);
            }
            const direction = write ? 'write' : 'read';
            if (does === 'start') {
              sizes.set(i, bytes);
              storage.start(transfer(i, bytes, nodes, { direction, sharedNodes: nodes === 1 ? [node] : [] }));
            } else if (does === 'break') {
              const [first] = storage.inProgress();
              if (first !== undefined && storage.breakOff(first.job)) sizes.delete(first.job);
            } else if (does === 'slow') storage.setBandwidth(0, direction, GB * (1 + node));
            else storage.setDown(0, write);
          });
          storage.setDown(0, false);
          engine.run(Infinity);
          return { landed, sizes, report: storage.report(), digest: engine.digest.hex() };
        };
        const { landed, sizes, report, digest } = run(-1);
        expect(new Set(landed.map(([job]) => job))).toEqual(new Set(sizes.keys()));
        expect(landed.length).toBe(sizes.size);
        const sum = [...sizes.values()].reduce((a, b) => a + BigInt(b), 0n);
        expect(report.reduce((a, c) => a + c.landedBytes, 0n)).toBe(sum);
        const forked = run(cut % steps.length);
        expect(forked.digest).toBe(digest);
        expect(forked.report).toEqual(report);
      }),
      { numRuns: 60 },
    );
  });
});
