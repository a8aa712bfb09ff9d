import { describe, expect, it } from 'vitest';
import { autoscalingDefaults } from '../../../scenarios/catalogue/serving-defaults.ts';
import type { Autoscaling } from '../../scenario.ts';
import { newScaleMemory, type Suffices, wantedReplicas } from './autoscale.ts';

const SECOND = 1e6;

/** Asks the controller at each of its ticks until `untilS`; what it wants is there at once. The number wanted, by second. */
function watch(
  a: Autoscaling,
  untilS: number,
  presentAt: (s: number) => number,
  suffices: Suffices = () => 1,
  start = 1,
) {
  const memory = newScaleMemory();
  const wantedAt = new Map<number, number>();
  let wanted = start;
  for (let nowUs = a.tickUs; nowUs <= untilS * SECOND; nowUs += a.tickUs) {
    const present = presentAt(nowUs / SECOND);
    wanted = wantedReplicas(a, memory, { nowUs, present, perSecond: present, ready: wanted, wanted }, suffices);
    wantedAt.set(nowUs / SECOND, wanted);
  }
  return (s: number) => wantedAt.get(s) as number;
}

describe('by concurrency, as Knative', () => {
  const a = autoscalingDefaults('concurrency', 0, 20, 10);

  it('aims at 70 % of the target on average over a minute', () => {
    const wanted = watch(a, 200, () => 35, undefined, 5);
    expect(wanted(200)).toBe(5);
  });

  it('panics when six seconds hold twice of what the replicas are for, and takes nothing away for a minute after', () => {
    const wanted = watch(a, 300, (s) => (s > 100 && s <= 110 ? 70 : 7), undefined, 1);
    expect(wanted(100)).toBe(1);
    expect(wanted(110)).toBe(10);
    expect(wanted(150)).toBe(10);
    // Then by half at a time at most.
    expect(wanted(300)).toBe(1);
  });

  it('goes to zero after a minute without a request and half a minute of grace', () => {
    const wanted = watch(a, 300, (s) => (s <= 20 ? 5 : 0));
    expect(wanted(100)).toBe(1);
    expect(wanted(120)).toBe(0);
    expect(watch({ ...a, min: 2 }, 300, () => 0)(300)).toBe(2);
  });
});

describe('by mean requests a replica, as the HorizontalPodAutoscaler', () => {
  const a = autoscalingDefaults('hpa', 1, 20, 10);

  it('leaves what is within a tenth of the target alone', () => {
    expect(watch(a, 300, () => 43, undefined, 4)(300)).toBe(4);
    expect(watch(a, 300, () => 46, undefined, 4)(300)).toBe(5);
  });

  it('adds at most four replicas or as many as there are at a tick', () => {
    const wanted = watch(a, 60, () => 200);
    expect([wanted(15), wanted(30), wanted(45)]).toEqual([5, 10, 20]);
  });

  it('takes away only what nobody advised to keep for five minutes', () => {
    const wanted = watch(a, 900, (s) => (s < 60 ? 80 : 10), undefined, 8);
    expect(wanted(300)).toBe(8);
    expect(wanted(375)).toBe(1);
  });
});

describe('by targets, as a planner', () => {
  const a = autoscalingDefaults('slo', 1, 20);
  /** A replica meets the targets up to ten requests a second. */
  const suffices: Suffices = (perSecond, most) => Math.min(most, Math.ceil(perSecond / 10));

  it('wants the fewest that meet them at 1.2 times the rate seen', () => {
    expect(watch(a, 1800, () => 25, suffices)(1800)).toBe(3);
    expect(watch(a, 1800, () => 26, suffices)(1800)).toBe(4);
  });

  it('adds at once and takes away after a quarter of an hour', () => {
    const wanted = watch(a, 3600, (s) => (s < 600 ? 60 : 10), suffices);
    expect(wanted(180)).toBe(8);
    expect(wanted(1260)).toBe(8);
    expect(wanted(1620)).toBe(2);
  });

  it('stays between the least and the most that there may be', () => {
    expect(watch({ ...a, min: 3, max: 5 }, 1800, () => 1, suffices)(1800)).toBe(3);
    expect(watch({ ...a, min: 3, max: 5 }, 1800, () => 500, suffices)(1800)).toBe(5);
  });
});
