/** Decisions in the words of somebody who runs workloads on Run:ai: which rule, whose share, which node. Waits: `waiting.ts`. */
import { CPU, GPU, type Job, type Session, SLOT_USED, type TaskFacts } from './columns.ts';
import type { ActionName } from './config.ts';
import { UNLIMITED } from './fairshare.ts';
import { partingQueues } from './legality.ts';
import { fitsSlot } from './noderesources.ts';
import { used } from './queues.ts';
import { memoryOnNode } from './requests.ts';
import { groupsOf } from './statement.ts';

const GIB = 1024 * 1024 * 1024;

/** A number for reading: at most two decimals, as quotas count shares. */
const plain = (value: number): string => String(Math.round(value * 100) / 100);

function amount(resource: number, value: number): string {
  if (value === UNLIMITED) return 'unlimited';
  if (resource === GPU) return `${plain(value)} ${value === 1 ? 'GPU' : 'GPUs'}`;
  return resource === CPU ? `${plain(value / 1000)} cores` : `${plain(value / GIB)} GiB of memory`;
}

function asked(facts: TaskFacts): string {
  const { state, devices, memoryMiB, portion, asks } = facts;
  const times = devices > 1 ? `${devices} × ` : '';
  if (memoryMiB > 0) return `${times}${memoryMiB} MiB of GPU memory`;
  const mig = Object.entries(state.migInstances).map(([profile, instances]) => `${instances} × ${profile}`);
  if (mig.length > 0) return mig.join(' + ');
  if (portion > 0 && portion < 1) return `${times}${plain(portion)} of a GPU`;
  return asks[GPU] > 0 ? amount(GPU, asks[GPU]) : amount(CPU, state.cpuMilli);
}

function shareOf(session: Session, queue: number, resource: number): string {
  const { name, shares } = session.queues;
  const { deserved, fairShare } = shares[resource];
  return (
    `${name[queue]} uses ${amount(resource, used(session, queue, resource))}` +
    ` of a fair share of ${plain(fairShare[queue])} (deserves ${amount(resource, deserved[queue])})`
  );
}

/** Why a task was placed, as one sentence. Queues stand as they are now, with the task. */
export function whyPlaced(session: Session, action: ActionName, task: number, node: number, promised: boolean): string {
  const facts = session.facts[task];
  const { job } = facts;
  const where = session.nodes.name[node];
  const share = shareOf(session, job.queue, GPU);
  if (action !== 'allocate') {
    return `${capital(action)}: room for ${asked(facts)} on ${where} once what was evicted there has left; ${share}`;
  }
  if (promised) {
    return `Promised ${asked(facts)} on ${where}: fits with resources that are being released; ${share}`;
  }
  return `${asked(facts)} free on ${where}, the best node by ${rankings(session, task, node)}; ${share}`;
}

function rankings(session: Session, task: number, node: number): string {
  const { config, nodes } = session;
  const facts = session.facts[task];
  if (facts.state.nominatedNode !== null && nodes.row.has(facts.state.nominatedNode)) return 'nomination';
  const by = (facts.cpuOnly ? config.cpuPlacement : config.gpuPlacement) === 'spread' ? 'spreading' : 'bin packing';
  return config.plugins.has('gpusharingorder') && sharesAlready(session, task, node) ? `GPU sharing, then ${by}` : by;
}

/** The node has a GPU in shares that the task fits beside or joined: such nodes come first, for work without GPUs too. */
function sharesAlready(session: Session, task: number, node: number): boolean {
  const { columns, nodes, facts } = session;
  const own = groupsOf(session, task);
  const memory = memoryOnNode(session, facts[task], node);
  return nodes.slots[node].some((slot) =>
    own.includes(slot) ? columns[SLOT_USED][slot] > memory : fitsSlot(session, facts[task], node, slot),
  );
}

/** Why a task must leave. `moved`: it has a new place already. Queues stand as they are now, without it. */
export function whyEvicted(
  session: Session,
  action: ActionName,
  task: number,
  preemptor: Job,
  moved: string | null,
): string {
  const { job } = session.facts[task];
  const to = moved === null ? '' : `; it moves to ${moved}`;
  switch (action) {
    case 'consolidation':
      return `Consolidation: makes room in one place for ${preemptor.name}, which fits the free GPUs only scattered${to}`;
    case 'preempt':
      return `Preempted inside ${queueName(session, job)}: ${preemptor.name} has priority ${preemptor.priority}, this job ${job.priority}${to}`;
    case 'reclaim': {
      const [own, theirs] = partingQueues(session, preemptor.queue, job.queue);
      return `Reclaimed by ${preemptor.name}: afterwards ${shareOf(session, theirs, GPU)}, ${shareOf(session, own, GPU)}${to}`;
    }
    default:
      return `Stale gang: ${job.name} runs below its minimum and its grace of ${plain(job.stalenessGraceUs / 1e6)} s is over`;
  }
}

const queueName = ({ queues }: Session, job: Job): string => (job.queue < 0 ? 'no queue' : queues.name[job.queue]);

const capital = (word: string): string => word[0].toUpperCase() + word.slice(1);
