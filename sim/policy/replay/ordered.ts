/**
 * Policies that never preempt: jobs wait in one order and are placed from the head. A job that does not fit holds up everybody
 * behind it in the pools it may use (`stop`, the head blocks) or nobody (`skip`).
 */
import type { Action, View } from '../../cluster/view.ts';
import { mayFit } from '../packing/bestfit.ts';
import { placementArg, placerNamed } from '../packing/index.ts';
import { type NodeFilter, type Placement, placeGang } from '../packing/placement.ts';
import type { PolicyFactory } from '../policy.ts';
import { admit, type Lines, openLines } from './queue.ts';

function ordered(
  name: string,
  about: string,
  describe: string,
  key: (view: View, job: number) => number,
): PolicyFactory {
  return {
    name,
    about,
    args: {
      blocked: {
        type: 'choice',
        of: ['stop', 'skip'],
        default: 'stop',
        about: 'what happens at a job that does not fit',
      },
      placement: placementArg,
    },
    create: (args: { blocked: 'stop' | 'skip'; placement: string }) => {
      const placer = placerNamed(args.placement);
      return {
        name,
        periodUs: 0,
        init: openLines,
        decide(view, state: Lines, _now, stream) {
          admit(state, view, (job) => key(view, job));
          const actions: Action[] = [];
          // With `skip` everybody in line was tried last time: until something is freed, only who is new may fit.
          const fresh = args.blocked === 'skip' && !view.freed ? new Set(view.pended) : null;
          const place = (job: number, suits?: NodeFilter) =>
            (fresh === null || fresh.has(job)) && mayFit(view, job, state.gpus[job], state.widest[job])
              ? placeGang(placer, view, job, stream, suits)
              : null;
          state.lines.forEach((line, group) => {
            const blocked = args.blocked === 'skip' ? null : openPools(view, state.poolsIn[group]);
            walk(line, place, blocked, describe, actions);
          });
          return { actions, state, wakeAt: Infinity };
        },
      };
    },
  };
}

type Place = (job: number, suits?: NodeFilter) => Placement | null;

/** Pools in which somebody who did not fit stands in front, and what is left for those behind. */
interface Blocked {
  all(): boolean;
  /** Nobody in front of the job could use any of its pools; `some`: could use one of them but not all. */
  of(job: number): 'none' | 'some' | 'all';
  suits: NodeFilter;
  by(job: number): void;
}

function openPools({ scenario }: View, count: number): Blocked {
  const { jobs, nodes, poolLists } = scenario;
  const pools = new Set<number>();
  return {
    all: () => pools.size === count,
    of(job) {
      if (pools.size === 0) return 'none';
      const list = poolLists[jobs.poolList[job]];
      if (list.every((pool) => pools.has(pool))) return 'all';
      return list.some((pool) => pools.has(pool)) ? 'some' : 'none';
    },
    suits: (node) => !pools.has(nodes.pool[node]),
    by(job) {
      for (const pool of poolLists[jobs.poolList[job]]) pools.add(pool);
    },
  };
}

/** `blocked`: null = nobody is held up. */
function walk(line: number[], place: Place, blocked: Blocked | null, describe: string, actions: Action[]): void {
  let kept = 0;
  let at = 0;
  for (; at < line.length && blocked?.all() !== true; at++) {
    const job = line[at];
    const held = blocked?.of(job) ?? 'none';
    const placement = held === 'all' ? null : place(job, held === 'some' ? blocked?.suits : undefined);
    if (placement !== null) {
      const { tasks, nodes, masks } = placement;
      const reason = blocked === null ? `${describe}, fits` : `${describe}, head of line`;
      actions.push({ kind: 'place', job, tasks, nodes, masks, reason });
    } else {
      line[kept++] = job;
      blocked?.by(job);
    }
  }
  // What was placed leaves the line; when the walk stopped, everybody behind moves up.
  line.splice(kept, at - kept);
}

export const fifo = ordered(
  'fifo',
  'first in, first out; the head of the line blocks',
  'first come',
  (view, job) => view.scenario.jobs.submitUs[job],
);

export const sjf = ordered(
  'sjf',
  'shortest job first by its true duration, without preemption',
  'shortest first',
  (view, job) => view.scenario.jobs.durationUs[job],
);
