/** What makes a replica what it is, and what it tells while it works. */
import type { BlockSettings } from './blocks.ts';
import type { CostModel } from './cost.ts';

export interface ReplicaSettings extends BlockSettings {
  cost: CostModel;
  /** Tokens (decodes count one) and sequences of an iteration. */
  maxTokens: number;
  maxSequences: number;
  /** Prompts are cut to what the running decodes leave of an iteration; without it whole prompts hold up the decodes. */
  chunkedPrefill: boolean;
  /**
   * Whether a request is admitted only if its output will fit too, as TensorRT-LLM's scheduler does unless told
   * otherwise (GUARANTEED_NO_EVICT); vLLM admits by the prompt and preempts when blocks run out.
   */
  reserveOutput: boolean;
}

/** What a replica tells while it advances. Times in µs, rounded up from picoseconds. */
export interface ReplicaListener {
  firstToken(slot: number, us: number): void;
  /** All tokens are out; the slot is the listener's again. */
  finished(slot: number, us: number): void;
  /**
   * `iterations` iterations from `fromUs` to `toUs` gave a token to each of `batch` sequences: the first after
   * `firstPs`, each next one `growthPs` later than its predecessor took.
   */
  decoded(
    fromUs: number,
    toUs: number,
    iterations: number,
    batch: number,
    firstPs: number,
    growthPs: number,
    prompts: number,
  ): void;
  /** A sequence that had lost its place has its next token, so long after the one before. */
  resumed(slot: number, gapUs: number): void;
}
