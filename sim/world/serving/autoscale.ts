/**
 * How many replicas there should be. Each controller is asked at its own ticks with what it would see, keeps what it
 * remembers as plain data, and gives the number it wants; the caller bounds it and makes it so.
 *
 * `concurrency`: Knative's pod autoscaler (config-autoscaler's defaults). `hpa`: Kubernetes' HorizontalPodAutoscaler v2.
 * `slo`: a planner as Dynamo's: the fewest replicas that meet the targets at the rate seen.
 */
import type { Autoscaling } from '../../scenario.ts';

/** What a controller sees. */
export interface Seen {
  nowUs: number;
  /** Requests in the system, and those per second that came since the last tick. */
  present: number;
  perSecond: number;
  /** Replicas that answer, and those that are meant to. */
  ready: number;
  wanted: number;
}

export interface ScaleMemory {
  /** Readings of `present`, newest last. */
  readings: { us: number; present: number }[];
  /** End of a panic, µs; the most wanted in it. */
  panicUntilUs: number;
  panicWanted: number;
  /** What was recommended when, for stabilisation. */
  advice: { us: number; wanted: number }[];
  /** When requests were last in the system, µs. */
  usedUs: number;
}

export const newScaleMemory = (): ScaleMemory => ({
  readings: [],
  panicUntilUs: -1,
  panicWanted: 0,
  advice: [],
  usedUs: 0,
});

/** The smallest number of replicas that would meet the targets at a rate, at most `most`. */
export type Suffices = (perSecond: number, most: number) => number;

export function wantedReplicas(a: Autoscaling, memory: ScaleMemory, seen: Seen, suffices: Suffices): number {
  const wanted =
    a.kind === 'concurrency'
      ? byConcurrency(a, memory, seen)
      : a.kind === 'hpa'
        ? byHpa(a, memory, seen)
        : byTargets(a, memory, seen, suffices);
  return Math.min(a.max, Math.max(a.min, wanted));
}

const meanOf = (readings: ScaleMemory['readings'], fromUs: number) => {
  let sum = 0;
  let n = 0;
  for (let i = readings.length - 1; i >= 0 && readings[i].us > fromUs; i--) {
    sum += readings[i].present;
    n++;
  }
  return n === 0 ? 0 : sum / n;
};

function byConcurrency(a: Extract<Autoscaling, { kind: 'concurrency' }>, memory: ScaleMemory, seen: Seen): number {
  const { nowUs, present, ready, wanted } = seen;
  const { readings } = memory;
  readings.push({ us: nowUs, present });
  while (readings[0].us <= nowUs - a.stableUs) readings.shift();
  if (present > 0) memory.usedUs = nowUs;
  const stable = meanOf(readings, nowUs - a.stableUs);
  const panic = meanOf(readings, nowUs - a.panicUs);
  const up = Math.ceil(a.maxUpFactor * Math.max(1, ready));
  const down = Math.floor(Math.max(1, ready) / a.maxDownFactor);
  const bounded = (mean: number) => Math.min(up, Math.max(down, Math.ceil(mean / a.target)));
  let desired = bounded(stable);
  const desiredInPanic = bounded(panic);
  if (desiredInPanic >= a.panicFactor * Math.max(1, ready)) {
    if (nowUs > memory.panicUntilUs) memory.panicWanted = 0;
    memory.panicUntilUs = nowUs + a.stableUs;
  }
  if (nowUs <= memory.panicUntilUs) {
    // In a panic nothing is taken away.
    memory.panicWanted = Math.max(memory.panicWanted, desiredInPanic, wanted);
    desired = memory.panicWanted;
  }
  if (desired === 0 && nowUs - memory.usedUs < a.stableUs + a.toZeroUs) return Math.min(1, wanted);
  return desired;
}

function byHpa(a: Extract<Autoscaling, { kind: 'hpa' }>, memory: ScaleMemory, seen: Seen): number {
  const { nowUs, present, ready, wanted } = seen;
  const ratio = ready === 0 ? (present > 0 ? Infinity : 0) : present / ready / a.target;
  // Replicas that are not ready yet count as if they took their part, which damps a second step up.
  const counted = ratio > 1 && wanted > ready ? present / wanted / a.target : ratio;
  let advised = wanted;
  if (counted > 1 + a.tolerance || counted < 1 - a.tolerance)
    advised = counted === Infinity ? wanted + 1 : Math.ceil(present / a.target);
  if (ratio > 1 && advised < wanted) advised = wanted;
  memory.advice.push({ us: nowUs, wanted: advised });
  while (memory.advice[0].us < nowUs - a.downStabilisationUs) memory.advice.shift();
  if (advised > wanted) return Math.min(advised, Math.max(wanted + a.upPods, Math.floor(wanted * a.upFactor)));
  return Math.min(wanted, Math.max(...memory.advice.map((one) => one.wanted)));
}

function byTargets(
  a: Extract<Autoscaling, { kind: 'slo' }>,
  memory: ScaleMemory,
  seen: Seen,
  suffices: Suffices,
): number {
  const { nowUs, perSecond, wanted } = seen;
  const enough = perSecond > 0 ? suffices(perSecond * a.headroom, a.max) : 0;
  memory.advice.push({ us: nowUs, wanted: enough });
  while (memory.advice[0].us < nowUs - a.downUs) memory.advice.shift();
  return enough >= wanted ? enough : Math.min(wanted, Math.max(...memory.advice.map((one) => one.wanted)));
}
