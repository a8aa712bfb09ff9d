/**
 * A sweep's side of the queue: puts its runs in, and takes what workers have made of them. It trusts Redis with nothing: a
 * result counts once it is in the sweep's own log, and a run that Redis no longer knows of is put in again.
 */
import { Queue } from 'bullmq';
import type { PointOutcome, PointPool, PointTask } from '../../studies/point.ts';
import { runKey } from '../../studies/sweep.ts';
import { TaskError } from './pool.ts';
import {
  checkReachable,
  connect,
  hasScenario,
  KEEP_SECONDS,
  PREFIX,
  putScenario,
  type QueuedRun,
  queueName,
  runId,
  shownAddress,
} from './redis.ts';
import { portable, type StudyFile } from './study-file.ts';

const POLL_MS = 100;
/** How often it looks whether Redis still has what it was given. */
const RECONCILE_MS = 2000;
/** Without a worker for this long, it says how to start one. */
const ALONE_MS = 10_000;
const PAGE = 500;
/** A run that fails twice will fail a third time. */
const ATTEMPTS = 2;

interface Waiting {
  task: PointTask;
  resolve(outcome: PointOutcome): void;
  reject(error: Error): void;
}

/** Throws `UserError` where there is no Redis. `size`: runs that are in the queue at the same time. */
export async function redisPool(url: URL, opened: StudyFile, size: number): Promise<PointPool> {
  await checkReachable(url);
  const runsOf = { scenario: opened.hash, version: opened.version };
  const choice = portable(opened);
  const redis = connect(url);
  const queue = new Queue<QueuedRun, PointOutcome>(queueName(), { connection: redis, prefix: PREFIX });
  const waiting = new Map<string, Waiting>();
  let closed = false;
  let reconciled = 0;
  let heard = performance.now();
  let down = false;
  const say = (sentence: string) => process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${sentence}\n`);
  redis.on('close', () => {
    if (down || closed) return;
    down = true;
    say(`Redis at ${shownAddress(url)} has gone; waiting for it to come back. No run is lost.`);
  });
  redis.on('ready', () => {
    if (down) say('Redis is back.');
    down = false;
    // It may have come back without its data.
    reconciled = 0;
  });
  // What goes wrong with a connection is tried again; the listeners keep it from ending the process.
  redis.on('error', () => undefined);
  queue.on('error', () => undefined);

  const ask = (entries: [string, Waiting][]) =>
    queue.addBulk(
      entries.map(([jobId, { task }]) => ({
        name: 'run',
        data: { scenario: opened.hash, task },
        opts: {
          jobId,
          attempts: ATTEMPTS,
          removeOnComplete: { age: KEEP_SECONDS },
          removeOnFail: { age: KEEP_SECONDS },
        },
      })),
    );

  /** Puts in what Redis does not have: at first everything, later what it has lost. */
  async function reconcile(): Promise<void> {
    if (!(await hasScenario(redis, opened.hash))) await putScenario(redis, opened.hash, choice);
    const entries = [...waiting];
    for (let from = 0; from < entries.length; from += PAGE) {
      const page = entries.slice(from, from + PAGE);
      const pipeline = redis.pipeline();
      for (const [id] of page) pipeline.exists(queue.toKey(id));
      const answers = (await pipeline.exec()) ?? [];
      const lost = page.filter(([id], i) => answers[i]?.[1] === 0 && waiting.has(id));
      if (lost.length > 0) await ask(lost);
    }
  }

  /** Takes what is ready; a job leaves Redis only after whoever waits for it has had its turn to write it down. */
  async function collect(state: 'completed' | 'failed', first: boolean): Promise<void> {
    for (let from = 0; ; from += PAGE) {
      const jobs = await queue.getJobs([state], from, from + PAGE - 1);
      const mine = jobs.filter((job) => job?.id !== undefined && waiting.has(job.id));
      for (const job of mine) {
        const entry = waiting.get(job.id as string) as Waiting;
        heard = performance.now();
        if (state === 'completed' && job.returnvalue !== null) {
          waiting.delete(job.id as string);
          entry.resolve(job.returnvalue);
        } else if (state === 'failed' && !first) {
          waiting.delete(job.id as string);
          entry.reject(new TaskError(`a worker could not make a run: ${job.failedReason}`, false));
        }
      }
      await new Promise((resolve) => setImmediate(resolve));
      // A failure of an earlier sweep is no answer to this one: it is asked for anew.
      await Promise.all(mine.map((job) => job.remove().catch(() => undefined)));
      if (jobs.length < PAGE) return;
    }
  }

  async function adviseIfAlone(): Promise<void> {
    if (performance.now() - heard < ALONE_MS) return;
    heard = Infinity;
    // Some hosts of Redis do not tell who is connected.
    const workers = await queue.getWorkersCount().catch(() => 1);
    if (workers === 0)
      say(
        `No worker is connected. On each machine: npx simsup worker --redis ${url.protocol}//${shownAddress(url)} (simsup ${opened.version})`,
      );
  }

  async function loop(): Promise<void> {
    for (let first = true; !closed; ) {
      try {
        if (waiting.size > 0) {
          if (first) await collect('failed', true);
          if (performance.now() - reconciled > RECONCILE_MS) {
            reconciled = performance.now();
            await reconcile();
          }
          await collect('completed', false);
          if (!first) await collect('failed', false);
          first = false;
          await adviseIfAlone();
        }
      } catch (error) {
        // Redis went away in the middle of it, or is not ready yet; whatever was asked is asked again.
        if (closed) return;
        if (!isOfConnection(error)) for (const { reject } of waiting.values()) reject(error as Error);
        reconciled = 0;
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
  const looping = loop();

  return {
    size: Math.max(1, size),
    run: (task) =>
      new Promise((resolve, reject) => {
        waiting.set(runId(runKey(runsOf, task)), { task, resolve, reject });
        reconciled = 0;
      }),
    async close() {
      closed = true;
      redis.disconnect();
      await Promise.race([looping, new Promise((resolve) => setTimeout(resolve, 500))]);
      await queue.close().catch(() => undefined);
    },
  };
}

/** Errors that say that Redis is away, starting, or has lost its scripts; not that a command was wrong. */
function isOfConnection(error: unknown): boolean {
  const { message = '', name = '', code = '' } = (error ?? {}) as { message?: string; name?: string; code?: string };
  return (
    /^E[A-Z]+$/.test(code) ||
    /Connection is closed|LOADING|Stream isn't writeable|Command timed out|MASTERDOWN|READONLY|TRYAGAIN|CLUSTERDOWN|NOSCRIPT|Missing key/i.test(
      message,
    ) ||
    name === 'MaxRetriesPerRequestError' ||
    name === 'AbortError'
  );
}
