/** What is assumed of a deployment that does not say: how it starts, who uses it, how it is scaled. Each with its source. */
import { type Autoscaling, type ColdStart, MINUTE_US, SECOND_US } from '../../sim/scenario.ts';

/**
 * Cold start. Image: 30–60 s for 2–5 GB where a node lacks it (kunwar.page, ch. 52: a secondary source). Weights: streamed
 * from an IO2 volume 15 GB take 7.53 s (NVIDIA developer blog, Run:ai Model Streamer), 2 GB/s; from a node's own disk
 * 140 GB take 30–60 s (kunwar.page). Compilation with a warm cache: 5–20 s (Baseten's documentation). A readiness probe
 * comes every 10 s (Kubernetes' default), so an endpoint is registered that late at most.
 */
export const COLD_START: Omit<ColdStart, 'weightBytes'> = {
  imageUs: 45 * SECOND_US,
  storeBytesPerSecond: 2e9,
  diskBytesPerSecond: 3e9,
  warmUpUs: 12 * SECOND_US,
  registerUs: 10 * SECOND_US,
};

/** A replica that is told to go finishes what it has for so long: Kubernetes' grace of 30 s ends few long answers, so ten times. */
export const DRAIN_US = 5 * MINUTE_US;

/** What a replica that is preempted is given: Kubernetes' terminationGracePeriodSeconds. */
export const TERMINATION_US = 30 * SECOND_US;

/**
 * Who uses a deployment for which no requests are stated. Lengths: 5 % quantiles of Azure's conversation trace (2023,
 * 19,366 requests). Day: the busiest hour of Azure's week of conversations has 3.3 times the load of the quietest
 * (DynamoLLM, arXiv 2408.00741); its hour (15:00) is assumed.
 */
export const DEFAULT_LOAD = {
  prompts: [
    2, 181, 207, 372, 387, 396, 403, 414, 703, 984, 1020, 1045, 1071, 1097, 1130, 1189, 1315, 1876, 2734, 4083, 14_050,
  ],
  outputs: [7, 41, 54, 67, 77, 85, 91, 96, 103, 113, 129, 151, 177, 217, 384, 395, 400, 411, 424, 451, 1000],
  meanOutput: 211,
  peakToTrough: 3.3,
  peakHour: 15,
  /** Requests per second and replica where no throughput is promised: an assumption. */
  perSecondPerReplica: 1,
  source: 'lengths of Azure’s conversation trace of 2023, day as in DynamoLLM (arXiv 2408.00741)',
};

/** More requests than this are not simulated one by one unless a deployment asks for it. */
export const MOST_DRAWN_REQUESTS = 300_000;

/** Controllers' own defaults; `target` as Knative's 100 concurrent requests × 70 %. */
export function autoscalingDefaults(kind: Autoscaling['kind'], min: number, max: number, target?: number): Autoscaling {
  switch (kind) {
    // knative/serving config/core/configmaps/autoscaler.yaml
    case 'concurrency':
      return {
        ...{ kind, min, max, tickUs: 2 * SECOND_US, target: 0.7 * (target ?? 100) },
        ...{ stableUs: 60 * SECOND_US, panicUs: 6 * SECOND_US, panicFactor: 2 },
        ...{ maxUpFactor: 1000, maxDownFactor: 2, toZeroUs: 30 * SECOND_US },
      };
    // kubernetes.io, Horizontal Pod Autoscaling
    case 'hpa':
      return {
        ...{ kind, min: Math.max(1, min), max, tickUs: 15 * SECOND_US, target: target ?? 70, tolerance: 0.1 },
        ...{ downStabilisationUs: 300 * SECOND_US, upPods: 4, upFactor: 2 },
      };
    // ai-dynamo planner: a loop of 180 s. Headroom and the time before it shrinks are assumptions.
    case 'slo':
      return {
        ...{ kind, min: Math.max(1, min), max, tickUs: 180 * SECOND_US, attainment: 0.99 },
        ...{ headroom: 1.2, downUs: 15 * MINUTE_US },
      };
  }
}

/** Window over which utilisation is averaged, and how far it must fall before a node is taken again: assumptions. */
export const PLACEMENT_WINDOW_US = MINUTE_US;
export const PLACEMENT_HYSTERESIS = 0.1;
