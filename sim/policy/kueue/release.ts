/** A workload that is gone gives back its quota, and those who wait in its cohort are called. */
import { callBack, enqueue } from './lines.ts';
import type { Admission, Turn } from './memory.ts';
import { give } from './quota.ts';

export function release(turn: Turn, job: number): void {
  const { memory } = turn;
  const admission = memory.admissions.get(job) as Admission;
  const { queue } = admission;
  memory.admissions.delete(job);
  const list = memory.admittedIn[queue];
  list[list.indexOf(job)] = list[list.length - 1];
  list.pop();
  give(memory.tree, admission);
  callBack(turn, memory.tree.root[queue]);
  // One that was bound is reported pending when it is gone; one that was not queues again now, unless it backs off.
  const backsOff = memory.backingOff.some((entry) => entry.job === job);
  if (admission.evicted && admission.boundPods === 0 && !backsOff) enqueue(turn, queue, job);
}
