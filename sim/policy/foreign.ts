/**
 * A policy from outside: a module of the user's, a program behind a pipe. Nothing it is or answers is trusted; what cannot
 * be used is refused by name, before it reaches the cluster, where it would look like a defect of the simulator.
 */
import { READY } from '../cluster/cluster.ts';
import { CHECKPOINTING, PENDING, RUNNING, STARTING, type View } from '../cluster/view.ts';
import {
  type ArgSpec,
  argProblems,
  type Decision,
  type Policy,
  PolicyArgumentError,
  type PolicyFactory,
} from './policy.ts';

/** Its message begins with who is to blame, and names the field. */
export class ForeignPolicyError extends Error {
  override name = 'ForeignPolicyError';
}

type Fields = Record<string, unknown>;

/** `who`: the policy as messages name it, such as `the policy module lifo.mjs`. */
export function foreignPolicy(given: unknown, who: string): PolicyFactory {
  const refuse = (field: string, value: unknown, expected: string): never => {
    throw new ForeignPolicyError(`${who}: ${field}: found ${shown(value)}, expected ${expected}`);
  };
  const factory = isFields(given) ? given : refuse('its export', given, 'an object {name, about, args, create(args)}');
  const { name, about = '', args = {}, wholeGpusOnly, create } = factory;
  if (typeof name !== 'string' || !/^\S{1,100}$/.test(name)) refuse('name', name, 'a name without spaces');
  if (typeof about !== 'string') refuse('about', about, 'a sentence');
  if (typeof create !== 'function') refuse('create', create, 'a function create(args)');
  if (wholeGpusOnly !== undefined && typeof wholeGpusOnly !== 'boolean')
    refuse('wholeGpusOnly', wholeGpusOnly, 'true or false');
  const specs = isFields(args) ? args : refuse('args', args, 'an object of argument specifications');
  for (const [arg, spec] of Object.entries(specs)) {
    if (!isFields(spec)) refuse(`args.${arg}`, spec, 'an object {type, default, about}');
    else checkSpec(arg, spec, refuse);
  }
  const guarded = <T>(what: string, act: () => T): T => {
    try {
      return act();
    } catch (error) {
      if (error instanceof ForeignPolicyError || error instanceof PolicyArgumentError) throw error;
      throw new ForeignPolicyError(`${who}: ${what} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  return {
    name: name as string,
    about: about as string,
    args: specs as Record<string, ArgSpec>,
    wholeGpusOnly: wholeGpusOnly === true,
    create(values) {
      const made: unknown = guarded('create', () => (factory as unknown as PolicyFactory).create(values));
      if (!isFields(made)) return refuse('create', made, 'to return {name, periodUs, init, decide}');
      const { periodUs = 0 } = made;
      if (!isCount(periodUs)) refuse('periodUs', periodUs, 'whole µs between two decisions, or 0');
      for (const method of ['init', 'decide'])
        if (typeof made[method] !== 'function') refuse(method, made[method], 'a function');
      const { limits } = made;
      if (limits !== undefined && !(isFields(limits) && typeof limits.of === 'function' && isCount(limits.killWaitUs)))
        refuse('limits', limits, '{of(scenario, job), killWaitUs}');
      const policy = made as unknown as Policy;
      return {
        ...policy,
        name: typeof made.name === 'string' ? made.name : (name as string),
        periodUs: periodUs as number,
        init: (scenario) => guarded('init', () => policy.init(scenario)),
        decide(view, state, now, stream) {
          const mark = view.trial.mark();
          const answer: unknown = guarded('decide', () => policy.decide(view, state, now, stream));
          view.trial.takeBack(mark);
          const wrong = answerProblem(view, answer);
          view.trial.takeBack(mark);
          if (wrong !== undefined) throw new ForeignPolicyError(`${who}: ${wrong}`);
          return answer as Decision<unknown>;
        },
      };
    },
  };
}

type Refuse = (field: string, value: unknown, expected: string) => never;

function checkSpec(arg: string, spec: Fields, refuse: Refuse): void {
  const field = `args.${arg}`;
  const types = ['choice', 'number', 'duration', 'boolean', 'numbers', 'policies'];
  if (!types.includes(spec.type as string)) refuse(`${field}.type`, spec.type, `one of ${types.join(', ')}`);
  if (spec.type === 'policies' && !(Array.isArray(spec.of) && spec.of.every(isFields)))
    refuse(`${field}.of`, spec.of, 'a list of policies to choose from');
  if (spec.type === 'choice' && !(Array.isArray(spec.of) && spec.of.every((c) => typeof c === 'string')))
    refuse(`${field}.of`, spec.of, 'a list of texts to choose from');
  for (const bound of spec.type === 'number' || spec.type === 'duration' ? ['min', 'max'] : []) {
    if (typeof spec[bound] !== 'number') refuse(`${field}.${bound}`, spec[bound], 'a number');
  }
  const checked = { name: arg, args: { [arg]: spec as unknown as ArgSpec } };
  for (const problem of argProblems(checked, { [arg]: spec.default }))
    refuse(`${field}.default`, spec.default, problem.expected);
}

/** What is wrong with an answer of `decide`, a sentence; undefined if it can be carried out. Tries it, and leaves that in the trial. */
export function answerProblem(view: View, answer: unknown): string | undefined {
  const wrong = (field: string, value: unknown, expected: string) =>
    `decide: ${field}: found ${shown(value)}, expected ${expected}`;
  if (!isFields(answer) || answer instanceof Promise) return wrong('its answer', answer, '{actions, state, wakeAt}');
  const { actions, wakeAt } = answer;
  if (!Array.isArray(actions)) return wrong('actions', actions, 'a list of actions');
  if (wakeAt !== Infinity && !isCount(wakeAt)) return wrong('wakeAt', wakeAt, 'a time in whole µs, or Infinity');
  const made: Made = { preempted: new Set(), back: new Set(), leaving: new Set() };
  for (const [i, action] of actions.entries()) {
    const at = `actions[${i}]`;
    if (!isFields(action)) return wrong(at, action, '{kind, job, reason, …}');
    const { kind, job, reason } = action;
    if (kind !== 'place' && kind !== 'preempt' && kind !== 'shrink' && kind !== 'wait')
      return wrong(`${at}.kind`, kind, "'place', 'preempt', 'shrink' or 'wait'");
    const { count } = view.scenario.jobs;
    if (!isCount(job) || job >= count) return wrong(`${at}.job`, job, `the number of a job, 0 to ${count - 1}`);
    if (typeof reason !== 'string') return wrong(`${at}.reason`, reason, 'a sentence that says why');
    const bad = kind === 'wait' ? undefined : ACTION_PROBLEM[kind](view, job, action, at, made);
    if (bad !== undefined) return `decide: ${bad}`;
  }
  return undefined;
}

/** What earlier actions of the same answer have done. */
interface Made {
  preempted: Set<number>;
  /** Preempted without a grace period, and so pending again. */
  back: Set<number>;
  leaving: Set<number>;
}

const ACTION_PROBLEM = { place: placeProblem, preempt: preemptProblem, shrink: shrinkProblem };

const jobName = (view: View, job: number) => `job ${shown(view.scenario.jobs.ids[job])}`;

/** It has its workers and is not on its way out. */
const goesOn = (view: View, job: number) => [STARTING, RUNNING, CHECKPOINTING].includes(view.status[job]);

function preemptProblem(view: View, job: number, action: Fields, at: string, made: Made): string | undefined {
  const { saves, cancels, graceUs = Infinity } = action;
  const name = jobName(view, job);
  for (const [field, value] of Object.entries({ saves, cancels })) {
    if (value !== undefined && typeof value !== 'boolean')
      return `${at}.${field}: found ${shown(value)}, expected true or false`;
  }
  if (graceUs !== Infinity && !isCount(graceUs)) return `${at}.graceUs: found ${shown(graceUs)}, expected whole µs`;
  if (made.preempted.has(job)) return `${at}.job: ${name} is preempted twice`;
  const pending = view.status[job] === PENDING;
  const placed = tasksOf(view, job).some((task) => view.cluster.taskNode[task] >= 0);
  if (!placed || !(pending || goesOn(view, job)))
    return `${at}.job: ${name} is to be preempted but holds nothing that it could give back`;
  made.preempted.add(job);
  // With a grace period its GPUs stay its own for now. A gang that never started has nothing to save.
  if (pending || Math.min(view.scenario.jobs.graceUs[job], graceUs) === 0) {
    view.trial.evict(job);
    if (pending || cancels !== true) made.back.add(job);
  }
  return undefined;
}

function shrinkProblem(view: View, job: number, action: Fields, at: string, made: Made): string | undefined {
  const { tasks } = action;
  const name = jobName(view, job);
  if (!Array.isArray(tasks)) return `${at}.tasks: found ${shown(tasks)}, expected a list of whole numbers`;
  if (!goesOn(view, job) || made.preempted.has(job)) return `${at}.job: ${name} is to shrink but does not run`;
  const stay = new Set(
    tasksOf(view, job).filter(
      (task) => view.cluster.taskNode[task] >= 0 && !view.isLeaving(task) && !made.leaving.has(task),
    ),
  );
  for (const [i, task] of tasks.entries()) {
    if (!stay.delete(task)) return `${at}.tasks[${i}]: found ${shown(task)}, expected a task of ${name} that works`;
    made.leaving.add(task);
  }
  const least = view.scenario.jobs.minTasks[job];
  return stay.size < least ? `${at}.tasks: ${name} keeps ${stay.size} workers, expected at least ${least}` : undefined;
}

function placeProblem(view: View, job: number, action: Fields, at: string, made: Made): string | undefined {
  const { cluster, scenario } = view;
  const { jobs, nodes, pools } = scenario;
  const name = jobName(view, job);
  const elastic = jobs.minTasks[job] < jobs.taskStart[job + 1] - jobs.taskStart[job];
  const joins = goesOn(view, job) && elastic && !made.preempted.has(job);
  if (view.status[job] !== PENDING && !made.back.has(job) && !joins)
    return `${at}.job: ${name} is to be placed but is not pending`;
  const lists = [action.tasks, action.nodes, action.masks];
  const [tasks, where, masks] = lists;
  for (const [k, list] of ['tasks', 'nodes', 'masks'].entries()) {
    if (!Array.isArray(lists[k])) return `${at}.${list}: found ${shown(lists[k])}, expected a list of whole numbers`;
  }
  if (!Array.isArray(tasks) || !Array.isArray(where) || !Array.isArray(masks)) return undefined;
  if (tasks.length === 0 || where.length !== tasks.length || masks.length !== tasks.length) {
    return `${at}: found ${tasks.length} tasks, ${where.length} nodes and ${masks.length} masks, expected one node and one mask for each task, at least one`;
  }
  const [first, end] = [jobs.taskStart[job], jobs.taskStart[job + 1]];
  for (let i = 0; i < tasks.length; i++) {
    const [task, node, mask] = [tasks[i], where[i], masks[i]];
    if (!isCount(task) || task < first || task >= end)
      return `${at}.tasks[${i}]: found ${shown(task)}, expected a task of ${name}, ${first} to ${end - 1}`;
    if (cluster.taskNode[task] >= 0) return `${at}.tasks[${i}]: task ${task} of ${name} is placed already`;
    if (!isCount(node) || node >= nodes.count)
      return `${at}.nodes[${i}]: found ${shown(node)}, expected the number of a node, 0 to ${nodes.count - 1}`;
    const here = `node ${shown(nodes.names[node])}`;
    const allowed = scenario.poolLists[jobs.poolList[job]];
    if (!allowed.includes(nodes.pool[node])) {
      const may = allowed.map((p) => pools[p].name).join(', ');
      return `${at}.nodes[${i}]: ${here} is in pool ${pools[nodes.pool[node]].name}, but ${name} may use ${may} only`;
    }
    if (cluster.nodeState[node] !== READY) return `${at}.nodes[${i}]: ${here} takes no work now`;
    const devices = jobs.taskGpus[task];
    if (!cluster.fits(job, devices, node)) return `${at}.nodes[${i}]: ${here} has no room for task ${task} of ${name}`;
    const bad = maskProblem(view, job, devices, node, mask);
    if (bad !== undefined) return `${at}.masks[${i}]: ${bad}`;
    view.trial.place(task, node, mask as number);
  }
  return undefined;
}

function maskProblem(view: View, job: number, devices: number, node: number, mask: unknown): string | undefined {
  const { cluster, scenario } = view;
  const gpus = cluster.gpuStart[node + 1] - cluster.gpuStart[node];
  if (!Number.isInteger(mask) || (mask as number) < -(2 ** 31) || (mask as number) >= 2 ** 32)
    return `found ${shown(mask)}, expected ${devices} bits, one for each GPU it takes`;
  // Of MIG instances the cluster picks the free ones itself.
  if (scenario.jobs.migProfile[job] >= 0) return undefined;
  let bits = 0;
  const units = cluster.unitsPerGpu(job, scenario.nodes.pool[node]);
  for (let g = 0; g < 32; g++) {
    if (((mask as number) & (1 << g)) === 0) continue;
    if (g >= gpus) return `GPU ${g} of node ${shown(scenario.nodes.names[node])} does not exist: it has ${gpus}`;
    if (cluster.gpuFree[cluster.gpuStart[node] + g] < units)
      return `GPU ${g} of node ${shown(scenario.nodes.names[node])} is taken`;
    bits++;
  }
  return bits === devices ? undefined : `found ${bits} GPUs, expected the ${devices} that the task asks for`;
}

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function tasksOf(view: View, job: number): number[] {
  const { taskStart } = view.scenario.jobs;
  return Array.from({ length: taskStart[job + 1] - taskStart[job] }, (_, i) => taskStart[job] + i);
}

/** A value as a message shows it, in a few words whatever it is. */
function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 60)}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'symbol') return 'a symbol';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value instanceof Promise) return 'a promise (decide must answer at once, without async)';
  if (typeof value === 'object' && value !== null) return 'an object';
  return value === undefined ? 'nothing' : String(value);
}
