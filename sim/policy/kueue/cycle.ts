/**
 * A scheduling cycle: the head of each ClusterQueue gets its flavours and, if need be, its victims on one snapshot; then
 * the heads are admitted in order, at the controller's speed. Source: kubernetes-sigs/kueue pkg/scheduler/scheduler.go.
 */
import { assign, targetsOf } from './assign.ts';
import { dequeue, headOf, markDirty, park } from './lines.ts';
import { type Admission, type Cycle, type Entry, type Memory, say, type Turn } from './memory.ts';
import { compareEntries, fairestEntry } from './order.ts';
import { createPods, endBackoffs, evict } from './pods.ts';
import { fitsQuota, give, type Holding, take } from './quota.ts';
import { release } from './release.ts';

/** Runs cycles until nothing moves, or until the controller is busy. */
export function runCycles(turn: Turn): void {
  const { memory } = turn;
  for (;;) {
    if (memory.cycle === null && !begin(turn)) return;
    if (!goOn(turn, memory.cycle as unknown as Cycle)) return;
    end(turn, memory.cycle as unknown as Cycle);
  }
}

/** False if no queue has a head to look at. */
function begin(turn: Turn): boolean {
  const { memory, settings } = turn;
  const roots = memory.dirty;
  if (roots.length === 0) return false;
  memory.dirty = [];
  const entries: Entry[] = [];
  for (const root of roots) {
    memory.isDirty[root] = 0;
    for (const queue of memory.queuesUnder.get(root) ?? []) {
      const job = headOf(memory, queue);
      if (job < 0) continue;
      const assignment = assign(turn, queue, job);
      entries.push({ job, queue, assignment, targets: targetsOf(turn, job, assignment) });
    }
  }
  entries.sort((a, b) => compareEntries(memory, a, b));
  // Taken from the end, unless a tournament decides.
  if (!settings.fairSharing) entries.reverse();
  memory.cycle = {
    entries,
    reserved: [],
    preempted: [],
    roots,
    callsBefore: roots.map((root) => memory.callsMade[root]),
    progress: [],
    released: [],
  };
  return true;
}

/** True when all entries are done; false while the controller is busy or admission is blocked. */
function goOn(turn: Turn, cycle: Cycle): boolean {
  const { memory, settings, now } = turn;
  const { entries } = cycle;
  while (entries.length > 0) {
    if (memory.busyUntilUs > now) return false;
    const at = settings.fairSharing ? fairestEntry(memory, entries) : entries.length - 1;
    if (!look(turn, cycle, entries[at])) return false;
    entries.splice(at, 1);
  }
  return true;
}

function end(turn: Turn, cycle: Cycle): void {
  const { memory } = turn;
  for (const held of cycle.reserved) give(memory.tree, held);
  memory.cycle = null;
  for (const job of cycle.released) release(turn, job);
  for (const root of cycle.progress) markDirty(memory, root);
  endBackoffs(turn);
}

/** False if admission is blocked, so that the entry must be looked at again. */
function look(turn: Turn, cycle: Cycle, entry: Entry): boolean {
  const { memory, settings } = turn;
  const { tree } = memory;
  const { job, queue, assignment, targets } = entry;
  const { mode, asked } = assignment;
  if (mode === 'noFit') {
    parkUnlessCalled(turn, cycle, entry);
    return true;
  }
  if (mode === 'preempt' && targets.length === 0) {
    if (memory.queues[queue].rules.reclaimWithinCohort !== 'Any') reserve(memory, cycle, toHoldBack(memory, entry));
    assignment.text += '; no candidates for preemption';
    parkUnlessCalled(turn, cycle, entry);
    return true;
  }
  if (targets.some((target) => cycle.preempted.includes(target.job))) {
    say(turn, job, 'WaitingForQuota', 'its preemption targets are another workload’s too');
    return true;
  }
  if (!fitsAfter(memory, [...cycle.preempted, ...targets.map((target) => target.job)], asked)) {
    say(turn, job, 'WaitingForQuota', 'it no longer fits after another workload was processed');
    return true;
  }
  if (mode === 'preempt') {
    for (const target of targets) cycle.preempted.push(target.job);
    reserve(memory, cycle, asked);
    issuePreemptions(turn, cycle, entry);
    return true;
  }
  if (settings.waitForPodsReady && settings.blockAdmission && memory.notReady > 0) {
    say(turn, job, 'WaitingForPodsReady', 'admission is blocked until all admitted workloads are ready');
    return false;
  }
  admit(turn, cycle, entry);
  return true;

  function reserve(to: Memory, during: Cycle, held: Holding): void {
    take(to.tree, held);
    during.reserved.push(held);
  }

  function fitsAfter(of: Memory, gone: readonly number[], held: Holding): boolean {
    const left: Admission[] = [];
    for (const other of gone) {
      const admission = of.admissions.get(other);
      if (admission === undefined) continue;
      give(tree, admission);
      left.push(admission);
    }
    const fits = fitsQuota(tree, held);
    for (const admission of left) take(tree, admission);
    return fits;
  }
}

function progress(turn: Turn, cycle: Cycle, queue: number): void {
  const root = turn.memory.tree.root[queue];
  if (!cycle.progress.includes(root)) cycle.progress.push(root);
}

/** Parks it, unless quota was released since the cycle began, which it may not have seen. */
function parkUnlessCalled(turn: Turn, cycle: Cycle, { job, queue, assignment }: Entry): void {
  const { memory } = turn;
  const root = memory.tree.root[queue];
  if (memory.callsMade[root] !== cycle.callsBefore[cycle.roots.indexOf(root)]) return;
  if (park(turn, queue, job, assignment.code, assignment.text)) progress(turn, cycle, queue);
}

/** What a workload without candidates holds back from others in this cycle, as it cannot be sure to reclaim it. */
function toHoldBack({ tree }: Memory, { queue, assignment }: Entry): Holding {
  const { asked, borrows } = assignment;
  const amounts = asked.cells.map((cell, i) => {
    const at = queue * tree.cells + cell;
    const limit = tree.nominal[at] + (borrows > 0 ? tree.borrowingLimit[at] : 0);
    return Math.max(0, Math.min(asked.amounts[i], limit - tree.usage[at]));
  });
  return { queue, cells: asked.cells, amounts };
}

function issuePreemptions(turn: Turn, cycle: Cycle, { job, queue, targets, assignment }: Entry): void {
  const { memory, view } = turn;
  const { ids } = view.scenario.jobs;
  for (const target of targets) {
    const admission = memory.admissions.get(target.job) as Admission;
    // Preempted before, or finished since the cycle began.
    if (admission.evicted || cycle.released.includes(target.job)) continue;
    const path = `${memory.tree.names[queue]} preempts in ${memory.tree.names[admission.queue]}`;
    const why = `preempted to accommodate workload ${ids[job]} due to ${target.why} (${path})`;
    evict(turn, admission, why);
    if (admission.boundPods === 0) say(turn, target.job, 'Preempted', why);
    progress(turn, cycle, queue);
  }
  if (!memory.queues[queue].rules.strictFifo) memory.sticky[queue] = job;
  const text = `${assignment.text}; pending the preemption of ${targets.length} workload(s)`;
  say(turn, job, 'WaitingForPreemptedWorkloads', text);
}

function admit(turn: Turn, cycle: Cycle, { job, queue, assignment }: Entry): void {
  const { memory, settings, now } = turn;
  const admission: Admission = {
    ...assignment.asked,
    job,
    pools: assignment.pools,
    atUs: now,
    evicted: false,
    ready: false,
    boundPods: 0,
    why: reasonOf(turn, queue, assignment.flavors, assignment.borrows > 0),
  };
  dequeue(memory, queue, job);
  take(memory.tree, admission);
  memory.admissions.set(job, admission);
  memory.admittedIn[queue].push(job);
  memory.said[job] = 0;
  memory.busyUntilUs = Math.max(memory.busyUntilUs, now - 1) + settings.admissionUs;
  createPods(turn, admission);
  progress(turn, cycle, queue);
}

function reasonOf({ memory }: Turn, queue: number, flavors: readonly string[], borrows: boolean): string {
  const { names, parent } = memory.tree;
  const from = borrows ? `borrowing from cohort ${names[parent[queue]]}` : 'within nominal quota';
  const flavor = flavors.length === 0 ? '' : `, flavor ${[...new Set(flavors)].join(', ')}, ${from}`;
  return `admitted by ClusterQueue ${names[queue]}${flavor}`;
}
