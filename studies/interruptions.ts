/** What a scenario's FaultModel and stack mean for one job: how often it is interrupted, and how long nobody does anything about it. */

import { recoveryOf } from '../sim/policy/recovery/stacks.ts';
import { DAY_US, type Scenario } from '../sim/simulate.ts';
import { FAULT_KINDS, type FaultKind } from '../sim/world/faults/kinds.ts';

/** What ends a job's processes, of the ways in which a fault shows. */
const INTERRUPTS: readonly FaultKind['symptom'][] = ['crash', 'silent', 'hang', 'idle'];

interface Interruptions {
  kind: FaultKind;
  /** Of a node, per µs. */
  rate: number;
}

/** As a job on whole nodes sees them: the mean rates, without bursts and age. */
function interruptionsOf(scenario: Scenario, job: number): Interruptions[] {
  const { faults, nodes, jobs, poolLists } = scenario;
  const pool = poolLists[jobs.poolList[job]][0];
  const mine = Array.from(nodes.pool.keys()).filter((n) => nodes.pool[n] === pool);
  const racks = new Set(mine.map((n) => nodes.rack[n])).size;
  const gpus = mine.reduce((sum, n) => sum + nodes.gpus[n], 0);
  return (faults?.processes ?? []).flatMap(({ unit, pools, meanUs, mix }) => {
    if (pools !== undefined && !pools.includes(pool)) return [];
    const all = mix.reduce((sum, { weight }) => sum + weight, 0);
    // Of a switch or a file system of all, each node has its part; a job on all of them has the whole.
    const units =
      unit === 'gpu' ? gpus : unit === 'node' || unit === 'nvlink' ? mine.length : unit === 'rack' ? racks : 1;
    return mix.flatMap(({ kind: name, weight }) => {
      const kind = FAULT_KINDS.find((k) => k.name === name);
      if (kind === undefined || kind.victims === 'none' || !INTERRUPTS.includes(kind.symptom)) return [];
      return [{ kind, rate: (units * (weight / all)) / meanUs / mine.length }];
    });
  });
}

/** Interruptions of a node and day. Undefined where the scenario has no such model. */
export function nodeFaultsOf(scenario: Scenario, job: number): number | undefined {
  const { faults } = scenario;
  if (faults === undefined || faults.processes.length === 0) return undefined;
  const rate = interruptionsOf(scenario, job).reduce((sum, kind) => sum + kind.rate, 0);
  const { share, factor } = faults.lemons;
  return rate * DAY_US * (1 + share * (factor - 1));
}

/**
 * Mean time from an interruption to the moment from which the job may start again, by the stack and the policy, µs; 0 where
 * nothing is known of what breaks. Telemetry counts with half its greatest age, a person without the wait for the morning.
 */
export function noticeUsOf(scenario: Scenario, job: number): number {
  const { stack, telemetry, faultTolerance: policy } = recoveryOf(scenario);
  const seenUs = (telemetry.exporterUs + telemetry.scrapeUs) / 2;
  const { taskStart } = scenario.jobs;
  const byPerson = stack.gang === 'person' && taskStart[job + 1] - taskStart[job] > 1;
  const otherwiseUs = byPerson ? stack.person.takesUs : stack.requeueDelayUs;
  let sum = 0;
  let rates = 0;
  for (const { kind, rate } of interruptionsOf(scenario, job)) {
    const { symptom, xid } = kind;
    const fires = stack.events && policy?.eventCodes.includes(xid) === true;
    const watches = stack.events && policy !== undefined && symptom === 'idle' && policy.utilizationDropThreshold >= 0;
    const fallUs = watches ? policy.utilizationWindowUs * (1 - policy.utilizationDropThreshold) + seenUs : Infinity;
    const silentUs = Math.min(stack.nodeDownUs, stack.events ? seenUs : Infinity);
    const stackUs = symptom === 'crash' ? stack.exitUs : symptom === 'silent' ? silentUs : stack.hangUs;
    const acts = fires || fallUs < stackUs;
    sum +=
      rate * ((fires ? seenUs : Math.min(fallUs, stackUs)) + (acts ? (policy?.rescheduleDelayUs ?? 0) : otherwiseUs));
    rates += rate;
  }
  return rates === 0 ? 0 : Math.round(sum / rates);
}
