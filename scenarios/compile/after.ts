/** `after`: jobs that wait for others, which may stand anywhere in the scenario. */

import type { AfterCondition } from '../../sim/scenario.ts';
import { nameList, nearestName } from '../problem.ts';
import { quote } from '../units.ts';
import type { JobDraft } from './draft.ts';

/** Jobs that wait for others, in an order in which each comes after those it waits for (as far as they wait themselves). */
export function resolveAfter(
  waiting: readonly JobDraft[],
  ids: IdTable,
  place: (draft: JobDraft, after: { job: number; condition: AfterCondition }[]) => void,
): void {
  const byId = new Map(waiting.map((d) => [d.id, d]));
  const state = new Map<JobDraft, 'open' | 'done'>();
  for (const root of waiting) {
    const stack: { draft: JobDraft; next: number }[] = [];
    const enter = (draft: JobDraft) => {
      state.set(draft, 'open');
      stack.push({ draft, next: 0 });
    };
    if (!state.has(root)) enter(root);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.draft.after.length) {
        const other = byId.get(top.draft.after[top.next++].job);
        if (other === undefined || state.get(other) === 'done') continue;
        if (state.get(other) === 'open') {
          const loop = [...stack.slice(stack.findIndex((s) => s.draft === other)).map((s) => s.draft.id), other.id];
          top.draft.blame('after', `a circle of jobs (${nameList(loop)})`, 'jobs that do not wait for themselves');
          continue;
        }
        enter(other);
        continue;
      }
      stack.pop();
      state.set(top.draft, 'done');
      const after = top.draft.after.flatMap((a) => {
        const job = ids.get(a.job);
        if (job !== undefined && job >= 0) return [{ job, condition: a.condition }];
        // -1: a job that exists and was refused or is in a circle; that has been reported.
        if (job === undefined) {
          const names = ids.some(2000);
          top.draft.blame(
            'after',
            `unknown job ${quote(a.job)}`,
            'the id of a job in this scenario',
            nearestName(a.job, names),
          );
        }
        return [];
      });
      place(top.draft, after);
    }
  }
}

export interface IdTable {
  get(id: string): number | undefined;
  set(id: string, number: number): void;
  some(limit: number): string[];
}

/** One Map holds at most 2^24 entries; a scenario may have 20 million jobs. */
export function newIdTable(): IdTable {
  const parts: Map<string, number>[] = [new Map()];
  return {
    get: (id) => parts.find((p) => p.has(id))?.get(id),
    set(id, number) {
      let part = parts.find((p) => p.has(id)) ?? parts[parts.length - 1];
      if (part.size >= 2 ** 23 && !part.has(id)) {
        part = new Map();
        parts.push(part);
      }
      part.set(id, number);
    },
    some: (limit) => [...parts[0].keys()].slice(0, limit),
  };
}
