import { describe, expect, it } from 'vitest';
import { GPU_UNITS } from '../cluster/cluster.ts';
import { plainProject, plainScenario } from '../plain.ts';
import { type JobSpec, jobColumns, nodeColumns } from '../scenario.ts';
import { Accounts } from './accounts.ts';
import { CATEGORIES, CATEGORY, Ledger } from './ledger.ts';

const GPU = GPU_UNITS;
const HALF = GPU / 2;

/** One pool of 8 GPUs, or two; projects deserve so many in each. Each job is given as it is to be booked. */
function books(jobs: Partial<JobSpec>[], deserved: number[][] = [[-1]], pools = 1) {
  const scenario = plainScenario({
    name: 'books',
    nodes: nodeColumns(Array.from({ length: pools }, (_, pool) => ({ pool, count: 1, gpus: 8 }))),
    projects: deserved.map((gpus, i) => plainProject(`p${i}`, gpus)),
    jobs: jobColumns(
      jobs.map((job, i) => ({ id: `j${i}`, project: 0, submitUs: 0, durationUs: 1, taskGpus: [1], ...job })),
    ),
  });
  const ledger = new Ledger(pools, false, Infinity);
  for (let pool = 0; pool < pools; pool++) ledger.enter(0, ledger.account(pool, CATEGORY.free), 8 * GPU);
  const accounts = new Accounts(scenario, ledger);
  /** GPU·µs by `category`, `category over` for what is over quota, that are not zero. */
  const until = (now: number) => {
    ledger.settle(now);
    const sums: Record<string, number> = {};
    let total = 0;
    ledger.owners.forEach((owner, o) => {
      CATEGORIES.forEach((category, c) => {
        const amount = Number(ledger.amount(ledger.account(o, c))) / GPU;
        total += amount;
        const name = `${category}${owner.overQuota ? ' over' : ''}`;
        if (amount !== 0) sums[name] = (sums[name] ?? 0) + amount;
      });
    });
    expect(total).toBe(8 * pools * now);
    return sums;
  };
  return { ledger, accounts, until };
}

describe('Accounts', () => {
  it('book what a job does from its first worker to its last', () => {
    const { accounts, until } = books([{}]);
    accounts.take(0, 0, 0, 2 * GPU);
    accounts.take(10, 0, 0, 2 * GPU);
    accounts.turn(20, 0, 'restart');
    accounts.turn(50, 0, 'running');
    accounts.turn(150, 0, 'checkpoint');
    accounts.saved(160, 0, 0);
    accounts.turn(160, 0, 'running');
    accounts.turn(200, 0, 'terminating');
    accounts.give(205, 0, 0, 4 * GPU, 'ready');
    expect(until(210)).toEqual({
      reserved: 10 * 2 + 10 * 4,
      restart: 30 * 4,
      productive: 140 * 4,
      checkpoint: 10 * 4,
      terminating: 5 * 4,
      free: 8 * 210 - 10 * 2 - 195 * 4,
    });
  });

  it('take back as lost just what was done since the last save', () => {
    const { accounts, until } = books([{}]);
    accounts.take(0, 0, 0, 4 * GPU);
    accounts.turn(0, 0, 'running');
    accounts.saved(60, 0, 0);
    accounts.lose(100, 0);
    accounts.lose(100, 0);
    expect(until(100)).toMatchObject({ productive: 60 * 4, lost: 40 * 4 });
    // What was lost is not at risk again.
    accounts.lose(110, 0);
    expect(until(110)).toMatchObject({ productive: 60 * 4, lost: 50 * 4 });
  });

  it('split a use profile, and call a service what it is', () => {
    const { accounts, until } = books([{ useMilli: 100 }, { class: 'inference', useMilli: 250 }]);
    accounts.take(0, 0, 0, HALF);
    accounts.take(0, 1, 0, 2 * GPU);
    for (const job of [0, 1]) accounts.turn(0, job, 'running');
    // A replica that is killed has served what it served.
    accounts.lose(100, 1);
    expect(until(100)).toEqual({
      productive: 5,
      'idle-allocated': 45,
      serving: 50,
      'serving-idle': 150,
      free: 8 * 100 - 50 - 200,
    });
  });

  it('let the oldest borrower come into quota as it becomes free, to the unit', () => {
    const { accounts, until } = books([{}, {}, {}], [[2]]);
    accounts.take(0, 0, 0, 2 * GPU);
    accounts.take(0, 1, 0, 2 * GPU);
    accounts.take(0, 2, 0, GPU + HALF);
    for (const job of [0, 1, 2]) accounts.turn(0, job, 'running');
    expect(accounts.held(0, 0)).toEqual([2 * GPU, 3 * GPU + HALF]);
    accounts.give(10, 0, 0, 2 * GPU, 'ready');
    // Job 1 is the older one.
    expect(accounts.held(0, 0)).toEqual([2 * GPU, GPU + HALF]);
    accounts.give(20, 1, 0, 2 * GPU, 'ready');
    expect(accounts.held(0, 0)).toEqual([GPU + HALF, 0]);
    expect(until(30)).toMatchObject({ productive: 10 * 2 + 10 * 2 + 10 * 1.5, 'productive over': 10 * 3.5 + 10 * 1.5 });
  });

  it('take losses from the side, in quota or over it, on which the work was done', () => {
    const { accounts, until } = books([{}, {}], [[2]]);
    accounts.take(0, 0, 0, 2 * GPU);
    accounts.take(0, 1, 0, 2 * GPU);
    for (const job of [0, 1]) accounts.turn(0, job, 'running');
    accounts.give(40, 0, 0, 2 * GPU, 'ready');
    accounts.lose(100, 1);
    expect(until(100)).toMatchObject({ productive: 80, 'lost over': 80, lost: 120 });
  });

  it('keep quotas of pools and of projects apart', () => {
    const { accounts } = books(
      [{}, { project: 1 }],
      [
        [1, 0],
        [0, 4],
      ],
      2,
    );
    accounts.take(0, 0, 0, 2 * GPU);
    accounts.take(0, 0, 1, GPU);
    accounts.take(0, 1, 1, 3 * GPU);
    expect(accounts.held(0, 0)).toEqual([GPU, GPU]);
    expect(accounts.held(0, 1)).toEqual([0, GPU]);
    expect(accounts.held(1, 1)).toEqual([3 * GPU, 0]);
    accounts.give(5, 0, 0, GPU, 'ready');
    // What is over quota leaves first.
    expect(accounts.held(0, 0)).toEqual([GPU, 0]);
  });

  it('return GPUs to what their node is', () => {
    const { accounts, until } = books([{}]);
    accounts.take(0, 0, 0, 4 * GPU);
    accounts.turn(0, 0, 'running');
    accounts.idle(10, 0, 4 * GPU, 'ready', 'unhealthy');
    accounts.give(10, 0, 0, 4 * GPU, 'unhealthy');
    expect(until(20)).toEqual({ free: 40, productive: 40, unhealthy: 80 });
    accounts.idle(20, 0, 8 * GPU, 'unhealthy', 'provisioning');
    accounts.idle(30, 0, 8 * GPU, 'provisioning', 'ready');
    expect(until(40)).toEqual({ free: 120, productive: 40, unhealthy: 80, provisioning: 80 });
  });

  it('know nothing of a job without GPUs', () => {
    const { accounts, until } = books([{ taskGpus: [0] }]);
    accounts.take(0, 0, 0, 0);
    accounts.turn(0, 0, 'running');
    accounts.lose(10, 0);
    accounts.give(10, 0, 0, 0, 'ready');
    expect(until(10)).toEqual({ free: 80 });
  });
});
