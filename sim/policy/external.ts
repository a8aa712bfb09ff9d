/**
 * A scheduler in any language: it is asked over a pipe, one JSON object a line, and answers the same way (docs/external.md).
 * This file makes the questions and reads the answers; who carries them is told by `Ask`. Answers are not trusted: what
 * comes out here still goes through `foreignPolicy`, and what cannot be read is refused by name.
 */
import { NODE_STATES } from '../cluster/cluster.ts';
import { type Action, JOB_STATUS, type JobStatus, PENDING, type View } from '../cluster/view.ts';
import type { Scenario } from '../scenario.ts';
import { ForeignPolicyError, foreignPolicy } from './foreign.ts';
import type { PolicyFactory } from './policy.ts';

/** Sends a question and waits for its answer. Throws `ForeignPolicyError` if there is none in time. */
export type Ask = (question: unknown) => unknown;

export const PROTOCOL = 1;

/** A worker of a job: `gpus` devices, on a node once it is placed. */
interface TaskShown {
  task: number;
  gpus: number;
  node?: number;
  on?: number[];
}

/** The program's memory: whatever JSON it answered last as `state`. */
interface Memory {
  greeted: boolean;
  state: unknown;
}

/** `who`: the program as messages name it. A new simulation greets it anew, so that one process can serve many. */
export function externalPolicy(ask: Ask, who: string): PolicyFactory {
  return foreignPolicy(
    {
      name: 'external',
      about: `asks ${who}`,
      args: {},
      create: () => ({
        name: 'external',
        periodUs: 0,
        init: (): Memory => ({ greeted: false, state: null }),
        decide(view: View, memory: Memory, now: number) {
          if (!memory.greeted) greet(ask(greeting(view.scenario)), who);
          const answer = fields(ask(question(view, memory.state, now)), who);
          const { actions = [], state = null, wakeAtUs = null } = answer;
          if (!Array.isArray(actions)) throw new ForeignPolicyError(`${who}: actions: expected a list`);
          return {
            actions: actions.map((action, i) => readAction(view, action, `${who}: actions[${i}]`)),
            state: { greeted: true, state },
            wakeAt: wakeAtUs === null ? Infinity : wakeAtUs,
          };
        },
      }),
    },
    who,
  );
}

/** It may say which protocol it speaks; another one would be misunderstood. */
function greet(answer: unknown, who: string): void {
  const { protocol = PROTOCOL } = fields(answer, who);
  if (protocol !== PROTOCOL)
    throw new ForeignPolicyError(`${who}: protocol: found ${JSON.stringify(protocol)}, expected ${PROTOCOL}`);
}

function greeting({ name, seed, durationUs, pools, nodes, projects, departments }: Scenario): unknown {
  return {
    type: 'hello',
    protocol: PROTOCOL,
    scenario: { name, seed, durationUs: durationUs === Infinity ? null : durationUs },
    pools: pools.map(({ name, gpuModel, gpuMemoryMiB }) => ({ name, gpuModel, gpuMemoryMiB })),
    nodes: nodes.names.map((name, node) => ({ node, name, pool: nodes.pool[node], gpus: nodes.gpus[node] })),
    projects: projects.map(({ name, department, deservedGpus, overQuotaWeight, maxOverQuotaGpus, priority }) => ({
      name,
      department: departments[department]?.name ?? null,
      // By pool; −1 = no limit.
      deservedGpus,
      overQuotaWeight,
      maxOverQuotaGpus,
      priority,
    })),
  };
}

function question(view: View, state: unknown, nowUs: number): unknown {
  const { cluster, scenario, status } = view;
  const jobs: unknown[] = [];
  for (let job = 0; job < scenario.jobs.count; job++) {
    // In order of submission: nobody after this one is here yet.
    const shown = JOB_STATUS[status[job]];
    if (SHOWN.has(shown)) jobs.push(jobShown(view, job, shown));
  }
  return {
    type: 'decide',
    nowUs,
    state,
    jobs,
    nodes: scenario.nodes.names.map((_, node) => ({
      node,
      state: NODE_STATES[cluster.nodeState[node]],
      // Of each GPU, the free part in 1/7000.
      free: [...cluster.gpuFree.slice(cluster.gpuStart[node], cluster.gpuStart[node + 1])],
      cpuMilli: finite(cluster.cpuFree[node]),
      memoryMiB: finite(cluster.memoryFree[node]),
    })),
  };
}

const SHOWN: ReadonlySet<JobStatus> = new Set(['pending', 'starting', 'running', 'checkpointing', 'terminating']);

function jobShown(view: View, job: number, status: JobStatus): unknown {
  const { cluster, scenario } = view;
  const { jobs, projects, poolLists } = scenario;
  const tasks: TaskShown[] = [];
  for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++) {
    const node = cluster.taskNode[task];
    const where = node < 0 ? {} : { node, on: bits(cluster.taskMask[task]) };
    tasks.push({ task, gpus: jobs.taskGpus[task], ...where });
  }
  return {
    job,
    id: jobs.ids[job],
    status,
    project: projects[jobs.project[job]]?.name ?? null,
    priority: jobs.priority[job],
    preemptible: jobs.preemptible[job] === 1,
    submitUs: jobs.submitUs[job],
    limitUs: finite(jobs.limitUs[job]),
    pools: poolLists[jobs.poolList[job]],
    share: jobs.shareMilli[job] / 1000,
    cpuMilli: jobs.cpuMilli[job],
    memoryMiB: jobs.memoryMiB[job],
    minTasks: jobs.minTasks[job],
    tasks,
    ...(status === 'pending' ? {} : { startedUs: view.startedUs(job) }),
  };
}

/** JSON has no infinity: null. */
const finite = (value: number) => (Number.isFinite(value) ? value : null);

function bits(mask: number): number[] {
  return Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => (mask & (1 << bit)) !== 0);
}

type Fields = Record<string, unknown>;

function fields(answer: unknown, who: string): Fields {
  if (typeof answer === 'object' && answer !== null && !Array.isArray(answer)) return answer as Fields;
  throw new ForeignPolicyError(`${who}: its answer: expected an object {"actions": […], "state": …, "wakeAtUs": …}`);
}

/** As it was written; of a placement the nodes and GPUs as the simulator writes them. What is wrong in it is found later. */
function readAction(view: View, given: unknown, at: string): Action {
  const action = fields(given, at);
  if (action.kind !== 'place') return { reason: '', ...action } as unknown as Action;
  const { job, reason = '', tasks } = action;
  if (!Array.isArray(tasks)) throw new ForeignPolicyError(`${at}.tasks: expected a list of {"task", "node", "gpus"?}`);
  const placed = tasks.map((entry, i) => fields(entry, `${at}.tasks[${i}]`));
  return {
    kind: 'place',
    job: job as number,
    tasks: placed.map(({ task }) => task as number),
    nodes: placed.map(({ node }) => node as number),
    masks: placed.map((entry, i) => maskOf(view, job as number, entry, `${at}.tasks[${i}]`)),
    reason: reason as string,
  };
}

/** The GPUs it names; where it names none, those the cluster would pick, which later placements then find taken. */
function maskOf(view: View, job: number, { task, node, gpus }: Fields, at: string): number {
  const { cluster, scenario, status } = view;
  if (Array.isArray(gpus)) return gpus.reduce((mask: number, gpu) => mask | (1 << Number(gpu)), 0);
  if (gpus !== undefined) throw new ForeignPolicyError(`${at}.gpus: expected a list of GPU numbers, or nothing`);
  const known =
    Number.isInteger(task) &&
    Number.isInteger(node) &&
    (node as number) >= 0 &&
    (node as number) < scenario.nodes.count &&
    cluster.jobOfTask[task as number] === job &&
    status[job] >= PENDING &&
    cluster.taskNode[task as number] < 0;
  const devices = known ? scenario.jobs.taskGpus[task as number] : 0;
  // What cannot be is for the check to name.
  if (!known || !cluster.fits(job, devices, node as number)) return 0;
  const mask = cluster.pickGpus(job, devices, node as number);
  view.trial.place(task as number, node as number, mask);
  return mask;
}
