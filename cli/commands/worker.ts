/** `simsup worker --redis URL`: makes the runs of sweeps on other machines, until it is told to stop. */

import { availableParallelism } from 'node:os';
import { Worker } from 'bullmq';
import { Command } from 'commander';
import { counted } from '../../reports/format.ts';
import type { PointOutcome, PointPool } from '../../studies/point.ts';
import { durationOption, wholeOption } from '../host/options.ts';
import { packageVersion } from '../host/package-version.ts';
import { pointThreads } from '../host/pool.ts';
import { connect, getScenario, PREFIX, type QueuedRun, queueName, redisUrl, shownAddress } from '../host/redis.ts';

interface Flags {
  redis: string;
  threads?: number;
  idle?: number;
}

/** A worker that died holds a run for this long before another takes it. */
const LOCK_MS = 10_000;
const LOOK_FOR_DEAD_MS = 3000;
/** How often a run may be taken from the dead: one that kills its workers must end, too. */
const MOST_DEATHS = 20;
/** Scenarios that are kept open, with their threads. */
const MOST_SCENARIOS = 2;
/** The sweep puts a scenario that Redis has lost back within this time. */
const SCENARIO_WAIT_MS = 30_000;

export function workerCommand(): Command {
  return new Command('worker')
    .description('makes the runs of sweeps that were started with --redis, on any number of machines')
    .requiredOption('--redis <url>', 'the Redis that the sweeps use, such as redis://queue:6379')
    .option('--threads <n>', 'runs at the same time (default: all cores)', wholeOption('--threads', 1, 1024))
    .option('--idle <duration>', 'ends after so long without a run (default: never)', durationOption('--idle'))
    .addHelpText('after', '\nExample:\n  npx simsup worker --redis redis://queue:6379')
    .action(work);
}

async function work({ redis: address, threads = availableParallelism(), idle }: Flags): Promise<void> {
  const url = redisUrl(address);
  const redis = connect(url);
  let away = false;
  redis.on('error', (error: NodeJS.ErrnoException) => {
    if (away) return;
    away = true;
    process.stderr.write(`No Redis answers at ${shownAddress(url)} (${error.code ?? error.message}); trying again.\n`);
  });
  redis.on('ready', () => {
    if (away) process.stderr.write(`Redis at ${shownAddress(url)} is there.\n`);
    away = false;
  });
  const pools = new Map<string, PointPool>();
  let made = 0;
  let active = 0;
  let lastWork = performance.now();

  async function poolOf(hash: string): Promise<PointPool> {
    const known = pools.get(hash);
    if (known !== undefined) return known;
    const until = performance.now() + SCENARIO_WAIT_MS;
    for (;;) {
      const choice = await getScenario(redis, hash);
      // Another run of the same scenario may have opened it meanwhile.
      const opened = pools.get(hash);
      if (opened !== undefined) return opened;
      if (choice !== undefined) {
        const pool = pointThreads(choice, threads);
        pools.set(hash, pool);
        return pool;
      }
      if (performance.now() > until) throw new Error('its scenario is not in Redis: is the sweep still there?');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  const busy = new Map<string, number>();
  const count = (hash: string, by: number) => busy.set(hash, (busy.get(hash) ?? 0) + by);
  /** Closes scenarios nobody has asked for the longest. */
  async function closeOld(): Promise<void> {
    for (const [hash, pool] of pools) {
      if (pools.size <= MOST_SCENARIOS) return;
      if ((busy.get(hash) ?? 0) > 0) continue;
      pools.delete(hash);
      await pool.close();
    }
  }

  const worker = new Worker<QueuedRun, PointOutcome>(
    queueName(),
    async ({ data: { scenario, task } }) => {
      active++;
      count(scenario, 1);
      try {
        const pool = await poolOf(scenario);
        const outcome = await pool.run(task);
        made++;
        return outcome;
      } finally {
        active--;
        count(scenario, -1);
        lastWork = performance.now();
        await closeOld();
      }
    },
    {
      connection: redis,
      prefix: PREFIX,
      concurrency: threads,
      lockDuration: LOCK_MS,
      stalledInterval: LOOK_FOR_DEAD_MS,
      maxStalledCount: MOST_DEATHS,
      drainDelay: 1,
    },
  );
  // A run whose lock was lost (Redis came back empty) is made again by whoever gets it next.
  worker.on('error', () => undefined);

  process.stderr.write(
    `Worker of simsup ${packageVersion()}: ${counted(threads, 'thread')}, waiting for runs at ${shownAddress(url)}. Ctrl-C: ends after the present runs.\n`,
  );
  await new Promise<void>((resolve) => {
    let asked = 0;
    const stop = () => {
      if (++asked > 1) process.exit(130);
      resolve();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop);
    if (idle === undefined) return;
    const look = setInterval(() => {
      if (active > 0 || performance.now() - lastWork < idle / 1000) return;
      clearInterval(look);
      resolve();
    }, 200);
  });
  // Without Redis nobody can be told of what is half done.
  await worker.close(away);
  await Promise.all([...pools.values()].map((pool) => pool.close()));
  redis.disconnect();
  process.stderr.write(`Made ${made} runs.\n`);
}
