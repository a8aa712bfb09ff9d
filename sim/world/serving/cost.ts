/**
 * How long one iteration of a serving engine takes, in integer picoseconds.
 *
 * Roofline: matrix products take the longer of their arithmetic and of reading the weights; decode attention reads the
 * keys and values of every live token; prefill attention computes; tensor parallelism adds two all-reduces a layer
 * (kipply, Transformer Inference Arithmetic; arXiv 2402.16363). A measured table can stand in its place.
 */
import { exp, log1p } from '../../engine/math.ts';
import type { Efficiency, GpuShape, MeasuredTable, ModelShape, Parallelism, Precision } from '../../scenario.ts';

export type { Efficiency, GpuShape, MeasuredTable, ModelShape, Parallelism, Precision } from '../../scenario.ts';

export const PS_PER_SECOND = 1e12;
export const PS_PER_US = 1_000_000;

/** Bytes of a weight. NVFP4 has one FP8 scale for every 16 values beside its 4 bits. */
export const WEIGHT_BYTES: Record<Precision, number> = { fp16: 2, fp8: 1, fp4: 0.5625 };
/** Keys and values have 8 bits where the weights have at most 8. */
export const KV_BYTES: Record<Precision, number> = { fp16: 2, fp8: 1, fp4: 1 };

/** Time of an iteration of a fixed batch: `a + b × live tokens`, as long as there are fewer than `until` of these. */
export interface Line {
  a: number;
  b: number;
  until: number;
}

/** All times in picoseconds, whole numbers. */
export interface CostModel {
  /** Fills in the line of an iteration that decodes `batch` sequences, which hold `context` tokens at its start. */
  decode(batch: number, context: number, line: Line): void;
  /** What prefilling `tokens` tokens after the first `offset` of a prompt adds to its iteration's matrix products. */
  chunk(offset: number, tokens: number): number;
  /** An iteration that decodes `batch` sequences and prefills `tokens` tokens of `prompts` prompts; `chunks` = Σ `chunk`. */
  mixed(batch: number, context: number, tokens: number, prompts: number, chunks: number): number;
}

const ps = (seconds: number) => Math.round(seconds * PS_PER_SECOND);

/** Distinct share of experts that `tokens` tokens hit if each chooses at random: 1 − (1 − k/E)^n. */
export function distinctExperts(chosen: number, count: number, tokens: number): number {
  return chosen >= count ? 1 : 1 - exp(tokens * log1p(-chosen / count));
}

/** Bytes of keys and values of one token. */
export const kvBytesPerToken = (model: ModelShape, precision: Precision): number =>
  model.kvValues * KV_BYTES[precision];

/** `mbu` at the next degree it was measured at. */
const mbuOf = (e: Efficiency, tensor: number) => e.mbu[tensor <= 1 ? 0 : tensor <= 2 ? 1 : tensor <= 4 ? 2 : 3];

export function roofline(
  model: ModelShape,
  gpu: GpuShape,
  precision: Precision,
  { tensor, pipeline }: Parallelism,
  e: Efficiency,
): CostModel {
  const flops = gpu.flops[precision];
  const halfFlops = gpu.flops.fp16;
  if (flops === null || halfFlops === null) throw new Error(`this GPU computes no ${precision}`);
  const bandwidth = tensor * gpu.hbmBytesPerSecond * mbuOf(e, tensor);
  const arithmetic = tensor * flops * e.mfu[precision];
  const { experts, layers, hidden } = model;
  const expertParams = experts === undefined ? 0 : experts.layers * experts.paramsEach;

  const divided = 1 - e.activationSplit + e.activationSplit / tensor;
  const activation = (e.activationBytes * hidden * layers * divided) / gpu.hbmBytesPerSecond;
  const products = (tokens: number) => {
    const active = model.denseParams + (experts === undefined ? 0 : expertParams * experts.chosen);
    const read =
      model.denseParams +
      (experts === undefined
        ? 0
        : expertParams * experts.count * distinctExperts(experts.chosen, experts.count, tokens));
    const multiply = (2 * active * (tokens + e.halfTokens)) / arithmetic;
    return Math.max(multiply, (read * WEIGHT_BYTES[precision]) / bandwidth) + tokens * activation;
  };
  const ring = (2 * (tensor - 1)) / tensor / (e.linkShare * gpu.linkBytesPerSecond);
  const communication = (tokens: number) =>
    tensor === 1 ? 0 : 2 * layers * (e.allReduceSeconds + ring * tokens * hidden * 2);
  const constant = e.hostSeconds + layers * e.layerSeconds + (pipeline - 1) * e.allReduceSeconds;
  const head = (sequences: number) =>
    Math.max(
      (2 * model.headParams * sequences) / (tensor * halfFlops * e.mfu.fp16),
      (2 * model.headParams) / bandwidth,
    );
  // A pipeline of P stages works on P parts of the batch at a time: a round takes as long as the whole model takes for
  // one part. A prompt enters it in P parts, of which the first and the last see an empty pipeline.
  const part = (n: number) => Math.ceil(n / pipeline);
  const fill = 2 - 1 / pipeline;

  const table = (f: (n: number) => number) => {
    let known = new Float64Array(0);
    return (n: number): number => {
      if (n >= known.length) {
        const wider = new Float64Array(Math.max(64, n + 1, Math.min(2 * n, 1 << 16))).fill(-1);
        wider.set(known);
        known = wider;
      }
      if (known[n] < 0) known[n] = f(n);
      return known[n];
    };
  };
  const decodeBase = table((batch) =>
    ps(constant + batch * e.sequenceSeconds + products(part(batch)) + communication(part(batch)) + head(part(batch))),
  );
  const mixedTokens = table((tokens) => ps(fill * (products(part(tokens)) + communication(part(tokens)))));
  const mixedSequences = table((sequences) => ps(constant + sequences * e.sequenceSeconds + head(part(sequences))));
  const copies = Math.max(1, tensor / model.kvHeads);
  const perToken = Math.max(1, Math.round(ps((copies * kvBytesPerToken(model, precision)) / bandwidth) / pipeline));
  const attention =
    ((4 * model.heads * model.headDim * layers) / (tensor * halfFlops * e.attentionMfu)) *
    PS_PER_SECOND *
    (fill / pipeline);
  return {
    decode(batch, _context, line) {
      line.a = decodeBase(batch);
      line.b = perToken;
      line.until = Infinity;
    },
    // Token i of a prompt attends to i + 1 tokens; over a chunk these add up to n · (offset + (n + 1)/2).
    chunk: (offset, tokens) => Math.round(attention * tokens * (offset + (tokens + 1) / 2)),
    mixed: (batch, context, tokens, prompts, chunks) =>
      mixedTokens(batch + tokens) + mixedSequences(batch + prompts) + perToken * context + chunks,
  };
}

export function measured(table: MeasuredTable): CostModel {
  const problem = tableProblem(table);
  if (problem !== null)
    throw new Error(`${problem.part} of a measured table: found ${problem.found}, expected ${problem.expected}`);
  const { batches, contexts, decodeMs } = table;
  const rows = new Map<number, Float64Array>();
  const rowOf = (batch: number): Float64Array => {
    let row = rows.get(batch);
    if (row === undefined) {
      row = Float64Array.from(contexts, (_, c) =>
        Math.max(
          1,
          ps(
            interpolate(
              batches,
              decodeMs.map((r) => r[c]),
              Math.max(batch, batches[0]),
            ) / 1000,
          ),
        ),
      );
      rows.set(batch, row);
    }
    return row;
  };
  const decode = (batch: number, context: number, line: Line) => {
    const row = rowOf(batch);
    let cell = 0;
    while (cell < contexts.length - 2 && context >= contexts[cell + 1] * batch) cell++;
    const [from, to] = [contexts[cell] * batch, contexts[Math.min(cell + 1, contexts.length - 1)] * batch];
    line.b = to > from ? Math.max(0, Math.round((row[cell + 1] - row[cell]) / (to - from))) : 0;
    line.a = Math.max(1, row[cell] - line.b * from);
    line.until = cell < contexts.length - 2 ? to : Infinity;
  };
  const prompt = (tokens: number) =>
    tokens === 0
      ? 0
      : Math.max(0, ps(interpolate([0, ...table.prefillTokens], [0, ...table.prefillMs], tokens) / 1000));
  const line = { a: 0, b: 0, until: 0 };
  return {
    decode,
    chunk: (offset, tokens) => prompt(offset + tokens) - prompt(offset),
    mixed(batch, context, _tokens, _prompts, chunks) {
      if (batch === 0) return Math.max(1, chunks);
      decode(batch, context, line);
      return line.a + line.b * context + chunks;
    },
  };
}

/** What is wrong with a table, and in which part of it; null = nothing. */
export function tableProblem(t: MeasuredTable): { part: keyof MeasuredTable; found: string; expected: string } | null {
  for (const part of ['batches', 'contexts', 'prefillTokens'] as const) {
    const values = t[part];
    if (values.length === 0) return { part, found: 'nothing', expected: 'at least one point that was measured' };
    for (let i = 0; i < values.length; i++)
      if (!(values[i] >= 0 && values[i] < Infinity) || (i > 0 && values[i] <= values[i - 1]))
        return {
          part,
          found: i === 0 ? `${values[i]}` : `${values[i]} after ${values[i - 1]}`,
          expected: 'rising numbers',
        };
  }
  const { batches, contexts, decodeMs, prefillTokens, prefillMs } = t;
  if (decodeMs.length !== batches.length)
    return {
      part: 'decodeMs',
      found: `${decodeMs.length} rows`,
      expected: `one for each of ${batches.length} batches`,
    };
  const odd = decodeMs.findIndex((row) => row.length !== contexts.length);
  if (odd >= 0) {
    const found = `${decodeMs[odd].length} times for a batch of ${batches[odd]}`;
    return { part: 'decodeMs', found, expected: `one for each of ${contexts.length} contexts` };
  }
  if (prefillMs.length !== prefillTokens.length) {
    const expected = `one for each of ${prefillTokens.length} lengths of prompt`;
    return { part: 'prefillMs', found: `${prefillMs.length} times`, expected };
  }
  const shorter = prefillMs.findIndex((ms, i) => i > 0 && ms < prefillMs[i - 1]);
  if (shorter > 0) {
    const found = `${prefillMs[shorter]} ms for more tokens than took ${prefillMs[shorter - 1]} ms`;
    return { part: 'prefillMs', found, expected: 'times that do not fall' };
  }
  for (const [part, times] of [['decodeMs', decodeMs.flat()] as const, ['prefillMs', prefillMs] as const]) {
    const wrong = times.find((ms) => !(ms >= 0 && ms < 1e6));
    if (wrong !== undefined) return { part, found: `${wrong} ms`, expected: 'from 0 to 1,000,000 ms' };
  }
  return null;
}

function interpolate(xs: readonly number[], ys: readonly number[], x: number): number {
  if (xs.length === 1) return ys[0];
  let i = 0;
  while (i < xs.length - 2 && x >= xs[i + 1]) i++;
  return ys[i] + ((ys[i + 1] - ys[i]) * (x - xs[i])) / (xs[i + 1] - xs[i]);
}
