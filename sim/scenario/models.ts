/** A language model and a GPU, as far as the speed of serving depends on them. */

export type Precision = 'fp16' | 'fp8' | 'fp4';
/** A transformer, as far as its speed depends on it. */
export interface ModelShape {
  layers: number;
  hidden: number;
  heads: number;
  /** Beyond so many GPUs tensor parallelism copies keys and values instead of dividing them. */
  kvHeads: number;
  headDim: number;
  /** Values (of keys and values together) that one token leaves in the cache, over all layers. */
  kvValues: number;
  /** Parameters multiplied for every token, without experts, input embedding and output head. */
  denseParams: number;
  /** Output head: vocabulary × hidden; kept at 16 bits. */
  headParams: number;
  /** `count` experts in each of `layers` layers, of which a token uses `chosen`. */
  experts?: { layers: number; count: number; chosen: number; paramsEach: number };
}

/** One GPU, by its sheet. FLOP/s are dense; `null` = the format does not exist on it. */
export interface GpuShape {
  hbmBytesPerSecond: number;
  flops: Record<Precision, number | null>;
  /** NVLink (or PCIe) of one GPU, one way, bytes per second. */
  linkBytesPerSecond: number;
}

/** What of the sheet is reached, each as measured by somebody; see `scenarios/catalogue/serving.ts` for the values. */
export interface Efficiency {
  /** Share of the dense peak that the largest matrix products reach. */
  mfu: Record<Precision, number>;
  /** Tokens at which a matrix product reaches half of that: small ones leave multiprocessors idle. */
  halfTokens: number;
  /** Of prefill attention, which computes at 16 bits. */
  attentionMfu: number;
  /** Share of memory bandwidth, by tensor-parallel degree 1, 2, 4, 8 and more. */
  mbu: readonly [number, number, number, number];
  /** Of one-way link bandwidth, in an all-reduce; and what one all-reduce takes at least, seconds. */
  linkShare: number;
  allReduceSeconds: number;
  /** Norms, rotary embedding, activations: per layer, seconds; and bytes moved per token, layer and unit of width. */
  layerSeconds: number;
  activationBytes: number;
  /** Of these, the share that tensor parallelism divides. */
  activationSplit: number;
  /** The host's share of an iteration, and of each running sequence in it (sampling, detokenising), seconds. */
  hostSeconds: number;
  sequenceSeconds: number;
}

/** Times somebody measured. Between the points straight lines, beyond the last the same slope. */
export interface MeasuredTable {
  /** Rising. */
  batches: readonly number[];
  /** Tokens of context a sequence, rising. */
  contexts: readonly number[];
  /** Milliseconds of a decode iteration, `decodeMs[batch][context]`. */
  decodeMs: readonly (readonly number[])[];
  /** Milliseconds of the prefill of a prompt of so many tokens, both rising. */
  prefillTokens: readonly number[];
  prefillMs: readonly number[];
}

export interface Parallelism {
  tensor: number;
  pipeline: number;
}
