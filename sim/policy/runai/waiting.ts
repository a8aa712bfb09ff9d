/** Why a workload waits, in one sentence of the words that the scheduler's users know. Asked of a session after its cycle. */
import {
  CPU,
  GATED,
  GPU,
  type Group,
  isAlive,
  type Job,
  MEMORY,
  MIG,
  MIG_FROM,
  type Session,
  SHARED,
  TASK_STATUS_COLUMN,
  type TaskFacts,
  type Wait,
} from './columns.ts';
import {
  FITS,
  matches,
  NO_ROOM,
  OVER_CAPACITY,
  reasonAgainst,
  TOO_MANY_TASKS,
  tolerates,
  UNKNOWN_MEMORY,
  WRONG_MIG,
  WRONG_NEIGHBOURS,
} from './filters.ts';
import { mayReclaim, mayTakeFrom } from './legality.ts';
import { freeOf, idleGpus, isMigNode, ROUNDING, releasingGpus } from './noderesources.ts';
import { asShared, used } from './queues.ts';
import { isShared } from './requests.ts';
import { asksOf, isReady } from './subgroups.ts';

/**
 * What speaks against nodes, by kind of task: thousands of workloads that ask for the same need one look at the nodes.
 * Good for one cycle of one session.
 */
export type Looked = Map<string, { open: number; nodes: string[] }>;

/** A sentence with its full stop. */
export function whyWaiting(session: Session, job: Job, looked: Looked = new Map()): string {
  const words = reasonOf(session, job, looked);
  return `${words[0].toUpperCase()}${words.slice(1)}.`;
}

function reasonOf(session: Session, job: Job, looked: Looked): string {
  if (job.queue < 0) return 'its queue does not exist';
  if (!session.queues.leaf[job.queue])
    return `its queue ${queueName(session, job.queue)} has other queues below it, and jobs run only in the lowest ones`;
  if (!isReady(session, job.root)) return notReady(session, job);
  const wait = session.waits.get(job);
  if (wait === undefined) return 'the scheduler has not come to it in this cycle';
  switch (wait.kind) {
    case 'limit': {
      const { queue, resource, bound } = wait;
      return `queue ${queueName(session, queue)} is at its limit: it uses ${amount(wait.used, resource)} of at most ${amount(bound, resource)}, and this asks for ${amount(wait.asked, resource)} more`;
    }
    case 'quota': {
      const { queue, resource, bound } = wait;
      return `it may not be displaced and so may only use what its queue deserves: ${queueName(session, queue)} deserves ${amount(bound, resource)}, ${amount(wait.used, resource)} of it in use by work of that kind, and this asks for ${amount(wait.asked, resource)}`;
    }
    case 'too-big': {
      const asked = session.facts[wait.task].asks[wait.resource];
      return `one pod of it asks for ${dimension(session, asked, wait.resource)}, and no node has more than ${dimension(session, wait.largest, wait.resource)} in all`;
    }
    case 'delay':
      return `it fits nowhere as things are, and may displace others only in ${span(Math.max(0, wait.untilUs - session.nowUs))} (preemptionDelay)`;
    case 'harder':
      return `it asks for no less than ${wait.than}, which did not fit either; ${mayDisplace(session, job)}`;
    case 'topology': {
      const where =
        wait.required === null
          ? `the topology ${wait.tree} has no room for all of it together, neither in one domain of the level ${wait.preferred} nor across`
          : `no domain of the topology ${wait.tree} at the level ${wait.required} has room for all of it together`;
      return `${where}; ${mayDisplace(session, job)}`;
    }
    case 'nodes':
      return `${noNode(session, wait, looked)}; ${mayDisplace(session, job)}`;
  }
}

const queueName = (session: Session, queue: number): string => session.queues.name[queue];

/** A gang whose pods are not all there. */
function notReady(session: Session, job: Job): string {
  const status = (task: number) => session.columns[TASK_STATUS_COLUMN][task];
  const short = job.sets.find((set) => {
    const ready = set.tasks.filter((task) => isAlive(status(task)) && status(task) !== GATED).length;
    return ready < set.min;
  });
  if (short === undefined) return 'fewer of its subgroups are complete than it needs at least';
  const gated = short.tasks.filter((task) => status(task) === GATED).length;
  const ready = short.tasks.filter((task) => isAlive(status(task))).length - gated;
  const where = job.sets.length > 1 ? ` in its subgroup ${short.name}` : '';
  if (gated > 0)
    return `a scheduling gate holds back ${count(gated, 'pod')}${where}: it needs ${short.min} at once, ${ready} are ready`;
  return `it needs ${count(short.min, 'pod')} at once${where}, and only ${ready} exist`;
}

/** What speaks against each node, the same of many nodes told once. */
function noNode(session: Session, { task, placed, wanted }: Extract<Wait, { kind: 'nodes' }>, looked: Looked): string {
  const facts = session.facts[task];
  const key = `${facts.shape} ${facts.job.queue} ${facts.job.preemptible}`;
  const seen = looked.get(key) ?? objections(session, facts, task);
  looked.set(key, seen);
  // Nodes only fill up while jobs are placed: what is open now to one that found nothing has come of evictions since.
  const freed = placed === 0 && seen.open > 0 && !confined(facts.set);
  const since = freed ? [`${count(seen.open, 'node')} with room only since others were told to go`] : [];
  const nodes = [...seen.nodes, ...since];
  const rest = nodes.length === 0 ? '' : `: ${nodes.join(', ')}`;
  if (wanted > 1) return `there is room for ${placed} of the ${wanted} pods that must start together${rest}`;
  return `no node fits${rest}`;
}

/** To domains of a topology, so that it was not tried on every node. */
function confined(set: Group): boolean {
  for (let group: Group | null = set; group !== null; group = group.parent) if (group.topology !== null) return true;
  return false;
}

function objections(session: Session, facts: TaskFacts, task: number): { open: number; nodes: string[] } {
  const against = new Map<string, { nodes: number; most: number; where: string }>();
  let open = 0;
  for (let node = 0; node < session.nodes.count; node++) {
    const [why, free] = objection(session, facts, task, node);
    if (why === '') {
      open++;
      continue;
    }
    const known = against.get(why);
    if (known === undefined) against.set(why, { nodes: 1, most: free, where: session.nodes.name[node] });
    else {
      known.nodes++;
      if (free > known.most) [known.most, known.where] = [free, session.nodes.name[node]];
    }
  }
  const nodes = [...against]
    .sort(([x, a], [y, b]) => b.nodes - a.nodes || (x < y ? -1 : 1))
    .map(([why, { nodes: n, most, where }]) => {
      const best = most >= 0 ? ` (the most is ${round(most)}, on ${where})` : '';
      return `${count(n, 'node')} ${why.replace('{has}', n === 1 ? 'has' : 'have').replace('{is}', n === 1 ? 'is' : 'are')}${best}`;
    });
  return { open, nodes };
}

/** Phrase about the node and, where an amount is short, what is free there (else −1). '' = nothing speaks against it. */
function objection(session: Session, facts: TaskFacts, task: number, node: number): [string, number] {
  const { nodes } = session;
  if (nodes.ready[node] === 0) return ['{is} closed or not ready', -1];
  if (!tolerates(facts.state, nodes.taints[node])) return ['{has} a taint that it does not tolerate', -1];
  const wish = facts.state.nodeAffinity.find((term) => !matches(term, nodes.labels[node]));
  if (wish !== undefined) return [`not meeting its node selector or affinity (${wish.key})`, -1];
  switch (reasonAgainst(session, task, node)) {
    case FITS:
      return ['', -1];
    case NO_ROOM:
      return shortOf(session, facts, node);
    case OVER_CAPACITY:
      return ['where it would take its queue over its limit or quota', -1];
    case WRONG_MIG:
      return [facts.kind === MIG ? 'without the MIG instances it asks for' : 'cut into MIG instances', -1];
    case UNKNOWN_MEMORY:
      return ['without the label nvidia.com/gpu.memory', -1];
    case TOO_MANY_TASKS:
      return ['{has} as many pods as allowed', -1];
    case WRONG_NEIGHBOURS:
      return ['against its pod affinity or anti-affinity', -1];
    default:
      return ['closed to it', -1];
  }
}

function shortOf(session: Session, facts: TaskFacts, node: number): [string, number] {
  const free = (dim: number) => freeOf(session, node, dim);
  if (isShared(facts)) {
    if (facts.asks[CPU] <= free(CPU) && facts.asks[MEMORY] <= free(MEMORY)) {
      const share = facts.memoryMiB > 0 ? `${facts.memoryMiB} MiB` : `${round(facts.portion)} of a GPU`;
      return [`without ${share} free on ${facts.devices === 1 ? 'any GPU' : `${facts.devices} GPUs`}`, -1];
    }
  } else if (facts.asks[GPU] > 0) {
    if (session.nodes.allocatable[node * session.dims + GPU] === 0)
      return [isMigNode(session, node) ? 'cut into MIG instances' : 'without GPUs', -1];
    const gpus = idleGpus(session, node) + releasingGpus(session, node);
    const whole = Math.floor(Math.min(gpus, free(GPU)) + ROUNDING);
    if (facts.asks[GPU] > whole) return [`with fewer than ${count(facts.asks[GPU], 'free GPU')}`, whole];
  }
  for (let dim = MIG_FROM; dim < session.dims; dim++) {
    if (facts.asks[dim] <= free(dim)) continue;
    const name = resourceName(session, dim);
    const none = session.nodes.allocatable[node * session.dims + dim] === 0;
    return none ? [`without ${name}`, -1] : [`with too few free ${name}`, free(dim)];
  }
  if (facts.asks[CPU] > free(CPU)) return [`with fewer than ${cores(facts.asks[CPU])} free`, free(CPU) / 1000];
  if (facts.asks[MEMORY] > free(MEMORY))
    return [`with less than ${gibibytes(facts.asks[MEMORY])} of memory free`, free(MEMORY) / 2 ** 30];
  return ['without room', -1];
}

/** Whether it could displace others, and why not. */
function mayDisplace(session: Session, job: Job): string {
  const { actions } = session.config;
  if (!actions.includes('reclaim') && !actions.includes('preempt')) return 'and this scheduler displaces nobody';
  if (actions.includes('reclaim')) {
    if (!mayReclaim(session, job)) return beyondFairShare(session, job);
    const takers = new Set<number>();
    for (const other of session.jobs.values()) if (other.queue >= 0 && other.preemptible) takers.add(other.queue);
    const any = [...takers].some((queue) => queue !== job.queue && mayTakeFrom(session, job, queue));
    if (!any) return 'no other queue uses more than it is entitled to, so there is nothing to take back';
  }
  return 'no workloads that may be displaced would make enough room';
}

function beyondFairShare(session: Session, job: Job): string {
  const asks = asShared(session, asksOf(session, job));
  const name = queueName(session, job.queue);
  for (const resource of [GPU, CPU, MEMORY]) {
    const { fairShare, deserved } = session.queues.shares[resource];
    const then = used(session, job.queue, resource) + asks[resource];
    const bound = job.preemptible
      ? fairShare[job.queue]
      : Math.min(...bounds(fairShare[job.queue], deserved[job.queue]));
    if (bound !== -1 && then > bound)
      return `its queue ${name} may take nothing back from others, as it would then use ${amount(then, resource)} of a fair share of ${amount(fairShare[job.queue], resource)}`;
  }
  return `its queue ${name} may take nothing back from others`;
}

const bounds = (...all: number[]) => {
  const finite = all.filter((n) => n !== -1);
  return finite.length === 0 ? [-1] : finite;
};

// ── amounts ───────────────────────────────────────────────────────────────────────────────────────────────────────

const round = (n: number): string => String(Math.round(n * 100) / 100);
export const count = (n: number, what: string): string => `${round(n)} ${what}${n === 1 ? '' : 's'}`;
/** `45 s`, `8 min`, `3.5 h`. */
function span(us: number): string {
  const seconds = us / 1e6;
  if (seconds < 120) return `${round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${round(seconds / 3600)} h`;
}
const cores = (milli: number) => count(milli / 1000, 'core');
const gibibytes = (bytes: number) => `${round(bytes / 2 ** 30)} GiB`;

/** Of the resources that queues share. */
export function amount(n: number, resource: number): string {
  if (n === -1) return 'no limit';
  return resource === GPU ? count(n, 'GPU') : resource === CPU ? cores(n) : `${gibibytes(n)} of memory`;
}

function dimension(session: Session, n: number, dim: number): string {
  return dim < SHARED ? amount(n, dim) : `${round(n)} ${resourceName(session, dim)}`;
}

function resourceName(session: Session, dim: number): string {
  for (const [name, at] of session.migRow) if (at === dim) return name;
  return 'pods';
}
