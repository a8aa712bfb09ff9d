/** A pool of worker threads, each running this very program (`main.ts` sees that it is a thread and calls `serve`). */
import { availableParallelism } from 'node:os';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { Figures } from '../../studies/compare.ts';
import { type Pool, runTask, type Task } from '../../studies/pool.ts';
import { policyModule } from './policy.ts';
import { loadScenario, type ScenarioChoice } from './scenario.ts';

type Answer = { figures: Figures } | { failed: string; badInput: boolean };

/** A run in a thread failed; the message is what it said. `badInput`: for the user to mend. */
export class TaskError extends Error {
  override name = 'TaskError';
  readonly badInput: boolean;

  constructor(message: string, badInput: boolean) {
    super(message);
    this.badInput = badInput;
  }
}

/** Threads that all simulate variants of one scenario. Threads are started as they are needed. */
export function threadPool(choice: ScenarioChoice, size = availableParallelism()): Pool {
  const idle: Worker[] = [];
  const all = new Set<Worker>();
  const take = () => {
    const worker = idle.pop() ?? new Worker(process.argv[1], { workerData: choice, argv: [] });
    all.add(worker);
    return worker;
  };
  return {
    size,
    run: (task) =>
      new Promise((resolve, reject) => {
        const worker = take();
        const onMessage = (answer: Answer) => {
          settle();
          idle.push(worker);
          if ('figures' in answer) resolve(answer.figures);
          else reject(new TaskError(answer.failed, answer.badInput));
        };
        const onError = (error: Error) => {
          settle();
          all.delete(worker);
          reject(error);
        };
        const onExit = () => onError(new Error('a worker thread ended in the middle of a run'));
        const settle = () => {
          worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        };
        worker.on('message', onMessage).on('error', onError).on('exit', onExit);
        worker.postMessage(task);
      }),
    async close() {
      await Promise.all([...all].map((worker) => worker.terminate()));
    },
  };
}

/** The thread's side: simulates one task after another. */
export async function serve(badInputs: readonly (new (...args: never[]) => Error)[]): Promise<void> {
  const choice = workerData as ScenarioChoice;
  const own = choice.policyModule === undefined ? undefined : await policyModule(choice.policyModule);
  parentPort?.on('message', (task: Task) => {
    let answer: Answer;
    try {
      answer = { figures: runTask(loadScenario(choice, task, own), own) };
    } catch (error) {
      const badInput = badInputs.some((kind) => error instanceof kind);
      answer = { failed: error instanceof Error ? error.message : String(error), badInput };
    }
    parentPort?.postMessage(answer);
  });
}
