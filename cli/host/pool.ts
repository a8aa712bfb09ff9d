/** A pool of worker threads, each running this very program (`main.ts` sees that it is a thread and calls `serve`). */
import { availableParallelism } from 'node:os';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { RunTask } from '../../bench/regression/bench.ts';
import type { Outcome } from '../../bench/regression/outcome.ts';
import { ScenarioError } from '../../scenarios/index.ts';
import type { Scenario } from '../../sim/simulate.ts';
import type { Figures } from '../../studies/compare.ts';
import { type PointOutcome, type PointPool, type PointTask, runPoint } from '../../studies/point.ts';
import { type Pool, runTask, type Task } from '../../studies/pool.ts';
import { type BenchPolicy, benchAnswers } from './bench-answers.ts';
import { policyModule } from './policy.ts';
import { loadScenario, type ScenarioChoice } from './scenario.ts';
import { type StudyChoice, variantsOf } from './study-file.ts';

type Answer<R> = { result: R } | { failed: string; badInput: boolean };

/** A run in a thread failed; the message is what it said. `badInput`: for the user to mend. */
export class TaskError extends Error {
  override name = 'TaskError';
  readonly badInput: boolean;

  constructor(message: string, badInput: boolean) {
    super(message);
    this.badInput = badInput;
  }
}

/** What a thread is started for: variants of one scenario, points of one study, or a bench's work under one policy. */
type Assignment = { scenario: ScenarioChoice } | { study: StudyChoice } | { bench: BenchPolicy };

/**
 * A run makes much that lives only until its end. With room for it to die in, far less of it has to be moved to where the
 * long-lived things are: a month of the default scenario takes about a sixth less.
 */
const YOUNG_MIB = 128;

/** Threads that are started as they are needed; each simulates one task after another. */
class Threads<T, R> {
  readonly size: number;
  private readonly assignment: Assignment;
  private readonly idle: Worker[] = [];
  private readonly all = new Set<Worker>();

  constructor(assignment: Assignment, size: number) {
    this.assignment = assignment;
    this.size = size;
  }

  run(task: T): Promise<R> {
    return new Promise((resolve, reject) => {
      const worker = this.take();
      const onMessage = (answer: Answer<R>) => {
        settle();
        this.idle.push(worker);
        if ('result' in answer) resolve(answer.result);
        else reject(new TaskError(answer.failed, answer.badInput));
      };
      const onError = (error: Error) => {
        settle();
        this.all.delete(worker);
        reject(error);
      };
      const onExit = () => onError(new Error('a worker thread ended in the middle of a run'));
      const settle = () => {
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      };
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      worker.postMessage(task);
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.all].map((worker) => worker.terminate()));
  }

  private take(): Worker {
    const worker =
      this.idle.pop() ??
      new Worker(process.argv[1], {
        workerData: this.assignment,
        argv: [],
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
      });
    this.all.add(worker);
    return worker;
  }
}

/** Threads that all simulate variants of one scenario. */
export const threadPool = (choice: ScenarioChoice, size = availableParallelism()): Pool =>
  new Threads<Task, Figures>({ scenario: choice }, size);

/** Threads that all simulate points of one study. */
export const pointThreads = (choice: StudyChoice, size = availableParallelism()): PointPool =>
  new Threads<PointTask, PointOutcome>({ study: choice }, size);

/** Threads that all run a bench's cases under one policy. */
export const benchThreads = (policy: BenchPolicy, size = availableParallelism()) =>
  new Threads<RunTask, Outcome>({ bench: policy }, size);

/** The thread's side: simulates one task after another. */
export async function serve(badInputs: readonly (new (...args: never[]) => Error)[]): Promise<void> {
  const assignment = workerData as Assignment;
  const answer = (await answersFor(assignment)) as (task: unknown) => unknown;
  parentPort?.on('message', (task: unknown) => {
    let message: Answer<unknown>;
    try {
      message = { result: answer(task) };
    } catch (error) {
      const badInput = badInputs.some((kind) => error instanceof kind);
      message = { failed: error instanceof Error ? error.message : String(error), badInput };
    }
    parentPort?.postMessage(message);
  });
}

function answersFor(assignment: Assignment) {
  if ('study' in assignment) return pointAnswers(assignment.study);
  return 'bench' in assignment ? benchAnswers(assignment.bench) : taskAnswers(assignment.scenario);
}

async function taskAnswers(choice: ScenarioChoice): Promise<(task: Task) => Figures> {
  const own = choice.policyModule === undefined ? undefined : await policyModule(choice.policyModule);
  return (task) => runTask(loadScenario(choice, task, own), own);
}

/** A scenario that is refused is an answer: that there is no such cluster. */
function pointAnswers(choice: StudyChoice): (task: PointTask) => PointOutcome {
  const variants = variantsOf(choice);
  return ({ point, seed }) => {
    let scenario: Scenario;
    try {
      scenario = variants.compile(point, seed);
    } catch (error) {
      if (!(error instanceof ScenarioError)) throw error;
      return { refused: whyRefused(error) };
    }
    return runPoint(scenario);
  };
}

/** The first problem, without the place in a file: that is the base scenario's, not the point's. */
function whyRefused({ problems }: ScenarioError): string {
  const [{ path, found, expected }] = problems;
  return `${path === '' ? '' : `${path}: `}found ${found}, expected ${expected}`;
}
