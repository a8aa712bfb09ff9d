/** Runs the case of a published measurement and reads off what was measured. */
import { gpuModel } from '../../scenarios/catalogue/gpus.ts';
import { EFFICIENCY, planReplica, type ReplicaPlan } from '../../scenarios/catalogue/serving.ts';
import { openStream } from '../../sim/engine/random.ts';
import { type Deployment, type RequestTrace, serve } from '../../sim/serve.ts';
import { type Arrivals, generated } from '../../sim/world/serving/arrivals.ts';
import type { Efficiency } from '../../sim/world/serving/cost.ts';
import { type Claim, commandFor } from './claim.ts';
import type { Case } from './serving-points.ts';

export interface Figures {
  /** Means, ms. */
  ttft: number;
  itl: number;
  /** Output tokens per second of the system. */
  throughput: number;
}

/** TensorRT-LLM's defaults, which NIM builds on; it admits a request only where its output will fit too. */
const MAX_TOKENS = 8192;
const MAX_SEQUENCES = 2048;

export function deploymentOf(one: Case, efficiency: Efficiency = EFFICIENCY): Deployment {
  const { model, precision, tensor } = one;
  const gpu = gpuModel(one.gpu);
  if (gpu === undefined) throw new Error(`no GPU ${one.gpu}`);
  const limits = { maxTokens: MAX_TOKENS, maxSequences: MAX_SEQUENCES, reserveOutput: true };
  const plan = planReplica({ model, precision, tensor, efficiency, ...limits }, gpu);
  return deployed(plan);
}

/** One replica of that plan, without targets or limits. */
export const deployed = (plan: Pick<ReplicaPlan, 'settings' | 'gpus'>): Deployment => ({
  name: 'validate',
  replica: plan.settings,
  replicas: 1,
  gpusPerReplica: plan.gpus,
  routing: 'round-robin',
  telemetryUs: 0,
  slo: { ttftUs: Infinity, tokenUs: Infinity },
  priceMicroUsd: 0,
  maxOutstanding: Infinity,
});

/** Of requests that are drawn, where no published measurement says otherwise. */
export const LENGTHS = {
  prompt: { median: 800, sigma: 0.7, max: 8000 },
  output: { median: 150, sigma: 0.8, max: 1000 },
};

export const servingClaim = (
  id: string,
  source: string,
  unit: string,
  expected: number,
  got: number,
  tolerance: number,
): Claim => ({
  id: `serving/${id}`,
  group: 'serving',
  source,
  expected,
  got,
  tolerance,
  pass: Math.abs(got - expected) <= tolerance,
  command: commandFor('serving'),
  unit,
});

/** Equal requests, all at time 0. */
export function equalRequests(count: number, prompt: number, output: number): Arrivals {
  let left = count;
  return (into) => {
    into.timeUs = 0;
    into.prompt = prompt;
    into.output = output;
    return left-- > 0;
  };
}

export function measure(one: Case, efficiency: Efficiency = EFFICIENCY): Figures {
  const deployment = deploymentOf(one, efficiency);
  const { prompt, output, load, replicas } = one;
  if (load.kind === 'closed') {
    const rounds = SEEDS.map((seed) => closedRound(deployment, one, load.users, seed));
    const mean = (f: (round: Figures) => number) => rounds.reduce((sum, round) => sum + f(round), 0) / rounds.length;
    return { ttft: mean((r) => r.ttft), itl: mean((r) => r.itl), throughput: mean((r) => r.throughput) };
  }
  const arrivals =
    load.kind === 'offline'
      ? equalRequests(load.requests, prompt, output)
      : generated(
          {
            process: { kind: 'poisson', perSecond: load.perSecond },
            ...{ prompt, output, tenant: 0, untilUs: Infinity, count: 4000 },
          },
          'validate',
          'requests',
        );
  const { record, spanUs } = serve(deployment, arrivals);
  return {
    ttft: record.ttft.mean / 1000,
    itl: record.itl.mean / 1000,
    throughput: (replicas * record.outputTokens) / (spanUs / 1e6),
  };
}

const SEEDS = Array.from({ length: 24 }, (_, i) => i + 1);

/**
 * Users begin at random times within twice the time that one request takes alone: equal requests that began together would stay together,
 * which the noise of a real system prevents. Figures are of the second half.
 */
function closedRound(deployment: Deployment, one: Case, users: number, seed: number): Figures {
  const { prompt, output } = one;
  const alone = serve(deployment, equalRequests(1, prompt, output)).spanUs;
  const stream = openStream(String(seed), 'users');
  const count = users * Math.max(4, Math.min(20, Math.floor(1000 / users)));
  const { traces } = serve(deployment, equalRequests(count, prompt, output), {
    closedLoop: Array.from({ length: users }, () => stream.integer(2 * alone)),
    sampleEvery: 1,
  });
  const steady = traces.filter(({ number }) => number >= count / 2 && number < count - users / 2);
  const mean = (f: (t: RequestTrace) => number) => steady.reduce((sum, t) => sum + f(t), 0) / steady.length / 1000;
  return {
    ttft: mean((t) => t.firstTokenUs - t.arrivalUs),
    itl: mean((t) => (t.doneUs - t.firstTokenUs) / (output - 1)),
    throughput: (1000 * users * output) / mean((t) => t.doneUs - t.arrivalUs),
  };
}
