/**
 * Which victims to try: queues least deserving first, one job (or its elastic surplus) more at a time; of those, the sets
 * worth simulating.
 */
import { type Job, type JobView, type Session, TASK_ACCEPTED_GPUS, TASK_NODE } from './columns.ts';
import type { JobOrder } from './joborder.ts';
import { acceptedGpus } from './requests.ts';
import { type Sieve, sieveFor, worthTrying } from './sieve.ts';
import { part, tasksToAllocate, tasksToEvict } from './subgroups.ts';

/** Tasks of one job that were named together and stay together. */
export interface Part {
  job: Job;
  tasks: readonly number[];
}

/** One set of victims for one job. */
export interface Scenario {
  pending: readonly number[];
  preemptor: JobView;
  /** Already found needed for fewer of the job's tasks. */
  recorded: readonly Part[];
  recordedTasks: number[];
  added: number[];
  parts: Map<Job, Part[]>;
  /** By job, everything named; a task can be named twice. */
  victims: Map<Job, readonly number[]>;
  /** By node, jobs with added victims on it; kept of the set that grows alone. */
  jobsOn: Map<number, Set<Job>> | null;
}

function newScenario(preemptor: JobView, pending: readonly number[], recorded: readonly Part[]): Scenario {
  const scenario: Scenario = {
    pending,
    preemptor,
    recorded,
    recordedTasks: recorded.flatMap(({ tasks }) => tasks),
    added: [],
    parts: new Map(),
    victims: new Map(),
    jobsOn: null,
  };
  for (const each of recorded) addPart(scenario, each);
  return scenario;
}

const tasksIn = (view: JobView): number[] => view.sets.flatMap(({ tasks }) => tasks);

function addVictims(session: Session, scenario: Scenario, tasks: readonly number[]): void {
  if (tasks.length === 0) return;
  const { job } = session.facts[tasks[0]];
  for (const task of tasks) {
    scenario.added.push(task);
    if (scenario.jobsOn === null) continue;
    const node = session.columns[TASK_NODE][task];
    const here = scenario.jobsOn.get(node);
    if (here === undefined) scenario.jobsOn.set(node, new Set([job]));
    else here.add(job);
  }
  addPart(scenario, { job, tasks });
}

function addPart({ parts, victims }: Scenario, part: Part): void {
  const known = parts.get(part.job);
  if (known === undefined) {
    parts.set(part.job, [part]);
    victims.set(part.job, part.tasks);
  } else {
    known.push(part);
    victims.set(
      part.job,
      known.flatMap(({ tasks }) => tasks),
    );
  }
}

export function partOf(session: Session, { parts }: Scenario, task: number): Part | undefined {
  const ours = parts.get(session.facts[task].job);
  return ours?.length === 1 ? ours[0] : ours?.find(({ tasks }) => tasks.includes(task));
}

/** Sets that were tried: each is kept as its tasks, in order, and found by a number that equal sets share. */
export class TriedSets {
  private readonly byMark = new Map<number, Int32Array[]>();

  has(scenario: Scenario): boolean {
    const known = this.byMark.get(markOf(scenario));
    if (known === undefined) return false;
    const tasks = tasksOf(scenario);
    return known.some((other) => other.length === tasks.length && other.every((task, at) => task === tasks[at]));
  }

  add(scenario: Scenario): void {
    const mark = markOf(scenario);
    const known = this.byMark.get(mark);
    if (known === undefined) this.byMark.set(mark, [tasksOf(scenario)]);
    else known.push(tasksOf(scenario));
  }
}

/** Does not depend on the order of the tasks. */
function markOf({ pending, recordedTasks, added }: Scenario): number {
  let mark = pending.length + 31 * recordedTasks.length;
  for (const task of recordedTasks) mark = (mark + Math.imul(task + 1, 0x9e3779b1)) | 0;
  for (const task of added) mark = (mark + Math.imul(task + 1, 0x85ebca6b)) | 0;
  for (const task of pending) mark = (mark + Math.imul(task + 1, 0xc2b2ae35)) | 0;
  return mark;
}

/** Waiting, then recorded, then added, each in order. */
function tasksOf({ pending, recordedTasks, added }: Scenario): Int32Array {
  const tasks = new Int32Array(pending.length + recordedTasks.length + added.length + 2);
  let end = 0;
  for (const list of [pending, recordedTasks, added]) {
    const from = end;
    for (const task of list) tasks[end++] = task;
    tasks.subarray(from, end).sort();
    if (list !== added) tasks[end++] = -1;
  }
  return tasks;
}

/** Victims in the order in which they come up, and those already taken from it: several searches of one job start alike. */
export interface Source {
  order: JobOrder;
  taken: (readonly number[])[];
}

/** Takes victims from the source one by one and keeps what has come together so far. */
export interface Gathering {
  source: Source;
  /** How many of those taken from the source it has looked at. */
  at: number;
  scenario: Scenario | null;
  recorded: Set<number>;
  sieve: Sieve;
  started: boolean;
}

export function gather(
  session: Session,
  preemptor: JobView,
  recorded: readonly Part[],
  source: Source,
  feasible: ReadonlySet<number>,
  free: Float64Array,
): Gathering {
  const pending = tasksToAllocate(session, preemptor);
  const scenario = pending.length === 0 ? null : newScenario(preemptor, pending, recorded);
  if (scenario !== null) scenario.jobsOn = new Map();
  return {
    source,
    at: 0,
    scenario,
    recorded: new Set(recorded.flatMap(({ tasks }) => tasks)),
    sieve: sieveFor(session, preemptor, pending, feasible, free),
    started: false,
  };
}

/** The next set that could be enough by the sums; null = no victims left. */
export function nextGathered(session: Session, gathering: Gathering): Scenario | null {
  const { scenario, source, sieve } = gathering;
  if (scenario === null) return null;
  for (;;) {
    if (gathering.started) {
      if (gathering.at === source.taken.length && source.order.empty) return null;
      if (!addNextVictim(session, gathering, scenario)) continue;
    }
    gathering.started = true;
    if (worthTrying(session, sieve, scenario)) return scenario;
  }
}

function addNextVictim(session: Session, gathering: Gathering, scenario: Scenario): boolean {
  const { recorded, source } = gathering;
  const { order, taken } = source;
  if (gathering.at < taken.length) {
    addVictims(session, scenario, taken[gathering.at++]);
    return true;
  }
  const view = order.pop();
  const { tasks, more } = tasksToEvict(session, view);
  const rest = (taken: ReadonlySet<number>): number[] => tasksIn(view).filter((task) => !taken.has(task));
  if (tasks.some((task) => recorded.has(task))) {
    const others = rest(recorded);
    if (others.length > 0) order.push(part(session, view.job, others, false));
    return false;
  }
  if (more) order.push(part(session, view.job, rest(new Set(tasks)), false));
  gathering.at = taken.push(tasks);
  addVictims(session, scenario, tasks);
  return true;
}

/**
 * First way: for each node of the latest victim, all victims that have something on it. `most`: the most GPUs that one task
 * needs on a node, 0 where that is not known or another node may have them; what cannot offer them is left out.
 */
export function nodeByNode(
  session: Session,
  base: Scenario,
  _feasible: ReadonlySet<number>,
  free: Float64Array,
  most: number,
): Scenario[] {
  if (base.added.length === 0) return base.recordedTasks.length === 0 ? [] : [base];
  const nodeOf = session.columns[TASK_NODE];
  const latest = session.facts[base.added[base.added.length - 1]].job;
  const nodes = new Set(latest.tasks.map((task) => nodeOf[task]).filter((node) => node >= 0));
  const scenarios: Scenario[] = [];
  // Nodes with the same jobs on them give the same set: a gang that has its nodes for itself gives one.
  let alone = false;
  const seen = new Set<string>();
  // Rows are in order of name.
  for (const node of [...nodes].sort((a, b) => a - b)) {
    const jobs = base.jobsOn?.get(node);
    if (jobs === undefined || (alone && jobs.size === 1 && jobs.has(latest))) continue;
    if (!mayOffer(session, base, node, jobs, free[node], most)) continue;
    if (jobs.size === 1 && jobs.has(latest)) {
      alone = true;
    } else if (nodes.size > 1) {
      const key = JSON.stringify([...jobs].map(({ name }) => name).sort());
      if (seen.has(key)) continue;
      seen.add(key);
    }
    const scenario = newScenario(base.preemptor, base.pending, base.recorded);
    for (const job of jobs) {
      const named = base.parts.get(job) ?? [];
      const tasks = named.length === 1 ? named[0].tasks : named.flatMap((each) => each.tasks);
      addVictims(session, scenario, tasks);
    }
    scenarios.push(scenario);
  }
  return scenarios;
}

/** With these jobs' victims gone the node could have that many GPUs; or some of them are elsewhere, which is not weighed. */
function mayOffer(
  { columns }: Session,
  { parts }: Scenario,
  node: number,
  jobs: ReadonlySet<Job>,
  free: number,
  most: number,
): boolean {
  if (most === 0) return true;
  let sum = free;
  for (const job of jobs) {
    for (const { tasks } of parts.get(job) ?? []) {
      for (const task of tasks) {
        if (columns[TASK_NODE][task] !== node) return true;
        sum += columns[TASK_ACCEPTED_GPUS][task];
        if (sum >= most) return true;
      }
    }
  }
  return false;
}

/** Second way: nodes with the least room first, as many as could be enough, then more and more of them. */
export function* nodesTogether(
  session: Session,
  base: Scenario,
  feasible: ReadonlySet<number>,
  free: Float64Array,
): Generator<Scenario> {
  if (base.added.length === 0) {
    yield base;
    return;
  }
  const { facts, columns } = session;
  const nodeOf = columns[TASK_NODE];
  const freed = (task: number): number => acceptedGpus(session, facts[task], nodeOf[task]) + facts[task].migGpus;
  const freedByRecorded = new Map<number, number>();
  for (const task of base.recordedTasks) {
    const node = nodeOf[task];
    if (node >= 0) freedByRecorded.set(node, (freedByRecorded.get(node) ?? 0) + freed(task));
  }
  const bundles: number[][] = [];
  const bundleOf = new Map<Part, number>();
  const bundlesOn = new Map<number, Set<number>>();
  for (const task of base.added) {
    const view = partOf(session, base, task);
    if (view === undefined) continue;
    const bundle = bundleOf.get(view) ?? bundles.push([]) - 1;
    bundleOf.set(view, bundle);
    bundles[bundle].push(task);
    const node = nodeOf[task];
    if (node < 0) continue;
    const here = bundlesOn.get(node) ?? new Set();
    bundlesOn.set(node, here.add(bundle));
  }
  const roomOf = (node: number): number => free[node] + (freedByRecorded.get(node) ?? 0);
  const room = new Map<number, number>();
  for (const [node, here] of bundlesOn) {
    let sum = roomOf(node);
    for (const bundle of here) for (const task of bundles[bundle]) if (nodeOf[task] === node) sum += freed(task);
    room.set(node, sum);
  }
  let asked = 0;
  let smallest = Infinity;
  for (const task of base.pending) {
    asked += facts[task].quotaGpus;
    smallest = Math.min(smallest, facts[task].quotaGpus);
  }
  // The map keeps nodes in the order in which their first victim came up; the sort is stable.
  const candidates = [...room.keys()]
    .filter((node) => smallest <= 0 || (room.get(node) as number) >= smallest)
    .sort((a, b) => (room.get(a) as number) - (room.get(b) as number));
  let elsewhere = 0;
  for (const node of feasible) if (!bundlesOn.has(node)) elsewhere += roomOf(node);
  let size = enough(candidates, asked - elsewhere, room);
  for (let step = 1; size <= candidates.length; step *= 2) {
    const picked = new Set<number>();
    for (const node of candidates.slice(0, size)) for (const bundle of bundlesOn.get(node) ?? []) picked.add(bundle);
    const scenario = newScenario(base.preemptor, base.pending, base.recorded);
    for (const bundle of [...picked].sort((a, b) => a - b)) addVictims(session, scenario, bundles[bundle]);
    yield scenario;
    if (size === candidates.length) return;
    size = Math.min(size + step, candidates.length);
  }
}

function enough(candidates: readonly number[], asked: number, room: ReadonlyMap<number, number>): number {
  if (asked <= 0) return 0;
  let sum = 0;
  for (let n = 0; n < candidates.length; n++) {
    sum += room.get(candidates[n]) as number;
    if (sum >= asked) return n + 1;
  }
  return candidates.length + 1;
}
