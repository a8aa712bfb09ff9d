/**
 * The same replica, iteration by iteration, written for plainness: the model that replica.ts is tested against.
 * Times are picoseconds in big integers, sequences are objects, blocks are counted anew at every iteration.
 */
import type { CostModel, Efficiency, GpuShape, Line, ModelShape } from './cost.ts';

// A small model on a GPU of round figures.

export const TEST_MODEL: ModelShape = {
  layers: 32,
  hidden: 4096,
  heads: 32,
  kvHeads: 8,
  headDim: 128,
  kvValues: 2 * 32 * 8 * 128,
  denseParams: 6.979e9,
  headParams: 0.525e9,
};

export const TEST_GPU: GpuShape = {
  hbmBytesPerSecond: 3.35e12,
  flops: { fp16: 989e12, fp8: 1979e12, fp4: null },
  linkBytesPerSecond: 450e9,
};

export const TEST_EFFICIENCY: Efficiency = {
  mfu: { fp16: 0.55, fp8: 0.55, fp4: 0.35 },
  halfTokens: 64,
  attentionMfu: 0.5,
  mbu: [0.85, 0.82, 0.76, 0.67],
  linkShare: 0.65,
  allReduceSeconds: 12e-6,
  layerSeconds: 17e-6,
  activationBytes: 72,
  activationSplit: 2 / 3,
  hostSeconds: 1e-3,
  sequenceSeconds: 10e-6,
};

export interface SteppedRequest {
  arrivalUs: number;
  prompt: number;
  output: number;
  hashes: readonly number[] | null;
}

export interface SteppedSettings {
  cost: CostModel;
  blockTokens: number;
  blocks: number;
  maxTokens: number;
  maxSequences: number;
  chunkedPrefill: boolean;
  reserveOutput: boolean;
  prefixTokens: number;
}

export interface SteppedResult {
  firstPs: bigint;
  donePs: bigint;
  preemptions: number;
  hitTokens: number;
}

interface Sequence {
  id: number;
  request: SteppedRequest;
  generated: number;
  /** Tokens to prefill, of which `stored` are in the cache. */
  target: number;
  stored: number;
  decoding: boolean;
  held: number[];
}

interface Entry {
  hash: number;
  holders: number;
  /** When the last holder left, in the order of such events. */
  left: number;
}

/** Results by request, in the order given, which is that of arrival. */
export function stepReplica(requests: readonly SteppedRequest[], s: SteppedSettings): SteppedResult[] {
  const results: SteppedResult[] = requests.map(() => ({ firstPs: -1n, donePs: -1n, preemptions: 0, hitTokens: -1 }));
  const perEntry = s.prefixTokens / s.blockTokens;
  let line: Sequence[] = [];
  let running: Sequence[] = [];
  let entries: Entry[] = [];
  let departures = 0;
  let next = 0;
  let now = 0n;
  const cost: Line = { a: 0, b: 0, until: 0 };

  const blocksOf = (tokens: number) => Math.ceil(tokens / s.blockTokens);
  const ownBlocks = (q: Sequence) => blocksOf(q.decoding ? q.stored : q.target) - q.held.length * perEntry;
  const usedBlocks = () => running.reduce((sum, q) => sum + ownBlocks(q), 0) + entries.length * perEntry;
  const find = (hash: number) => entries.find((e) => e.hash === hash);
  const idle = () => entries.filter((e) => e.holders === 0);
  const available = () => s.blocks - usedBlocks() + idle().length * perEntry;
  /** Idle entries go, the one that was left first before the others, until so many blocks are free. */
  const makeRoom = (blocks: number) => {
    while (s.blocks - usedBlocks() < blocks) {
      const oldest = idle().sort((x, y) => x.left - y.left)[0];
      if (oldest === undefined) throw new Error('the stepping model took blocks that are not there');
      entries = entries.filter((e) => e !== oldest);
    }
  };
  const letGo = (q: Sequence) => {
    for (const hash of [...q.held].reverse()) {
      const entry = find(hash) as Entry;
      entry.holders--;
      if (entry.holders === 0) entry.left = departures++;
    }
    q.held = [];
  };
  const wholeHashes = (q: Sequence) => {
    if (q.request.hashes === null || s.prefixTokens === 0) return [];
    return q.request.hashes.slice(0, Math.floor(q.request.prompt / s.prefixTokens));
  };
  const hitsOf = (q: Sequence) => {
    const hits: number[] = [];
    for (const hash of wholeHashes(q)) {
      if (find(hash) === undefined || (hits.length + 1) * s.prefixTokens > q.target - 1) break;
      hits.push(hash);
    }
    return hits;
  };

  for (;;) {
    for (; next < requests.length && BigInt(requests[next].arrivalUs) * 1_000_000n <= now; next++) {
      const request = requests[next];
      line.push({ id: next, request, generated: 0, target: request.prompt, stored: 0, decoding: false, held: [] });
    }
    const decoding = () => running.filter((q) => q.decoding);
    const needed = () => decoding().filter((q) => q.stored % s.blockTokens === 0).length;
    let lostPlace = false;
    while (needed() > available()) {
      const victim = running.pop() as Sequence;
      results[victim.id].preemptions++;
      letGo(victim);
      victim.target = victim.request.prompt + victim.generated;
      victim.stored = 0;
      victim.decoding = false;
      line.unshift(victim);
      lostPlace = true;
    }
    const batch = decoding();
    const reserved = needed();
    let budget = s.chunkedPrefill ? s.maxTokens - batch.length : s.maxTokens;
    const chunks: { q: Sequence; tokens: number }[] = [];
    const partial = running.find((q) => !q.decoding);
    if (partial !== undefined && budget > 0)
      chunks.push({ q: partial, tokens: Math.min(budget, partial.target - partial.stored) });
    budget -= chunks[0]?.tokens ?? 0;
    while (!lostPlace && budget > 0 && line.length > 0 && running.length < s.maxSequences) {
      const q = line[0];
      const hits = hitsOf(q);
      const heldByNobody = hits.filter((hash) => (find(hash) as Entry).holders === 0).length;
      const own = blocksOf(q.target) - hits.length * perEntry;
      if (own + heldByNobody * perEntry > available() - reserved) break;
      const promised = [...running, q].reduce((sum, { request: r }) => sum + blocksOf(r.prompt + r.output - 1), 0);
      if (s.reserveOutput && promised > s.blocks) break;
      const rest = q.target - hits.length * s.prefixTokens;
      if (!s.chunkedPrefill && rest > budget && chunks.length > 0) break;
      line = line.slice(1);
      for (const hash of hits) (find(hash) as Entry).holders++;
      makeRoom(own);
      q.held = hits;
      q.stored = hits.length * s.prefixTokens;
      if (results[q.id].hitTokens < 0) results[q.id].hitTokens = q.stored;
      running.push(q);
      const tokens = s.chunkedPrefill ? Math.min(budget, rest) : rest;
      chunks.push({ q, tokens });
      budget -= tokens;
    }
    if (chunks.length === 0 && batch.length === 0) {
      if (next >= requests.length) return results;
      now = BigInt(requests[next].arrivalUs) * 1_000_000n;
      continue;
    }

    const decode = s.chunkedPrefill || chunks.length === 0 ? batch : [];
    const context = decode.reduce((sum, q) => sum + q.stored, 0);
    if (chunks.length > 0) {
      const work = chunks.reduce((sum, { q, tokens }) => sum + s.cost.chunk(q.stored, tokens), 0);
      const tokens = chunks.reduce((sum, c) => sum + c.tokens, 0);
      now += BigInt(s.cost.mixed(decode.length, context, tokens, chunks.length, work));
    } else {
      s.cost.decode(decode.length, context, cost);
      now += BigInt(cost.a) + BigInt(cost.b) * BigInt(context);
    }
    makeRoom(decode.filter((q) => q.stored % s.blockTokens === 0).length);
    const finish = (q: Sequence) => {
      letGo(q);
      running = running.filter((other) => other !== q);
      results[q.id].donePs = now;
    };
    for (const q of decode) {
      q.stored++;
      q.generated++;
    }
    for (const q of decode) if (q.generated === q.request.output) finish(q);
    for (const { q, tokens } of chunks) {
      q.stored += tokens;
      if (q.stored < q.target) continue;
      for (const hash of wholeHashes(q).slice(q.held.length)) {
        const entry = find(hash);
        if (entry !== undefined) entry.holders++;
        else entries.push({ hash, holders: 1, left: 0 });
        q.held.push(hash);
      }
      q.decoding = true;
      if (q.generated++ === 0) results[q.id].firstPs = now;
      if (q.generated === q.request.output) finish(q);
    }
  }
}
