/**
 * Policies that never preempt: jobs wait in one order and are placed from the head. At a job that does not fit the walk
 * stops (`stop`, the head blocks) or goes on with the next (`skip`).
 */
import type { Action, View } from '../../cluster/view.ts';
import { mayFit } from '../packing/bestfit.ts';
import { placementArg, placerNamed } from '../packing/index.ts';
import { type Placement, placeGang } from '../packing/placement.ts';
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
          const place = (job: number) =>
            (fresh === null || fresh.has(job)) && mayFit(view, job, state.gpus[job], state.widest[job])
              ? placeGang(placer, view, job, stream)
              : null;
          for (const line of state.lines) walk(line, place, args.blocked === 'skip', describe, actions);
          return { actions, state, wakeAt: Infinity };
        },
      };
    },
  };
}

type Place = (job: number) => Placement | null;

function walk(line: number[], place: Place, skips: boolean, describe: string, actions: Action[]): void {
  let kept = 0;
  let at = 0;
  for (; at < line.length; at++) {
    const job = line[at];
    const placement = place(job);
    if (placement !== null) {
      const { tasks, nodes, masks } = placement;
      actions.push({
        kind: 'place',
        job,
        tasks,
        nodes,
        masks,
        reason: skips ? `${describe}, fits` : `${describe}, head of line`,
      });
    } else {
      line[kept++] = job;
      if (!skips) break;
    }
  }
  // What was placed leaves the line; when the walk stopped, everybody behind the head moves up.
  if (kept < at + 1) line.splice(kept, Math.min(at + 1, line.length) - kept);
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
