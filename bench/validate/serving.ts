/**
 * Serving: published measurements (serving-points.ts says which half was fitted), where a replica saturates, the order of
 * GPUs, queueing theory with batching off, Little's law, and the closed form against every request.
 */
import { gpuModel } from '../../scenarios/catalogue/gpus.ts';
import { planReplica } from '../../scenarios/catalogue/serving.ts';
import { openStream, type Stream } from '../../sim/engine/random.ts';
import { exponential } from '../../sim/engine/samplers.ts';
import { type Deployment, serve } from '../../sim/serve.ts';
import { type Arrivals, generated } from '../../sim/world/serving/arrivals.ts';
import { measured } from '../../sim/world/serving/cost.ts';
import type { Claim, ClaimGroup, Effort } from './claim.ts';
import { meanWithin } from './estimate.ts';
import { erlangC } from './queueing.ts';
import { BANDS, type Case, type Measure, type Point, points, SMALL_BATCH_BAND } from './serving-points.ts';
import { fleetClaims, rateClaims } from './serving-rate.ts';
import { servingClaim as claim, deployed, type Figures, LENGTHS, measure } from './serving-run.ts';

const UNIT: Record<Measure, string> = { ttft: 'ms', itl: 'ms', throughput: 'output tokens/s' };

function bandOf({ what, case: one }: Point): number {
  const small = one.load.kind === 'closed' && one.load.users < 8;
  return what === 'itl' && small ? SMALL_BATCH_BAND : BANDS[what];
}

/** MLPerf's submissions: what is published with the results is not enough to repeat them, so they are shown, not judged. */
const isUnderstated = (point: Point) => point.table.startsWith('MLPerf');

function measuredClaims(): Claim[] {
  const runs = new Map<Case, Figures>();
  const figures = (one: Case) => {
    const known = runs.get(one) ?? measure(one);
    runs.set(one, known);
    return known;
  };
  const errors = { fitted: [] as number[], held: [] as number[] };
  const claims = points().map((point): Claim => {
    const got = figures(point.case)[point.what];
    const role = point.fitted ? 'fitted' : 'held out';
    const made = claim(
      `${role}: ${point.table}, ${point.what}`,
      point.source,
      UNIT[point.what],
      point.expected,
      got,
      bandOf(point) * point.expected,
    );
    if (isUnderstated(point))
      return {
        ...made,
        pass: null,
        reason:
          'the parallelism and the distribution of lengths of this run are not published with its result; run here with mean lengths',
      };
    errors[point.fitted ? 'fitted' : 'held'].push(Math.abs(got / point.expected - 1));
    return made;
  });
  const median = (xs: number[]) => [...xs].sort((x, y) => x - y)[xs.length >> 1];
  const source = 'median of |got ÷ expected − 1| over the rows above';
  return [
    ...claims,
    claim('median error of the rows held out', source, 'share', 0, median(errors.held), 0.1),
    claim('median error of the rows fitted', source, 'share', 0, median(errors.fitted), 0.1),
  ];
}

/** Where NIM's 70B on two H100 stops getting faster, and how many requests it then works on at a time. */
function kneeClaims(): Claim[] {
  const source = 'docs.nvidia.com/nim/benchmarking/llm/1.0.0/performance, Llama 3.3 70B FP8 on 2 × H100, 5000/500';
  const at = (users: number) =>
    measure({
      ...{ model: 'llama-3.3-70b', precision: 'fp8', gpu: 'H100', tensor: 2, prompt: 5000, output: 500, replicas: 1 },
      load: { kind: 'closed', users },
    });
  const plateau = at(250);
  let knee = 10;
  while (knee < 250 && at(knee).throughput < 0.97 * plateau.throughput) knee += 5;
  const live = (plateau.throughput * plateau.itl) / 1000;
  return [
    claim('knee of NIM 70B, between 50 and 100 users', source, 'users', 75, knee, 25),
    claim(
      'requests decoding beyond the knee of NIM 70B, throughput × ITL',
      source,
      'requests',
      85.5,
      live,
      0.05 * 85.5,
    ),
  ];
}

function orderClaims(): Claim[] {
  const rate = (model: string, gpu: string, prompt: number, output: number) =>
    measure({
      ...{ model, precision: 'fp8', gpu, tensor: 2, prompt, output, replicas: 1 },
      load: { kind: 'offline', requests: 600 },
    }).throughput;
  const cases: [string, number, number][] = [
    ['llama-3.3-70b', 1000, 1000],
    ['llama-3.3-70b', 5000, 500],
    ['llama-3.3-70b', 2048, 128],
    ['llama-3.1-8b', 1000, 1000],
  ];
  return cases.map(([model, prompt, output]) => {
    const rates = ['H100', 'H200', 'B200'].map((gpu) => rate(model, gpu, prompt, output));
    const inOrder = rates[0] < rates[1] && rates[1] < rates[2] ? 1 : 0;
    return claim(
      `H100 < H200 < B200: ${model} ${prompt}/${output} (${rates.map((r) => Math.round(r)).join(', ')} tokens/s)`,
      'TensorRT-LLM overview and MLPerf Inference v5.1 agree on the order',
      'true',
      1,
      inOrder,
      0,
    );
  });
}

// --- queueing theory: one request at a time, so that a replica is a server ------------------------------------------

/** A token takes 10 µs whatever the batch; a prompt takes nothing to speak of. */
const TOKEN_US = 10;
const ONE_AT_A_TIME = measured({
  batches: [1],
  contexts: [0],
  decodeMs: [[TOKEN_US / 1000]],
  prefillTokens: [1],
  prefillMs: [0],
});
const MEAN_SERVICE_US = 1_000_000;

interface Queue {
  name: string;
  servers: number;
  load: number;
  /** E[S²] / E[S]². */
  secondMoment: number;
  /** In mean service times. */
  draw(stream: Stream): number;
}

const QUEUES: Queue[] = [
  { name: 'M/M/1', servers: 1, load: 0.8, secondMoment: 2, draw: (s) => exponential(s, 1) },
  { name: 'M/M/4', servers: 4, load: 0.8, secondMoment: 2, draw: (s) => exponential(s, 1) },
  { name: 'M/D/1', servers: 1, load: 0.6, secondMoment: 1, draw: () => 1 },
  // Nine in ten take 0.4, one in ten 4.0: mean 0.76.
  {
    name: 'M/G/1, two lengths',
    servers: 1,
    load: 0.57,
    secondMoment: 1.744 / (0.76 * 0.76),
    draw: (s) => (s.next() < 0.9 ? 0.4 : 4) / 0.76,
  },
];

/** c replicas behind one line: the router would have to see the future, so for c > 1 one replica runs c at a time. */
const oneByOne = (servers: number): Deployment =>
  deployed({
    settings: {
      cost: ONE_AT_A_TIME,
      ...{ blockTokens: 16, blocks: 1e9, maxTokens: 4096, maxSequences: servers },
      ...{ chunkedPrefill: true, reserveOutput: false, prefixTokens: 0 },
    },
    gpus: 1,
  });

function poissonRequests(queue: Queue, count: number, seed: string): Arrivals {
  const [times, services] = [openStream(seed, 'arrivals'), openStream(seed, 'services')];
  let at = 0;
  let left = count;
  return (into) => {
    at += exponential(times, MEAN_SERVICE_US / (queue.servers * queue.load));
    into.timeUs = Math.round(at);
    into.prompt = 1;
    // The prefill that takes nothing gives the first token.
    into.output = 1 + Math.max(1, Math.round((queue.draw(services) * MEAN_SERVICE_US) / TOKEN_US));
    return left-- > 0;
  };
}

function queueClaims(quick: boolean): Claim[] {
  const runs = 30;
  return QUEUES.map((queue) => {
    const waits: number[] = [];
    for (let i = 0; i < runs; i++) {
      const { record } = serve(
        oneByOne(queue.servers),
        poissonRequests(queue, quick ? 3000 : 12_000, `${queue.name} ${i}`),
      );
      waits.push(record.queue.mean / MEAN_SERVICE_US);
    }
    const { servers, load } = queue;
    const expected =
      servers === 1 ? (load * queue.secondMoment) / (2 * (1 - load)) : erlangC(servers, load) / (servers * (1 - load));
    const { mean, halfWidth } = meanWithin(
      waits,
      waits.map(() => []),
    );
    return claim(
      `mean wait, batching off: ${queue.name} at load ${load}`,
      servers === 1 ? 'Pollaczek–Khinchine formula' : 'Erlang C formula',
      'mean service times',
      expected,
      mean,
      halfWidth,
    );
  });
}

// --- Little's law -----------------------------------------------------------------------------------------------------

function littleClaims(): Claim[] {
  const plan = planReplica({ model: 'llama-3.1-8b', precision: 'fp8' }, gpuModel('H100') as never);
  const requests = generated(
    { process: { kind: 'gamma', perSecond: 20, cv: 3 }, ...LENGTHS, tenant: 0, untilUs: Infinity, count: 5000 },
    'little',
    'requests',
  );
  const run = serve(deployed(plan), requests, { sampleEvery: 1 });
  const edges = run.traces.flatMap(({ arrivalUs, doneUs }) => [
    { us: arrivalUs, change: 1 },
    { us: doneUs, change: -1 },
  ]);
  edges.sort((x, y) => x.us - y.us || x.change - y.change);
  let present = 0;
  let integral = 0;
  let last = 0;
  for (const { us, change } of edges) {
    integral += present * (us - last);
    last = us;
    present += change;
  }
  return [
    claim(
      '∫ requests in the system of a replica',
      "Little's law: L·T = Σ times in the system",
      'request·µs',
      run.record.e2e.sum,
      integral,
      0,
    ),
  ];
}

export const serving: ClaimGroup = {
  name: 'serving',
  about: 'LLM serving against published measurements, queueing theory, and the closed form against every request',
  run({ quick }: Effort): Claim[] {
    return [
      ...measuredClaims(),
      ...kneeClaims(),
      ...orderClaims(),
      ...queueClaims(quick),
      ...littleClaims(),
      ...rateClaims(),
      ...fleetClaims(quick),
    ];
  },
};
