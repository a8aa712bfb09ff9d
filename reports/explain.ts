/** A job's life in sentences with times, for `simsup explain`. */
import type { LifeEvent, LifeRow, Scenario } from '../sim/simulate.ts';
import { csvField } from './csv.ts';
import { counted, exactDuration, exactSeconds, span } from './format.ts';

/** One thing that happened to a job, as `lives.csv` has it. */
export interface LifeEntry {
  seconds: number;
  event: LifeEvent;
  /** Workers placed or given back; checkpoints written. */
  count: number;
  nodes: string[];
  reason: string;
}

export interface JobFacts {
  id: string;
  project: string;
  gpus: number;
  /** Workers it is made of; undefined where that is not known. */
  workers?: number;
  policy: string;
  /** As in `jobs.csv`. */
  status: string;
  /** When it was, or will be, submitted. */
  submitSeconds: number;
  /** Where the simulation ends. */
  endSeconds: number;
  preemptions: number;
  restarts: number;
  /** Time waited for GPUs in all. */
  queueSeconds: number;
}

export interface Explanation {
  job: string;
  project: string;
  gpus: number;
  policy: string;
  status: string;
  summary: string;
  life: { seconds: number; event: LifeEvent | 'end'; text: string; delays?: Delays }[];
}

/** From a fault to the first step after it, stage by stage; they add up to `total`, s. */
export interface Delays {
  noticed: number;
  /** From its being noticed to the job's leaving its GPUs, or to its being started anew on them. */
  left: number;
  /** Until it is back in the queue: its grace period and what the policy makes it wait. */
  requeued: number;
  started: number;
  /** Until its first step: start-up and loading its checkpoint. */
  stepped: number;
  total: number;
}

export const LIVES_HEADER = 'time,job_id,event,count,nodes,reason';

/** `run --out`: what happened to each job, in order. Nodes are separated by spaces, which no node's name has. */
const ENDS = { kill: 'dies', preempt: 'preempted', reclaim: 'loses its node' } as const;

export function* livesCsv(rows: Iterable<LifeRow>, scenario: Scenario): Generator<string> {
  yield `${LIVES_HEADER}\n`;
  for (const row of rows) {
    const { timeUs, job, event, count, nodes, reason } = row;
    yield `${exactSeconds(timeUs)},${csvField(scenario.jobs.ids[job])},${event},${count},${csvField(nodes.join(' '))},${csvField(reason)}\n`;
  }
}

const SHOWN_NODES = 6;

export function explainJob(facts: JobFacts, entries: readonly LifeEntry[]): Explanation {
  const life: Explanation['life'] = [];
  let pendingSince: number | null = null;
  let runningSince: number | null = null;
  let nodes: string[] = [];
  let placed = 0;
  let why = '';
  let starts = 0;
  let lastWait = '';
  let ended = false;
  /** When the stages since the last fault began: fault, noticed, left, back in the queue, started. */
  let chain: number[] = [];
  const afterFault = (at: number) => {
    if (chain.length === 0) return '';
    return at > chain[0] ? ` ${exactDuration(at - chain[0])} after the fault` : ' at once';
  };
  /** The next stage of a fault's chain, if there is one; stages that did not occur take no time. */
  const reach = (stage: number, at: number) => {
    if (chain.length === 0) return;
    while (chain.length < stage) chain.push(at);
    if (chain.length === stage) chain.push(at);
  };
  const tell = (at: number, event: LifeEvent | 'end', ...parts: string[]) => {
    life.push({ seconds: at, event, text: sentence(parts) });
  };
  entries.forEach(({ seconds, event, count, nodes: on, reason }, i) => {
    const waited = pendingSince === null ? 0 : seconds - pendingSince;
    const ran = runningSince === null ? 0 : seconds - runningSince;
    switch (event) {
      case 'submit':
        pendingSince = seconds;
        tell(seconds, event, `submitted to project ${facts.project}: ${counted(facts.gpus, 'GPU')}`);
        break;
      case 'wait':
        if (reason === lastWait) return;
        lastWait = reason;
        tell(seconds, event, 'waits', reason);
        break;
      case 'place': {
        nodes = nodes.concat(on);
        placed += count;
        why = reason;
        const next = entries[i + 1];
        const starting = next !== undefined && next.event === 'start' && next.seconds === seconds;
        if (starting || (next?.event === 'place' && next.seconds === seconds)) return;
        if (runningSince !== null) {
          tell(seconds, event, `grows by ${counted(placed, 'worker')} on ${nodeList(nodes)}`, reason);
          nodes = [];
          placed = 0;
          break;
        }
        const workers =
          facts.workers === undefined ? counted(placed, 'worker') : `${placed} of its ${facts.workers} workers`;
        tell(seconds, event, `holds GPUs on ${nodeList(nodes)} for ${workers}, and waits for the rest`, reason);
        break;
      }
      case 'start': {
        const verb = starts === 0 ? 'starts' : 'resumes';
        const after = waited > 0 ? `, after waiting ${span(waited)}` : ', at once';
        reach(4, seconds);
        tell(seconds, event, `${verb} on ${nodeList(nodes)}${after}`, why);
        starts++;
        pendingSince = null;
        runningSince = seconds;
        lastWait = '';
        nodes = [];
        placed = 0;
        break;
      }
      case 'saved':
        tell(seconds, event, count === 1 ? 'wrote a checkpoint' : `wrote ${count} checkpoints, the last one now`);
        break;
      case 'unsaved':
        tell(seconds, event, 'cannot write its checkpoint', reason);
        break;
      case 'shrink':
        tell(seconds, event, `gives back ${counted(count, 'worker')} on ${nodeList(on)}`, reason);
        break;
      case 'preempt':
      case 'reclaim':
      case 'kill': {
        const ranFor = runningSince === null ? '' : ` after running ${span(ran)}`;
        reach(2, seconds);
        tell(seconds, event, `${ENDS[event]}${ranFor}`, reason);
        pendingSince = seconds;
        runningSince = null;
        nodes = [];
        placed = 0;
        break;
      }
      case 'limit':
        tell(seconds, event, `is told to stop${runningSince === null ? '' : ` after running ${span(ran)}`}`, reason);
        runningSince = null;
        nodes = [];
        placed = 0;
        break;
      case 'fault':
        if (chain.length < 2) chain = [seconds];
        tell(seconds, event, 'is struck by a fault', reason);
        break;
      case 'detected':
        reach(1, seconds);
        tell(seconds, event, `which is noticed${afterFault(seconds)}`, reason);
        break;
      case 'policy':
        tell(seconds, event, 'decided', reason);
        break;
      case 'flow':
        tell(seconds, event, reason);
        break;
      case 'scaled':
        tell(seconds, event, 'gives its GPUs back', reason);
        pendingSince = null;
        runningSince = null;
        nodes = [];
        placed = 0;
        break;
      case 'unhealthy':
        tell(seconds, event, reason);
        break;
      case 'restart':
        tell(seconds, event, `its processes start anew where they are${afterFault(seconds)}`, reason);
        reach(2, seconds);
        reach(4, seconds);
        runningSince = seconds;
        break;
      case 'lose':
        tell(seconds, event, 'loses', reason);
        break;
      case 'requeue':
        // Until then it was kept out of the queue: no time that it waited for GPUs.
        pendingSince = seconds;
        reach(3, seconds);
        tell(seconds, event, 'is back in the queue');
        break;
      case 'restored':
        tell(seconds, event, 'has loaded', reason);
        break;
      case 'step': {
        const delays = delaysOf(chain, seconds);
        const sum =
          delays === undefined ? '' : `,${afterFault(seconds)}${delays.total > 0 ? `: ${delaysText(delays)}` : ''}`;
        tell(
          seconds,
          event,
          `takes its first step again${ran > 0 ? `, ${exactDuration(ran)} after it was started` : ''}${sum}`,
        );
        if (delays !== undefined) life[life.length - 1].delays = delays;
        chain = [];
        break;
      }
      case 'complete':
        ended = true;
        tell(seconds, event, `completes, ${span(seconds - facts.submitSeconds)} after it was submitted`, reason);
        break;
      case 'fail':
        ended = true;
        tell(seconds, event, 'fails', reason);
        break;
      case 'unschedulable':
        ended = true;
        tell(seconds, event, 'can never run', reason);
    }
  });
  if (!ended) tellEnd(facts, entries.length > 0, pendingSince, runningSince, lastWait, tell);
  return {
    job: facts.id,
    project: facts.project,
    gpus: facts.gpus,
    policy: facts.policy,
    status: facts.status,
    summary: summaryOf(facts),
    life,
  };
}

function delaysOf([fault, noticed, left, requeued, started]: readonly number[], step: number): Delays | undefined {
  if (started === undefined) return undefined;
  const between = (from: number, to: number) => Math.round((to - from) * 1e6) / 1e6;
  return {
    noticed: between(fault, noticed),
    left: between(noticed, left),
    requeued: between(left, requeued),
    started: between(requeued, started),
    stepped: between(started, step),
    total: between(fault, step),
  };
}

/** The stages that took any time, one after the other. */
function delaysText({ noticed, left, requeued, started, stepped }: Delays): string {
  const stages: [number, string][] = [
    [noticed, 'it was noticed'],
    [left, 'it left its GPUs'],
    [requeued, 'it was back in the queue'],
    [started, 'it started'],
    [stepped, 'this step'],
  ];
  return stages
    .filter(([seconds]) => seconds > 0)
    .map(([seconds, what]) => `${exactDuration(seconds)} until ${what}`)
    .join(', then ');
}

function tellEnd(
  facts: JobFacts,
  submitted: boolean,
  pendingSince: number | null,
  runningSince: number | null,
  lastWait: string,
  tell: (at: number, event: 'end', ...parts: string[]) => void,
): void {
  const end = facts.endSeconds;
  if (!submitted)
    tell(end, 'end', `is submitted only at ${clock(facts.submitSeconds)}, after the end of the simulation`);
  else if (runningSince !== null)
    tell(end, 'end', `still runs when the simulation ends, for ${span(end - runningSince)} so far`);
  else if (pendingSince !== null) {
    const reason = lastWait === '' ? `the policy ${facts.policy} gave no reason` : lastWait;
    tell(end, 'end', `still waits when the simulation ends, for ${span(end - pendingSince)} so far`, reason);
  }
}

function summaryOf(facts: JobFacts): string {
  const { status, gpus, project, queueSeconds, preemptions, restarts, policy } = facts;
  const times = (n: number) => (n === 1 ? 'once' : n === 2 ? 'twice' : `${n} times`);
  const parts = [`waited ${span(queueSeconds)} in all`];
  if (preemptions > 0) parts.push(`was preempted ${times(preemptions)}`);
  if (restarts > 0) parts.push(`died ${times(restarts)}`);
  return `${facts.id}: ${counted(gpus, 'GPU')} for ${project}, under ${policy}: ${status}; ${parts.join(', ')}.`;
}

/** `what: why.`, with one stop. */
function sentence([what, reason = '']: string[]): string {
  // A reason that is a sentence of its own goes on in small letters.
  const begun = /^[A-Z][a-z]/.test(reason) ? reason[0].toLowerCase() + reason.slice(1) : reason;
  const full = reason === '' ? what : `${what}: ${begun}`;
  return /[.!?]$/.test(full) ? full : `${full}.`;
}

function nodeList(nodes: readonly string[]): string {
  if (nodes.length === 0) return 'its nodes';
  const shown = nodes.slice(0, SHOWN_NODES).join(', ');
  return nodes.length > SHOWN_NODES ? `${shown} and ${nodes.length - SHOWN_NODES} more nodes` : shown;
}

/** `02:14:05`, with days in front where there are some; parts of a second only where they matter. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  const days = Math.floor(whole / 86_400);
  const time = `${two(Math.floor(whole / 3600) % 24)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return days === 0 ? time : `${days}d ${time}`;
}

export function explanationText({ summary, life }: Explanation): string {
  const width = Math.max(0, ...life.map(({ seconds }) => clock(seconds).length));
  const lines = life.map(({ seconds, text }) => `  ${clock(seconds).padStart(width)}  ${text}`);
  return `${[summary, '', ...lines].join('\n')}\n`;
}
