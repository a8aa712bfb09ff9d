/** Runs conformance cases: once, or in rounds as a cluster would go on, and says what does not hold. */
import {
  GPU,
  NODE_IDLE,
  NODE_RELEASING,
  type Session,
  TASK_ACCEPTED_GPUS,
  TASK_NODE,
  TASK_STATUS_COLUMN,
} from '../../sim/policy/runai/columns.ts';
import { type Decision, runCycle } from '../../sim/policy/runai/cycle.ts';
import { openSession } from '../../sim/policy/runai/session.ts';
import { TASK_STATUS } from '../../sim/policy/runai/state.ts';
import { groupsOf } from '../../sim/policy/runai/statement.ts';
import type { ConformanceCase, Expected } from './cases.ts';
import { configOf, initialPlaces, stateOf, type TaskPlace } from './state.ts';

const ROUNDS_UNTIL_MATCH = 2;
const ROUNDS_AFTER_MATCH = 5;

export interface CaseResult {
  id: string;
  pass: boolean;
  /** What was expected and what came instead, a line each. */
  diff: string[];
}

/** What one run of the actions did. */
export interface Round {
  session: Session;
  decisions: Decision[];
}

export interface Replay {
  result: CaseResult;
  rounds: Round[];
}

export function runCase(given: ConformanceCase): Replay {
  const places = initialPlaces(given);
  const rounds: Round[] = [];
  const diff: string[] = [];
  const go = (): Round => {
    const round = runRound(given, places);
    rounds.push(round);
    for (const line of limitsBroken(given, round.decisions)) diff.push(`round ${rounds.length}: ${line}`);
    return round;
  };
  if (given.mode === 'single') {
    diff.push(...differences(given, go().session));
  } else {
    const { untilMatch = ROUNDS_UNTIL_MATCH, afterMatch = ROUNDS_AFTER_MATCH } = given.rounds ?? {};
    for (let round = 0; round < untilMatch; round++) carryOver(given, go().session, places);
    const settled = openSession(stateOf(given, places), configOf(given));
    diff.push(
      ...differences(given, settled, rounds.at(-1)?.session).map((line) => `after round ${rounds.length}: ${line}`),
    );
    for (let round = 0; round < afterMatch && diff.length === 0; round++) {
      const { session } = go();
      const before = differences(given, session);
      carryOver(given, session, places);
      const after = differences(given, openSession(stateOf(given, places), configOf(given)), session);
      if (before.length > 0 && after.length > 0)
        diff.push(...after.map((line) => `in round ${rounds.length}: ${line}`));
    }
  }
  return { result: { id: given.id, pass: diff.length === 0, diff }, rounds };
}

function runRound(given: ConformanceCase, places: ReadonlyMap<string, TaskPlace>): Round {
  const session = openSession(stateOf(given, places), configOf(given));
  return { session, decisions: runCycle(session) };
}

/** What a cluster makes of a round's decisions before the next. */
function carryOver(given: ConformanceCase, session: Session, places: Map<string, TaskPlace>): void {
  for (const job of given.jobs) {
    job.tasks.forEach((_, at) => {
      const name = `${job.name}-${at}`;
      const was = placeOf(session, job.name, name);
      const waits: TaskPlace = { state: 'Pending', node: null, gpuGroups: [] };
      if (was.state === 'Releasing') places.set(name, job.deletedNotRequeued ? was : waits);
      else if (was.state === 'Pipelined') places.set(name, waits);
      else if (was.state === 'Binding') places.set(name, { ...was, state: 'Running' });
      else places.set(name, was);
    });
  }
}

function rowOf(session: Session, job: string, task: string): number {
  const row = session.jobs.get(job)?.tasks.find((each) => session.facts[each].state.name === task);
  if (row === undefined) throw new Error(`invariant: task ${task} has gone`);
  return row;
}

export function placeOf(session: Session, job: string, task: string): TaskPlace {
  const row = rowOf(session, job, task);
  const node = session.columns[TASK_NODE][row];
  return {
    state: TASK_STATUS[session.columns[TASK_STATUS_COLUMN][row]],
    node: node < 0 ? null : session.nodes.name[node],
    gpuGroups: groupsOf(session, row).map((slot) => session.slots.label[slot]),
  };
}

function limitsBroken({ expect }: ConformanceCase, decisions: readonly Decision[]): string[] {
  const lines: string[] = [];
  const limit = (kind: Decision['kind'], most = 0): void => {
    const count = decisions.filter((decision) => decision.kind === kind).length;
    const allowed = expect.limitsApply === false || expect.limitsApply === undefined ? 0 : most;
    if (count > allowed) lines.push(`${count} of kind ${kind}, at most ${allowed} expected`);
  };
  limit('bind', expect.maxBinds);
  limit('evict', expect.maxEvictions);
  limit('pipeline', expect.maxPipelines);
  return lines;
}

/** `decided`: the session that last decided, which alone knows why a job waits. */
function differences(given: ConformanceCase, session: Session, decided: Session = session): string[] {
  const { expect } = given;
  const lines: string[] = [];
  const gpus = new Map<string, string>();
  for (const [name, expected] of Object.entries(expect.jobs ?? {})) {
    const job = given.jobs.find((one) => one.name === name);
    const tasks = job?.tasks.map((_, at) => `${name}-${at}`) ?? [];
    for (const task of tasks) lines.push(...taskDifferences(session, name, task, expected));
    lines.push(...sumDifferences(session, name, tasks, name, expected));
    if (expected.ignoreGpuGroups !== true && expected.gpuGroups !== undefined) {
      lines.push(...groupDifferences(given, session, name, expected.gpuGroups, gpus));
    }
    if (expected.fitError && !decided.waits.has(decided.jobs.get(name) as never)) {
      lines.push(`${name}: waits without a reason given`);
    }
  }
  for (const [task, expected] of Object.entries(expect.tasks ?? {})) {
    const name = given.jobs.find((one) => one.tasks.some((_, at) => `${one.name}-${at}` === task))?.name;
    // The tables name tasks that do not exist now and then, and nobody looks for them.
    if (name === undefined) continue;
    lines.push(
      ...taskDifferences(session, name, task, expected),
      ...sumDifferences(session, name, [task], task, expected),
    );
  }
  for (const [name, expected] of Object.entries(expect.nodes ?? {})) {
    const at = (session.nodes.row.get(name) as number) * session.dims + GPU;
    const compare = (what: string, column: number, wanted: number | undefined): void => {
      const found = session.columns[column][at];
      if (wanted !== undefined && found !== wanted)
        lines.push(`node ${name}: ${found} GPUs ${what}, expected ${wanted}`);
    };
    compare('idle', NODE_IDLE, expected.idleGpus);
    compare('being released', NODE_RELEASING, expected.releasingGpus);
  }
  return lines;
}

function taskDifferences(session: Session, job: string, task: string, expected: Expected): string[] {
  const { state, node } = placeOf(session, job, task);
  const where = (at: string | null | undefined): string => (at ? ` on ${at}` : '');
  // Where a waiting task is said to be means nothing.
  const wanted = expected.status === 'Pending' ? undefined : expected.node;
  if (state === expected.status && (!wanted || node === wanted)) return [];
  return [`${task}: ${state}${where(state === 'Pending' ? null : node)}, expected ${expected.status}${where(wanted)}`];
}

function sumDifferences(session: Session, job: string, tasks: string[], what: string, expected: Expected): string[] {
  const rows = tasks.map((task) => rowOf(session, job, task));
  const sum = (of: (row: number) => number): number => rows.reduce((total, row) => total + of(row), 0);
  const lines: string[] = [];
  const compare = (name: string, found: number, wanted: number | undefined): void => {
    if (wanted !== undefined && Math.abs(found - wanted) > 1e-9)
      lines.push(`${what}: ${name} ${found}, expected ${wanted}`);
  };
  compare(
    'GPUs asked for',
    sum((row) => session.facts[row].asks[GPU]),
    expected.gpusRequired,
  );
  if (expected.gpusAccepted) {
    compare(
      'GPUs charged',
      sum((row) => session.columns[TASK_ACCEPTED_GPUS][row]),
      expected.gpusAccepted,
    );
  }
  if (expected.cpuMilli)
    compare(
      '1/1000 cores',
      sum((row) => session.facts[row].state.cpuMilli),
      expected.cpuMilli,
    );
  if (expected.memoryBytes)
    compare(
      'bytes',
      sum((row) => session.facts[row].state.memoryBytes),
      expected.memoryBytes,
    );
  return lines;
}

/** By grouping, not by name: what is expected in one group is on one GPU, what is not is on others. */
function groupDifferences(
  given: ConformanceCase,
  session: Session,
  job: string,
  expected: readonly string[],
  gpus: Map<string, string>,
): string[] {
  const lines: string[] = [];
  const tasks = given.jobs.find(({ name }) => name === job)?.tasks ?? [];
  tasks.forEach(({ gpuGroups }, at) => {
    if (gpuGroups === undefined || gpuGroups.length === 0) return;
    const { node, gpuGroups: found } = placeOf(session, job, `${job}-${at}`);
    expected.forEach((label, n) => {
      if (node === null || found[n] === undefined) return;
      const known = gpus.get(`${node}/${label}`);
      if (known === undefined) gpus.set(`${node}/${label}`, found[n]);
      else if (known !== found[n])
        lines.push(`${job}-${at}: on GPU ${found[n]} of ${node}, expected with the others on ${known}`);
    });
  });
  return lines;
}
