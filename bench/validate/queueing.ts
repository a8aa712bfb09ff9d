/**
 * Queueing theory: one-GPU jobs that arrive at random under `fifo` on c GPUs are the queue M/G/c, for which the waiting
 * time is known. Each figure is the mean of independent replications with the half-width of its 99.9 % confidence
 * interval as the tolerance; a claim whose interval is too wide to catch a real error fails as well.
 */
import { openStream, type Stream } from '../../sim/engine/random.ts';
import { exponential, lognormal } from '../../sim/engine/samplers.ts';
import { HOUR_US, JobsBuilder, nodeColumns, type Run, type Scenario, simulate, type TraceRow } from '../../sim/simulate.ts';
import { type Claim, type ClaimGroup, commandFor, type Effort } from './claim.ts';

const GROUP = 'queueing';

/** A service time with its first two moments, in units of its mean. */
interface Service {
  name: string;
  /** E[S²] / E[S]². */
  secondMoment: number;
  draw(stream: Stream): number;
}

const exponentialService: Service = { name: 'M', secondMoment: 2, draw: (stream) => exponential(stream, 1) };
const deterministic: Service = { name: 'D', secondMoment: 1, draw: () => 1 };
/** σ² of the logarithm is ln 2, so that E[S²] = e^σ² = 2 with E[S] = 1: as variable as the exponential, another shape. */
const LN2 = 0.6931471805599453;
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
  return {
    name: `M/${service.name}/${servers}`,
    title: 'Poisson arrivals of one-GPU jobs, first come first served',
    seed,
    startEpochSeconds: 0,
    utcOffsetMinutes: 0,
    durationUs: Infinity,
    warmUpUs: 0,
    policy: { name: 'fifo', args: {} },
    pools: [{ name: 'pool', gpuModel: 'H200-SXM5', gpuMemoryMiB: 144_384, priceMicroUsd: 0, spot: false }],
    nodes: nodeColumns([{ pool: 0, count: Math.max(1, servers / 8), gpus: Math.min(8, servers) }]),
    migLayouts: [],
    migProfiles: [],
    departments: [{ name: 'default', parent: -1 }],
    projects: [
      {
        name: 'project', department: 0, deservedGpus: [-1], overQuotaWeight: 1, maxOverQuotaGpus: -1, priority: 100,
        chargebackLabel: '',
      },
    ],
    users: [],
    jobs: builder.build(),
    poolLists: [[0]],
    speedProfiles: [],
    fixedCosts: [],
    assumptions: [],
  };
}

/** Probability that an arrival waits in M/M/c (Erlang 1917), by the recursion of Erlang's B formula. */
export function erlangC(servers: number, load: number): number {
  const offered = servers * load;
  let blocked = 1;
  for (let k = 1; k <= servers; k++) blocked = (offered * blocked) / (k + offered * blocked);
  return blocked / (1 - load * (1 - blocked));
}
