/** What the policy remembers from one decision to the next: plain data, copied when a simulation forks. */
import type { PlaceAction, PreemptAction, ShrinkAction } from '../../cluster/view.ts';
import type { Scenario } from '../../scenario.ts';
import { openUsage, type Usage } from './usage.ts';

/** Something decided that takes effect only when the scheduler gets to it. */
export interface Outgoing {
  atUs: number;
  action: PlaceAction | PreemptAction | ShrinkAction;
}

export interface PoolMemory {
  /** Decided but not yet carried out, in order: a slow scheduler is still busy with it. */
  outbox: Outgoing[];
  /** Until when it is busy with its last cycle. */
  busyUntilUs: number;
  usage: Usage;
}

export interface Memory {
  /** When pools were last looked at: once a period, whatever happens in it. */
  lookedUs: number;
  pools: PoolMemory[];
  /** Node promised to a task that waits for it to be released. */
  promises: Map<number, number>;
  /** Why each waiting job was last said to wait. */
  told: Map<number, string>;
  /** When a job was last evicted, where a delay counts from then. */
  evictedUs: Map<number, number>;
  /** Moments at which time alone may change an answer, ascending, µs. */
  alarms: number[];
}

export function openMemory(scenario: Scenario): Memory {
  const queues = scenario.departments.length + scenario.projects.length;
  return {
    lookedUs: -1,
    pools: scenario.pools.map(() => ({ outbox: [], busyUntilUs: 0, usage: openUsage(queues) })),
    promises: new Map(),
    told: new Map(),
    evictedUs: new Map(),
    alarms: [],
  };
}

/** Adds a moment to wake up at, in its place. */
export function setAlarm(memory: Memory, atUs: number): void {
  const { alarms } = memory;
  let at = alarms.length;
  while (at > 0 && alarms[at - 1] > atUs) at--;
  if (at === 0 || alarms[at - 1] !== atUs) alarms.splice(at, 0, atUs);
}
