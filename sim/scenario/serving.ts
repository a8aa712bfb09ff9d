/** Inference deployments: replicas, how many of them, and where they stand. */

import type { Efficiency, GpuShape, MeasuredTable, ModelShape, Parallelism, Precision } from './models.ts';
import type { GeneratedRequests, RequestColumns } from './requests.ts';

/** A replica on the GPUs of one pool: one deployment may come to stand on several kinds. */
export interface ReplicaVariant {
  pool: number;
  gpuModel: string;
  gpu: GpuShape;
  parallelism: Parallelism;
  /** KV blocks, and what one iteration may hold. */
  blocks: number;
  maxTokens: number;
  maxSequences: number;
  /** In place of the roofline. */
  measured?: MeasuredTable;
}

/** Replicas `0 … prefill − 1` only prefill; keys and values then go to one of the others, which decode. */
export interface Disaggregation {
  prefill: number;
  /** Of a transfer: ps for each token of the prompt, and what it takes at least, µs. */
  transferPsPerToken: number;
  latencyUs: number;
}

/** From its GPUs' being given to a replica until it answers. */
export interface ColdStart {
  /** Pull of the image where the node does not have it, µs. */
  imageUs: number;
  /** Weights, read from a store that all replicas loading at the time share, or from the node's own disk if it has them. */
  weightBytes: number;
  storeBytesPerSecond: number;
  diskBytesPerSecond: number;
  /** Compilation, graph capture; then until the endpoint is probed and registered, µs. */
  warmUpUs: number;
  registerUs: number;
}

export type Autoscaling = { min: number; max: number; tickUs: number } & (
  | {
      /** Knative's (KServe): concurrent requests a replica, over a stable and a panic window. */
      kind: 'concurrency';
      /** What a replica is meant to have, the share of it aimed at in. */
      target: number;
      stableUs: number;
      panicUs: number;
      /** Times what the replicas are meant to have that begins a panic. */
      panicFactor: number;
      maxUpFactor: number;
      maxDownFactor: number;
      /** Idle for so long before the last one goes, µs. */
      toZeroUs: number;
    }
  | {
      /** Kubernetes' HorizontalPodAutoscaler on the mean number of requests a replica. */
      kind: 'hpa';
      target: number;
      tolerance: number;
      downStabilisationUs: number;
      upPods: number;
      upFactor: number;
    }
  | {
      /** The fewest replicas that meet the targets at the rate seen, by the closed form. */
      kind: 'slo';
      /** Share of requests that are to meet them. */
      attainment: number;
      /** Times the rate seen that is planned for. */
      headroom: number;
      /** Fewer replicas must have sufficed for so long, µs. */
      downUs: number;
    }
);

/** Row of the guide's table that a deployment falls under. */
export const PLACEMENT_RULES = ['long-context', 'throughput', 'interactive', 'nvlink-group', 'preferred'] as const;
export type PlacementRule = (typeof PLACEMENT_RULES)[number];

/** How a control plane picks nodes for replicas, and when it moves them. */
export interface ServingPlacement {
  rule: PlacementRule;
  /** Pools that are acceptable, best first; nodes elsewhere are never picked. */
  pools: number[];
  /** No new replica on a node, and replicas move away from one, above this mean of the field over the window; 0..1. */
  avoidUtil: number;
  /** A node that was passed over is taken again below this. */
  clearUtil: number;
  field: UtilField;
  windowUs: number;
  /** Whether replicas that stand on a node above the threshold are moved. */
  rebalances: boolean;
}

/** `DCGM_FI_DEV_GPU_UTIL`: any kernel runs. `DCGM_FI_PROF_PIPE_TENSOR_ACTIVE`: share of the peak arithmetic done. */
export const UTIL_FIELDS = ['DCGM_FI_DEV_GPU_UTIL', 'DCGM_FI_PROF_PIPE_TENSOR_ACTIVE'] as const;
export type UtilField = (typeof UTIL_FIELDS)[number];

/** A way to place a deployment, judged by the closed form of fidelity `rate`. Times in µs. */
export interface PlacementOption extends Parallelism {
  gpuModel: string;
  precision: Precision;
  /** What carries the sums of tensor parallelism. */
  link: 'none' | 'PCIe' | 'NVLink' | 'InfiniBand';
  /** Pools of this cluster with room for a replica of it, and whether they have room for all that are needed. */
  pools: string[];
  fits: boolean;
  /** Micro-dollars per replica and hour; null = no price is known. */
  microUsd: number | null;
  /** With nobody else there: first token of the longest of 99 % of the prompts, and each token after it. */
  ttftUs: number;
  tokenUs: number;
  /** Longest prompt whose first token is in time with nobody else there, tokens; 0 = none. */
  longestPrompt: number;
  /** Fewest replicas with which 99 % of requests meet both targets in the busiest hour; 0 = no number of them does. */
  replicas: number;
}

/** Whether the targets of a deployment can be met at all, and where. */
export interface PlacementVerdict {
  /** Tokens of the longest of 99 % of the prompts; requests per second in the busiest hour. */
  promptTokens: number;
  perSecond: number;
  /** Those it may stand on in this scenario, the preferred one first. */
  here: PlacementOption[];
  /** All others, of the cluster and the catalogue, that meet the targets: the fewest GPUs first. */
  elsewhere: PlacementOption[];
  /** Where nothing does: the quickest of all. */
  quickest?: PlacementOption;
}

/** An inference deployment whose requests are simulated. */
export interface ServingSpec {
  name: string;
  /** Jobs that hold GPUs, one a replica; those beyond `replicas` wait until they are called for. */
  replicaJobs: number[];
  /** Replicas at the start. */
  replicas: number;
  /** Every request and every batch, or closed form by replica and minute. */
  fidelity: 'requests' | 'rate';
  /** In service when the simulation begins; else deployed at its start. */
  startsActive: boolean;
  /** By pool that its replicas may stand in, the preferred one first. */
  variants: ReplicaVariant[];
  model: ModelShape;
  modelName: string;
  precision: Precision;
  efficiency: Efficiency;
  blockTokens: number;
  prefixTokens: number;
  routing: 'round-robin' | 'least-outstanding' | 'reported-load' | 'prefix-aware';
  /** Prefill and decode apart; fidelity `requests` only. */
  split?: Disaggregation;
  /** Requests a replica may have before more are turned away; Infinity = no limit. */
  maxOutstanding: number;
  /** How long a replica that is to go may finish what it has, µs. */
  drainUs: number;
  coldStart: ColdStart;
  autoscaling?: Autoscaling;
  placement?: ServingPlacement;
  /** Absent where no target of a request is stated. */
  verdict?: PlacementVerdict;
  /** Targets, µs; Infinity = none. `tokensPerSecond`: of the whole deployment, 0 = none. */
  ttftUs: number;
  tokenUs: number;
  tokensPerSecond: number;
  tenants: string[];
  /** Drawn, or replayed `rate` times as fast; mixed by time. */
  requests: (GeneratedRequests | { columns: RequestColumns; rate: number })[];
}
