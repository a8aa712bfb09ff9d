/** What sweeps and workers agree on in Redis: where the queue is, what stands in it, where a scenario's text is. */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { UserError } from '../../scenarios/import/import.ts';
import type { PointTask } from '../../studies/point.ts';
import { packageVersion } from './package-version.ts';
import type { StudyChoice } from './study-file.ts';

/** In braces, so that a Redis cluster keeps all keys of the queue on one of its nodes. */
export const PREFIX = '{simsup}';
/** Another version may compute other figures: workers take runs of their own version only. */
export const queueName = () => `runs-${packageVersion().replaceAll(':', '_')}`;

/** One run in the queue; its scenario is kept beside it, once for all runs. */
export interface QueuedRun {
  scenario: string;
  task: PointTask;
}

/** What nobody has asked for in this time is dropped. */
export const KEEP_SECONDS = 7 * 24 * 3600;

/** Throws `UserError` for what is no address of a Redis. */
export function redisUrl(text: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // Said below.
  }
  if (url === undefined || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '')
    throw new UserError(
      `--redis ${text.replace(/\/\/[^@/]*@/, '//…@')}: expected an address such as redis://localhost:6379`,
    );
  return url;
}

/** As it may be shown: without user and password. */
export const shownAddress = (url: URL) => `${url.hostname}:${url.port || '6379'}`;

/** Tries again for as long as it takes: a Redis that died is expected back. */
export function connect(url: URL): Redis {
  return new Redis(url.href, {
    // As BullMQ asks: a command waits for the connection, however long.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(50 * times, 1000),
    // Redis that is still loading its data from the disk is not there yet.
    enableReadyCheck: true,
  });
}

/** Throws `UserError` if nobody answers there now. */
export async function checkReachable(url: URL): Promise<void> {
  const probe = new Redis(url.href, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: 5000,
  });
  let why = '';
  probe.on('error', (error) => {
    why = error.message || (error as NodeJS.ErrnoException).code || '';
  });
  try {
    await probe.connect();
    await probe.ping();
  } catch (error) {
    throw new UserError(`no Redis answers at ${shownAddress(url)}: ${why || (error as Error).message}`);
  } finally {
    probe.disconnect();
  }
}

const scenarioKey = (hash: string) => `${PREFIX}:scenario:${hash}`;

export async function putScenario(redis: Redis, hash: string, choice: StudyChoice): Promise<void> {
  await redis.set(scenarioKey(hash), gzipSync(JSON.stringify(choice)), 'EX', KEEP_SECONDS);
}

export async function hasScenario(redis: Redis, hash: string): Promise<boolean> {
  return (await redis.expire(scenarioKey(hash), KEEP_SECONDS)) === 1;
}

export async function getScenario(redis: Redis, hash: string): Promise<StudyChoice | undefined> {
  const bytes = await redis.getBuffer(scenarioKey(hash));
  return bytes === null ? undefined : JSON.parse(gunzipSync(bytes).toString('utf8'));
}

/** A run's id in the queue: the same run is there once, whoever asks for it. */
export const runId = (key: string) => createHash('sha256').update(key).digest('hex').slice(0, 40);
