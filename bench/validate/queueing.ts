/**
 * Queueing theory: one-GPU jobs that arrive at random under `fifo` on c GPUs are the queue M/G/c, for which the waiting
 * time is known. Each figure is the mean of independent replications with the half-width of its 99.9 % confidence
 * interval as the tolerance; a claim whose interval is too wide to catch a real error fails as well.
 */
import { openStream, type Stream } from '../../sim/engine/random.ts';
import { exponential, lognormal } from '../../sim/engine/samplers.ts';
import { plainScenario } from '../../sim/plain.ts';
import { HOUR_US, JobsBuilder, nodeColumns, type Run, type Scenario, simulate } from '../../sim/simulate.ts';
import { type Claim, type ClaimGroup, commandFor, type Effort } from './claim.ts';
import { coverage, type Repeated } from './coverage.ts';
import { meanWithin } from './estimate.ts';

/** A service time with its first two moments, in units of its mean. */
interface Service {
  name: string;
  /** E[S²] / E[S]². */
  secondMoment: number;
  draw(stream: Stream): number;
}

export const exponentialService: Service = { name: 'M', secondMoment: 2, draw: (stream) => exponential(stream, 1) };
const deterministic: Service = { name: 'D', secondMoment: 1, draw: () => 1 };
/** σ² of the logarithm is ln 2, so that E[S²] = e^σ² = 2 with E[S] = 1: as variable as the exponential, another shape. */
const LN2 = Math.LN2;
const lognormalService: Service = {
  name: 'lognormal',
  secondMoment: 2,
  draw: (stream) => lognormal(stream, -LN2 / 2, Math.sqrt(LN2)),
};
/** Four in five of mean ½, one in five of mean 3: E[S] = 1, E[S²] = 2 (0.8 · ¼ + 0.2 · 9) = 4. */
const hyperExponential: Service = {
  name: 'H2',
  secondMoment: 4,
  draw: (stream) => exponential(stream, stream.next() < 0.8 ? 0.5 : 3),
};

/** Mean service time. A microsecond is 3e-10 of it, so that rounding plays no part. */
const SERVICE_US = HOUR_US;

interface Queue {
  servers: number;
  load: number;
  service: Service;
}

/** Jobs of one replication; arrivals and service times come from streams of their own. */
export function queueScenario({ servers, load, service }: Queue, count: number, seed: string): Scenario {
  const arrivals = openStream(seed, 'arrivals');
  const services = openStream(seed, 'services');
  const gapUs = SERVICE_US / (servers * load);
  const builder = new JobsBuilder();
  let at = 0;
  for (let i = 0; i < count; i++) {
    at += exponential(arrivals, gapUs);
    const durationUs = Math.max(1, Math.round(service.draw(services) * SERVICE_US));
    builder.add({ id: String(i), project: 0, submitUs: Math.round(at), durationUs, taskGpus: [1] });
  }
  return plainScenario({
    name: `M/${service.name}/${servers}`,
    title: 'Poisson arrivals of one-GPU jobs, first come first served',
    seed,
    nodes: nodeColumns([{ pool: 0, count: Math.max(1, servers / 8), gpus: Math.min(8, servers) }]),
    jobs: builder.build(),
  });
}

/** Probability that an arrival waits in M/M/c (Erlang 1917), by the recursion of Erlang's B formula. */
export function erlangC(servers: number, load: number): number {
  const offered = servers * load;
  let blocked = 1;
  for (let k = 1; k <= servers; k++) blocked = (offered * blocked) / (k + offered * blocked);
  return blocked / (1 - load * (1 - blocked));
}

/** Mean wait in M/M/c, in mean service times. */
const erlangWait = (servers: number, load: number) => erlangC(servers, load) / (servers * (1 - load));

/** Mean wait in M/G/1, in mean service times (Pollaczek 1930, Khinchine 1932). */
const pollaczekKhinchine = (load: number, secondMoment: number) => (load * secondMoment) / (2 * (1 - load));

const REPLICATIONS = 30;

/** One figure of a replication and the averages with known means that explain part of its error. */
interface Replication {
  wait: number;
  waited: number;
  controls: number[];
}

function replicate(queue: Queue, jobsEach: number, seed: string): Replication {
  const scenario = queueScenario(queue, jobsEach, seed);
  const { jobs } = scenario;
  const run = simulate(scenario);
  // The queue starts empty; its relaxation time, about 1/(c (1 − √ρ)²) services, is a few hundred arrivals at load 0.9.
  const from = Math.floor(jobsEach / 10);
  const n = jobsEach - from;
  let wait = 0;
  let waited = 0;
  let service = 0;
  let squared = 0;
  for (let j = from; j < jobsEach; j++) {
    wait += run.jobs.queuedUs[j] / SERVICE_US;
    if (run.jobs.queuedUs[j] > 0) waited++;
    const time = jobs.durationUs[j] / SERVICE_US;
    service += time;
    squared += time * time;
  }
  const gap = (jobs.submitUs[jobsEach - 1] - jobs.submitUs[from]) / (n - 1) / SERVICE_US;
  const controls = [gap - 1 / (queue.servers * queue.load)];
  if (queue.service !== deterministic) controls.push(service / n - 1, squared / n - queue.service.secondMoment);
  return { wait: wait / n, waited: waited / n, controls };
}

interface Case extends Queue {
  jobsEach: number;
  /** Widest interval that still says something, as a share of the expected value. */
  widest: number;
}

const CASES: Case[] = [
  { servers: 1, load: 0.7, service: exponentialService, jobsEach: 3000, widest: 0.1 },
  { servers: 8, load: 0.7, service: exponentialService, jobsEach: 6000, widest: 0.15 },
  { servers: 8, load: 0.9, service: exponentialService, jobsEach: 12_000, widest: 0.2 },
  // Few wait at all: what can be told here is the order of magnitude.
  { servers: 64, load: 0.7, service: exponentialService, jobsEach: 10_000, widest: 0.8 },
  { servers: 64, load: 0.9, service: exponentialService, jobsEach: 12_000, widest: 0.25 },
  { servers: 1, load: 0.7, service: deterministic, jobsEach: 3000, widest: 0.1 },
  { servers: 1, load: 0.7, service: lognormalService, jobsEach: 4000, widest: 0.1 },
  { servers: 1, load: 0.6, service: hyperExponential, jobsEach: 4000, widest: 0.1 },
];

const nameOf = ({ service, servers, load }: Queue) => `M/${service.name}/${servers} at load ${load}`;

function waitingClaims(queue: Case, quick: boolean): Claim[] {
  const { servers, load, service } = queue;
  const replications = Array.from({ length: REPLICATIONS }, (_, i) =>
    replicate(queue, quick ? Math.ceil(queue.jobsEach / 4) : queue.jobsEach, `${nameOf(queue)} #${i}`),
  );
  const controls = replications.map((one) => one.controls);
  const claim = (what: string, source: string, unit: string, expected: number, values: number[]): Claim => {
    const { mean, halfWidth } = meanWithin(values, controls);
    const sharp = halfWidth <= expected * queue.widest * (quick ? 2.5 : 1);
    return {
      id: `queueing/${what}/${nameOf(queue)}`,
      group: 'queueing',
      source,
      expected,
      got: mean,
      tolerance: halfWidth,
      pass: sharp && Math.abs(mean - expected) <= halfWidth,
      command: commandFor('queueing'),
      unit,
      ...(sharp ? {} : { reason: 'the confidence interval is too wide to tell' }),
    };
  };
  const waits = replications.map((one) => one.wait);
  if (service !== exponentialService) {
    const expected = pollaczekKhinchine(load, service.secondMoment);
    return [claim('mean wait', 'Pollaczek–Khinchine formula', 'mean service times', expected, waits)];
  }
  const waited = replications.map((one) => one.waited);
  return [
    claim('mean wait', 'Erlang C formula', 'mean service times', erlangWait(servers, load), waits),
    claim('share that waits', 'Erlang C formula', 'jobs', erlangC(servers, load), waited),
  ];
}

/** Waiting times in G/G/c first come first served, by the recursion of Kiefer and Wolfowitz (1955): exact, path by path. */
export function kieferWolfowitz(
  submitUs: ArrayLike<number>,
  durationUs: ArrayLike<number>,
  servers: number,
): Float64Array {
  const freeAt = new Float64Array(servers);
  const waits = new Float64Array(submitUs.length);
  for (let j = 0; j < submitUs.length; j++) {
    let first = 0;
    for (let k = 1; k < servers; k++) if (freeAt[k] < freeAt[first]) first = k;
    const start = Math.max(submitUs[j], freeAt[first]);
    waits[j] = start - submitUs[j];
    freeAt[first] = start + durationUs[j];
  }
  return waits;
}

/** Identities that hold on every path, to the microsecond. */
function exactClaims(queue: Queue, count: number): Claim[] {
  const scenario = queueScenario(queue, count, `${nameOf(queue)} path`);
  const { jobs } = scenario;
  // Both integrals are taken from the event trace alone: ∫N dt = Σ changes × time left.
  let waiting = 0n;
  let inSystem = 0n;
  let last = 0n;
  let line = 0n;
  let present = 0n;
  const run: Run = simulate(scenario, {
    trace: ({ event, timeUs }) => {
      if (event !== 'submit' && event !== 'start' && event !== 'complete') return;
      const now = BigInt(timeUs);
      waiting += line * (now - last);
      inSystem += present * (now - last);
      last = now;
      if (event === 'submit') present++;
      if (event === 'complete') present--;
      if (event === 'submit') line++;
      if (event === 'start') line--;
    },
  });
  const { endUs, queuedUs } = run.jobs;
  const exact = (what: string, source: string, unit: string, expected: bigint, got: bigint): Claim => ({
    id: `queueing/${what}/${nameOf(queue)}`,
    group: 'queueing',
    source,
    expected: Number(expected),
    got: Number(got),
    tolerance: 0,
    pass: expected === got,
    command: commandFor('queueing'),
    unit,
  });
  const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, us) => total + BigInt(us), 0n);
  const waits = kieferWolfowitz(jobs.submitUs, jobs.durationUs, queue.servers);
  const differing = waits.reduce((jobsThatDiffer, wait, j) => jobsThatDiffer + (wait === queuedUs[j] ? 0 : 1), 0);
  const productive = run.entries.filter((entry) => entry.category === 'productive');
  const worked = productive.reduce((total, entry) => total + entry.amount, 0n);
  return [
    exact(
      'jobs whose wait differs',
      'Kiefer and Wolfowitz 1955, the recursion for G/G/c',
      'jobs',
      0n,
      BigInt(differing),
    ),
    exact('∫ waiting jobs', "Little's law: Lq·T = Σ waits", 'job·µs', sum(queuedUs), waiting),
    exact(
      '∫ jobs in the system',
      "Little's law: L·T = Σ times in the system",
      'job·µs',
      sum(endUs) - sum(jobs.submitUs),
      inSystem,
    ),
    exact(
      'productive GPU-time',
      "Little's law: busy servers · T = Σ service times",
      'GPU·µs',
      sum(jobs.durationUs),
      worked / 7000n,
    ),
  ];
}

const REPEATED: Repeated[] = [
  { servers: 1, load: 0.5, jobs: 5000, warmUp: 500 },
  { servers: 8, load: 0.7, jobs: 6000, warmUp: 600 },
];
/** Of a Study that does not say. */
const STUDY_SEEDS = 5;

/** Whether intervals over seeds, as studies give them, hold as often as they say. */
function coverageClaim(queue: Repeated, quick: boolean): Claim {
  const repetitions = quick ? 400 : 2000;
  const got = coverage(queue, erlangWait(queue.servers, queue.load), repetitions, STUDY_SEEDS);
  // Four standard errors of a share of 400, and four of 2,000.
  const tolerance = quick ? 0.045 : 0.02;
  return {
    id: `queueing/95 % intervals that hold/M/M/${queue.servers} at load ${queue.load}`,
    group: 'queueing',
    source: `Erlang C formula, ${repetitions} studies of ${STUDY_SEEDS} seeds from seed 1 on`,
    expected: 0.95,
    got,
    tolerance,
    pass: Math.abs(got - 0.95) <= tolerance,
    command: commandFor('queueing'),
    unit: 'share of studies',
  };
}

export const queueing: ClaimGroup = {
  name: 'queueing',
  about: 'waiting times under fifo against Erlang, Pollaczek–Khinchine, Kiefer–Wolfowitz and Little',
  run({ quick }: Effort): Claim[] {
    const paths: Queue[] = [
      { servers: 1, load: 0.9, service: deterministic },
      { servers: 8, load: 0.9, service: exponentialService },
      { servers: 64, load: 0.95, service: hyperExponential },
    ];
    return [
      ...CASES.filter(({ load }) => !quick || load < 0.9).flatMap((queue) => waitingClaims(queue, quick)),
      ...paths.flatMap((queue) => exactClaims(queue, quick ? 1000 : 5000)),
      ...REPEATED.map((queue) => coverageClaim(queue, quick)),
    ];
  },
};
