/**
 * Policies that never preempt: jobs wait in one order and are placed from the head. At a job that does not fit the walk
 * stops (`stop`, the head blocks) or goes on with the next (`skip`).
 */
import type { Action, View } from '../../cluster/view.ts';
import { mayFit, placeBestFit } from '../packing/bestfit.ts';
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
    },
    create: (args: { blocked: 'stop' | 'skip' }) => ({
      name,
      periodUs: 0,
      init: openLines,
      decide(view, state: Lines) {
        admit(state, view, (job) => key(view, job));
        const actions: Action[] = [];
        for (const line of state.lines) walk(view, state, line, args.blocked === 'skip', describe, actions);
        return { actions, state, wakeAt: Infinity };
      },
    }),
  };
}

function walk(view: View, state: Lines, line: number[], skips: boolean, describe: string, actions: Action[]): void {
  let kept = 0;
  let at = 0;
  for (; at < line.length; at++) {
    const job = line[at];
    const placement = mayFit(view, job, state.gpus[job], state.widest[job]) ? placeBestFit(view, job) : null;
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
