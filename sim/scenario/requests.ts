/** Requests to a deployment: how they come, how long they are, what became of them. */

/** Tokens of a prompt or an output. */
export type RequestLength =
  | number
  /** Lognormal; `sigma` is of the logarithm. */
  | { median: number; sigma: number; max: number }
  /** Equally spaced quantiles, straight lines between them. */
  | { quantiles: readonly number[] };

/** What decides when requests come. Rates are per second, means over the whole time. */
export type RequestProcess =
  | { kind: 'poisson'; perSecond: number }
  /** Gaps are gamma distributed with this coefficient of variation; above 1 they come in bursts. */
  | { kind: 'gamma'; perSecond: number; cv: number }
  | {
      kind: 'diurnal';
      perSecond: number;
      amplitude: number;
      peakHour: number;
      weekendFactor: number;
      startEpochUs: number;
    };

export interface GeneratedRequests {
  process: RequestProcess;
  prompt: RequestLength;
  output: RequestLength;
  tenant: number;
  /** No request comes at or after this, µs. */
  untilUs: number;
  /** At most so many; Infinity = no limit. */
  count: number;
}

/** Requests known beforehand, as columns in the order of time. */
export interface RequestColumns {
  count: number;
  timeUs: Float64Array;
  prompt: Int32Array;
  output: Int32Array;
  tenant: Int32Array;
  /** Sparse. */
  hashes: Map<number, readonly number[]>;
}

/** Targets of a deployment, µs; Infinity = none. */
export interface Slo {
  ttftUs: number;
  /** Time to generate a token, after the first. */
  tokenUs: number;
}

/** Why a request missed its target; the first that applies. */
export const CAUSES = [
  'fault',
  'preempted',
  'cold-start',
  'kv-pressure',
  'stale-telemetry',
  'queue',
  'prefill',
  'batch',
] as const;
export type Cause = (typeof CAUSES)[number];

/** One request's life, µs. */
export interface RequestTrace {
  number: number;
  tenant: number;
  replica: number;
  prompt: number;
  output: number;
  cachedTokens: number;
  arrivalUs: number;
  admittedUs: number;
  firstTokenUs: number;
  doneUs: number;
  preemptions: number;
  /** Undefined where the target was met. */
  missed?: Cause;
}
