/** `simsup explain RUN JOB`: a job's life, from the files of a run or by running a scenario again. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Command } from 'commander';
import {
  clock,
  type Explanation,
  explainJob,
  explanationText,
  type JobFacts,
  type LifeEntry,
} from '../../reports/explain.ts';
import { gpusAsked, statusOf } from '../../reports/job-table.ts';
import { fileLines } from '../../scenarios/files.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { splitCsvLine } from '../../scenarios/jobs-csv.ts';
import { nearestName } from '../../scenarios/problem.ts';
import { quote } from '../../scenarios/units.ts';
import { type LifeEvent, Lives, policyNames, SECOND_US, Simulation } from '../../sim/simulate.ts';
import { durationOption } from '../host/options.ts';
import { prepared } from './run.ts';

interface Flags {
  json?: boolean;
  policy?: string;
  policyModule?: string;
  arg: string[];
  seed?: string;
  duration?: number;
  allowRead: string[];
}

const RUN_FILE = 'run.json';
const NEAR = 5;

export function explainCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  return new Command('explain')
    .description('why a job waited, moved or died: its life in sentences with times')
    .argument('<run>', 'the folder of run --out (or its run.json), or a scenario, which is then run again')
    .argument('<job>', 'the id of the job')
    .option('--json', 'as JSON on stdout')
    .option('--policy <name>', `of a scenario, instead of its own: ${policyNames().join(', ')}`)
    .option('--policy-module <path>', 'of a scenario: a policy of your own')
    .option('--arg <key=value>', 'of a scenario: an argument of the policy; may be repeated', collect, [])
    .option('--seed <text>', "of a scenario: instead of the scenario's")
    .option('--duration <duration>', 'of a scenario: instead of the length it sets', durationOption('--duration'))
    .option('--allow-read <dir>', 'of a scenario: lets it name files here; may be repeated', collect, [])
    .addHelpText(
      'after',
      '\nExamples:\n  npx simsup run my-cluster.yaml --out results\n  npx simsup explain results train-17\n  npx simsup explain small-team job-3',
    )
    .action(explain);
}

async function explain(run: string, job: string, flags: Flags): Promise<void> {
  const folder = runFolder(run);
  const told = folder === undefined ? await fromScenario(run, job, flags) : fromFolder(folder, job);
  process.stdout.write(flags.json ? `${JSON.stringify(withClocks(told), null, 2)}\n` : explanationText(told));
}

const withClocks = (told: Explanation) => ({
  ...told,
  life: told.life.map((step) => ({ ...step, clock: clock(step.seconds) })),
});

/** undefined: it is no folder of a run. */
function runFolder(run: string): string | undefined {
  const stat = statSync(run, { throwIfNoEntry: false });
  if (stat?.isDirectory()) {
    if (existsSync(join(run, RUN_FILE))) return run;
    throw new UserError(`${run} is no run: it has no ${RUN_FILE}. Name a folder that run --out wrote, or a scenario`);
  }
  return stat !== undefined && basename(run) === RUN_FILE ? dirname(run) : undefined;
}

interface RunJson {
  policy: string;
  simulatedSeconds: number;
}

function fromFolder(folder: string, id: string): Explanation {
  for (const name of ['jobs.csv', 'lives.csv']) {
    if (!existsSync(join(folder, name)))
      throw new UserError(`${folder} has no ${name}, which run --out writes: run the scenario again, with --out`);
  }
  const run = runJson(join(folder, RUN_FILE));
  const { row, ids } = rowOf(join(folder, 'jobs.csv'), id);
  if (row === undefined) throw unknownJob(id, ids);
  const facts: JobFacts = {
    id,
    project: row.get('project') ?? '',
    gpus: Number(row.get('num_gpu')),
    policy: run.policy,
    status: row.get('status') ?? '',
    submitSeconds: Number(row.get('submit')),
    endSeconds: run.simulatedSeconds,
    preemptions: Number(row.get('preemptions')),
    restarts: Number(row.get('restarts')),
    queueSeconds: Number(row.get('queue_seconds')),
  };
  return explainJob(facts, entriesOf(join(folder, 'lives.csv'), id));
}

function runJson(path: string): RunJson {
  try {
    const { policy, simulatedSeconds } = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof policy === 'string' && typeof simulatedSeconds === 'number') return { policy, simulatedSeconds };
  } catch {
    // Told below.
  }
  throw new UserError(`${path}: found no result of a run, expected the file that run --out writes`);
}

/** CSV fields whose name begins like a formula stand behind an apostrophe. */
const plainField = (field: string) => (/^'[=+\-@\t\r]/.test(field) ? field.slice(1) : field);

function rowOf(path: string, id: string): { row: Map<string, string> | undefined; ids: string[] } {
  const ids: string[] = [];
  let header: string[] | undefined;
  for (const line of fileLines(path)) {
    const cells = splitCsvLine(line).map(plainField);
    if (header === undefined) header = cells;
    else if (cells[0] === id) return { row: new Map(header.map((name, i) => [name, cells[i]])), ids };
    else ids.push(cells[0]);
  }
  return { row: undefined, ids };
}

function entriesOf(path: string, id: string): LifeEntry[] {
  const entries: LifeEntry[] = [];
  for (const line of fileLines(path)) {
    if (!line.includes(id)) continue;
    const [time, job, event, count, nodes, reason] = splitCsvLine(line).map(plainField);
    if (job !== id || reason === undefined || event === 'event') continue;
    entries.push({
      seconds: Number(time),
      event: event as LifeEvent,
      count: Number(count),
      nodes: nodes === '' ? [] : nodes.split(' '),
      reason,
    });
  }
  return entries;
}

/** Runs the scenario, keeping only what happens to this job. */
async function fromScenario(name: string, id: string, flags: Flags): Promise<Explanation> {
  const { scenario, policy } = await prepared(name, flags);
  const { jobs } = scenario;
  const job = jobs.ids.indexOf(id);
  if (job < 0) throw unknownJob(id, jobs.ids);
  const lives = new Lives(scenario, job);
  const simulation = new Simulation(scenario, { policy, lives });
  simulation.run();
  const run = simulation.result();
  const entries = [...lives.rows()].map((row) => ({ ...row, seconds: row.timeUs / SECOND_US }));
  return explainJob(
    {
      id,
      project: scenario.projects[jobs.project[job]].name,
      gpus: gpusAsked(run, job),
      workers: jobs.taskStart[job + 1] - jobs.taskStart[job],
      policy: run.policyName,
      status: statusOf(run, job),
      submitSeconds: jobs.submitUs[job] / SECOND_US,
      endSeconds: run.simulatedUs / SECOND_US,
      preemptions: run.jobs.preemptions[job],
      restarts: run.jobs.restarts[job],
      queueSeconds: run.jobs.queuedUs[job] / SECOND_US,
    },
    entries,
  );
}

function unknownJob(id: string, ids: readonly string[]): UserError {
  const near = nearNames(id, ids);
  const hint =
    near.length > 0
      ? `; the nearest: ${near.join(', ')}`
      : ids.length > 0
        ? `, but ${ids.length} others, such as ${ids[0]}`
        : '';
  return new UserError(`there is no job ${quote(id)} in this run${hint}`);
}

/** The nearest by spelling first, then those that have the text in them. */
function nearNames(id: string, ids: readonly string[]): string[] {
  const nearest = nearestName(id, ids);
  const lower = id.toLowerCase();
  const holding = ids.filter((name) => name !== nearest && name.toLowerCase().includes(lower));
  return [...(nearest === undefined ? [] : [nearest]), ...holding].slice(0, NEAR);
}
