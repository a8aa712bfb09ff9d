// The hold model (Jones, CACM 29(4), 1986): with n events pending, take the next one and schedule one at its time plus a
// random increment. Our queue, which keeps a total order and can cancel, against flatqueue, which does neither; and our
// whole engine, with its handlers and digest, against SimPy.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import FlatQueue from 'flatqueue';
import { Engine } from '../../sim/engine/engine.ts';
import { EventQueue } from '../../sim/engine/queue.ts';
import { isAskedFor } from './only.ts';

/** Rates are per second. `theirs` and `ratio` are null, and `skipped` says why, where the rival cannot be run. */
export type HoldResult = {
  name: string;
  size: number;
  ours: number;
  rival: string;
  theirs: number | null;
  ratio: number | null;
  unit: string;
  skipped?: string;
};

export type HoldOptions = {
  /** Numbers of pending events. */
  sizes?: number[];
  /** Only rows whose name contains this. */
  only?: string;
  /** Shorter and less exact. */
  quick?: boolean;
};

/** Increments, in whole µs, drawn before the clock starts; both sides use the same ones. */
const INCREMENTS = 1 << 18;

type Draw = () => number;

const samplers: Record<string, (uniform: Draw) => number> = {
  /** Mean 1 s. */
  exponential: (uniform) => -Math.log(1 - uniform()) * 1e6,
  /** Nine in ten below 0.1 s, the others between 9 and 10 s. */
  bimodal: (uniform) => (uniform() < 0.9 ? uniform() * 1e5 : 9e6 + uniform() * 1e6),
  /** Pareto from 0.1 s with shape 1.1: a mean of 1.1 s, but no variance. Cut off at 2^45 µs, about a year. */
  'heavy-tailed': (uniform) => Math.min(2 ** 45, 1e5 * (1 - uniform()) ** (-1 / 1.1)),
  /** Nine in ten follow within 100 µs, the others after 10 s on average. */
  bursty: (uniform) => (uniform() < 0.9 ? uniform() * 100 : -Math.log(1 - uniform()) * 1e7),
  /** 0.1, 0.2 … 1 s: with many pending, nearly all have the same time as others. */
  ties: (uniform) => Math.ceil(uniform() * 10) * 1e5,
};

/** Holds per second of our queue, of flatqueue, and their ratio. */
export function holdResults({ sizes = [1e3, 1e5, 1e6], only = '', quick = false }: HoldOptions = {}): HoldResult[] {
  const results: HoldResult[] = [];
  for (const [distribution, sample] of Object.entries(samplers)) {
    const name = `queue/${distribution}`;
    if (!isAskedFor(name, only)) continue;
    const increments = draw(sample);
    for (const size of sizes) {
      const holds = quick ? 3e5 : 1.5e6;
      const [ours, theirs] = medians(quick ? 3 : size > 1e4 ? 5 : 11, [
        () => holdOurs(size, holds, increments),
        () => holdFlatqueue(size, holds, increments),
      ]) as [number, number];
      results.push({
        name,
        size,
        ours,
        rival: 'flatqueue 3.1.0',
        theirs,
        ratio: ours / theirs,
        unit: 'holds/s',
      });
    }
  }
  return results;
}

/** Events per second of our engine, handlers and digest included, and of SimPy 3, where this Python has it. */
export function engineAgainstSimpy(options: HoldOptions & { python?: string } = {}): HoldResult[] {
  const { sizes = [1e3, 1e5], only = '', quick = false, python = 'python3' } = options;
  const name = 'engine/exponential';
  if (!isAskedFor(name, only)) return [];
  const increments = draw(samplers.exponential!);
  return sizes.map((size) => {
    const events = quick ? 3e5 : 1.5e6;
    let simpy = { rival: 'SimPy 3', rate: Number.NaN, skipped: '' };
    const [ours, theirs] = medians(3, [
      () => holdEngine(size, events, increments),
      () => {
        if (simpy.skipped === '') simpy = holdSimpy(python, size, events / 5);
        return simpy.rate;
      },
    ]) as [number, number];
    const row = { name, size, ours, rival: simpy.rival, unit: 'events/s' };
    return simpy.skipped === ''
      ? { ...row, theirs, ratio: ours / theirs }
      : { ...row, theirs: null, ratio: null, skipped: simpy.skipped };
  });
}

function holdOurs(size: number, holds: number, increments: Float64Array): number {
  const queue = new EventQueue(size);
  for (let i = 0; i < size; i++) queue.schedule(increments[i % INCREMENTS]!, 1, 1, i, 0);
  const hold = (n: number) => {
    for (let i = 0; i < n; i++) {
      queue.pop();
      queue.schedule(queue.time + increments[i & (INCREMENTS - 1)]!, 1, 1, queue.a, 0);
    }
  };
  hold(warmUp(size));
  return rate(holds, () => hold(holds));
}

function holdFlatqueue(size: number, holds: number, increments: Float64Array): number {
  const queue = new FlatQueue<number>();
  for (let i = 0; i < size; i++) queue.push(i, increments[i % INCREMENTS]!);
  const hold = (n: number) => {
    for (let i = 0; i < n; i++) {
      const now = queue.peekValue()!;
      queue.push(queue.pop()!, now + increments[i & (INCREMENTS - 1)]!);
    }
  };
  hold(warmUp(size));
  return rate(holds, () => hold(holds));
}

function holdEngine(size: number, events: number, increments: Float64Array): number {
  const engine = new Engine();
  let i = 0;
  engine.on(1, (a) => {
    engine.schedule(engine.now + increments[i++ & (INCREMENTS - 1)]!, 1, 1, a, 0);
  });
  for (let j = 0; j < size; j++) engine.schedule(increments[j % INCREMENTS]!, 1, 1, j, 0);
  engine.run(Infinity, warmUp(size));
  return rate(events, () => engine.run(Infinity, events));
}

/** Runs hold_simpy.py, which is not compiled and so stays in the source folder. */
function holdSimpy(python: string, size: number, events: number): { rival: string; rate: number; skipped: string } {
  const none = { rival: 'SimPy 3', rate: Number.NaN };
  const script = ['./hold_simpy.py', '../../../bench/speed/hold_simpy.py']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  if (script === undefined) return { ...none, skipped: 'bench/speed/hold_simpy.py is not there' };
  const run = spawnSync(python, [script, String(size), String(events)], {
    encoding: 'utf8',
  });
  if (run.error !== undefined)
    return {
      ...none,
      skipped: `${python} cannot be run: ${run.error.message}`,
    };
  if (run.status !== 0)
    return {
      ...none,
      skipped: run.stderr.trim().split('\n').at(-1) ?? `${python} failed`,
    };
  const [version, perSecond] = run.stdout.trim().split(' ');
  return { rival: `SimPy ${version}`, rate: Number(perSecond), skipped: '' };
}

/** Long enough for the pending times to lose their first shape, and for the code to be compiled. */
function warmUp(size: number): number {
  return Math.max(2e5, 2 * size);
}

/** Per second. */
function rate(n: number, work: () => void): number {
  const start = performance.now();
  work();
  return (1000 * n) / (performance.now() - start);
}

/** Runs the contestants in turn, so that noise meets all of them. */
function medians(rounds: number, contestants: (() => number)[]): number[] {
  const rates = contestants.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    contestants.forEach((run, i) => {
      rates[i]!.push(run());
    });
  }
  return rates.map((all) => all.sort((x, y) => x - y)[rounds >> 1]!);
}

/** At least 1 µs each; from a fixed seed (Marsaglia's xorshift32). */
function draw(sample: (uniform: Draw) => number): Float64Array {
  let state = 1;
  const uniform = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return Float64Array.from({ length: INCREMENTS }, () => Math.max(1, Math.round(sample(uniform))));
}
