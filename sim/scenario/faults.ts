/** What breaks, how often, and what repairs it. */

/** What candidate faults are drawn for. `nvlink`: an NVLink or switch domain; `network`: a rack's leaf switch, or all. */
export const FAULT_UNITS = ['gpu', 'nvlink', 'node', 'rack', 'storage', 'network'] as const;
export type FaultUnit = (typeof FAULT_UNITS)[number];

/** How the times between a unit's candidate faults are distributed about their mean. */
export type Hazard =
  | { type: 'exponential' }
  | { type: 'weibull'; shape: number }
  /** `sigma`: standard deviation of the logarithm. */
  | { type: 'lognormal'; sigma: number }
  /** Gaps as recorded, each as likely as the others, stretched so that their mean is the unit's. */
  | { type: 'recorded'; gapsUs: number[] }
  /** Exponential, but more often while a unit is young and when it is old. */
  | { type: 'bathtub'; infantFactor: number; infantUs: number; wearOutFactor: number; wearOutAfterUs: number };

/** A source of faults, the same for every unit of its kind. */
export interface FaultProcess {
  name: string;
  unit: FaultUnit;
  /** Pools whose units it strikes; absent = all. */
  pools?: number[];
  /** Mean time between candidates of one unit that is no lemon, µs. */
  meanUs: number;
  hazard: Hazard;
  /** What it is, by weight: kinds are those of the catalogue (sim/world/faults/kinds.ts), `cause` is for reports. */
  mix: { kind: string; cause: string; weight: number }[];
  /** With this probability a candidate is followed by `count` more on other units of the same group, `withinUs`. */
  burst?: { probability: number; count: number; withinUs: number; among: 'rack' | 'nvlinkDomain' | 'cluster' };
}

/** A time that is drawn: lognormal by its median and the standard deviation of its logarithm, µs. */
export interface DrawnTime {
  medianUs: number;
  sigma: number;
}

/** What repairs a node, step by step: each step that fails is tried again, then the next one up is taken. */
export interface RepairSettings {
  gpuReset: DrawnTime & { success: number };
  reboot: DrawnTime & { success: number };
  service: DrawnTime & { success: number };
  /** Replacement of hardware: triangular, µs. */
  rma: { leastUs: number; likeliestUs: number; mostUs: number };
  /** Tries beyond the first of each step. */
  retries: number;
  /** Two faults of one kind within this time skip a step, µs; 0 = never. */
  repeatWithinUs: number;
  /** People who can serve nodes at the same time; 0 = as many as needed. */
  crews: number;
  /** Health check before a node returns, µs; after service; after hardware was replaced (image and burn-in), µs. */
  checkUs: number;
  serviceCheckUs: number;
  burnInUs: number;
}

/** A fault that is told instead of drawn. */
export interface ListedFault {
  atUs: number;
  kind: string;
  scope: FaultUnit;
  /** Name of what it strikes, its nodes, and the GPU of the first of them that is meant. */
  unit: string;
  nodes: readonly number[];
  gpu: number;
  /** Pools to which the unit's nodes belong; absent = all. */
  pools?: readonly number[];
  /** Of the run that it was recorded in, for reports; else `listed` and ''. */
  process: string;
  cause: string;
  /** Chooses among the jobs there, [0, 1). */
  choice: number;
  /** Name of the random stream for what follows from it, such as how long a repair takes; absent = one of its own. */
  stream?: string;
}

export interface FaultSettings {
  processes: FaultProcess[];
  /** Faults that are told instead of drawn, by time. */
  listed: ListedFault[];
  /** So many of the nodes are lemons, at so many times the rate of the others. */
  lemons: { share: number; factor: number };
  /** Spread of GPUs' own rates: standard deviation of the logarithm of a lognormal with mean 1. */
  gpuSpread: number;
  /** Age of all nodes at the start, µs. */
  ageUs: number;
  /** Silent corruption: the share that is ever found, and after how long. */
  corruption: DrawnTime & { found: number };
  repair: RepairSettings;
}
