/**
 * Whether any placement can meet a deployment's targets, and which would: every GPU of the cluster and of the catalogue,
 * the stated precision and those below it, tensor parallelism inside a node, across nodes and in a rack. Judged by the
 * closed form, so that the answer does not depend on where the replicas of one run happened to stand.
 */
import { ServingRecord } from '../../sim/record/slo.ts';
import {
  type MeasuredTable,
  MINUTE_US,
  type PlacementOption,
  type PlacementVerdict,
  type Precision,
  type ServingSpec,
} from '../../sim/scenario.ts';
import { type MinuteLoad, minuteLoad } from '../../sim/world/serving/load.ts';
import { iteration } from '../../sim/world/serving/rate.ts';
import { RateFleet } from '../../sim/world/serving/rate-fleet.ts';
import { gpuModel } from '../catalogue/gpus.ts';
import { ON_DEMAND } from '../catalogue/prices.ts';
import { DEGREES_ACROSS, planReplica, type ReplicaPlan, UnfitError } from '../catalogue/serving.ts';
import type { CompiledCluster } from './cluster.ts';
import { nvlinkGroup } from './serving-placement.ts';

/** GPUs that are sold for serving today, beside those of the cluster. */
const SOLD = ['H100-SXM5', 'H200-SXM5', 'B200-SXM6', 'B300-SXM6', 'GB200', 'GB300'];
const FROM_HIGH: readonly Precision[] = ['fp16', 'fp8', 'fp4'];
const DEGREES = [1, 2, 4, 8, ...DEGREES_ACROSS];
/** Share of requests that a target is meant for, as a run's report judges it. */
const SHARE = 0.99;
/** No more replicas are tried. */
const MOST_REPLICAS = 512;
const LONGEST_PROMPT = 1 << 20;

/** Undefined where neither target is stated. */
export function verdictOf(
  spec: ServingSpec,
  cluster: CompiledCluster,
  seed: string,
  durationUs: number,
): PlacementVerdict | undefined {
  if (!Number.isFinite(spec.ttftUs) && !Number.isFinite(spec.tokenUs)) return undefined;
  const load = minuteLoad(spec, seed, durationUs);
  const promptTokens = longestOf(load);
  const perSecond = busiestHour(load, durationUs);
  const judge = (plan: ReplicaPlan) => judged(plan, spec, cluster, load, promptTokens, perSecond);

  const here = [...new Map(spec.variants.map((v) => [v.gpuModel, v])).values()].flatMap(
    ({ gpuModel: name, parallelism, measured }) =>
      plans(spec, name, [spec.precision], [parallelism], measured).map(judge),
  );
  const models = [...new Set([...cluster.pools.map((pool) => pool.gpuModel), ...SOLD])];
  const lower = FROM_HIGH.slice(FROM_HIGH.indexOf(spec.precision));
  const all = models.flatMap((name) =>
    plans(
      spec,
      name,
      lower,
      DEGREES.map((tensor) => ({ tensor, pipeline: 1 })),
    ).map(judge),
  );
  const key = (o: PlacementOption) => `${o.gpuModel} ${o.precision} ${o.tensor} ${o.pipeline}`;
  const known = new Set(here.map(key));
  const gpus = (o: PlacementOption) => o.replicas * o.tensor * o.pipeline;
  // Of one GPU model and precision the degree that takes the fewest GPUs.
  const best = new Map<string, PlacementOption>();
  for (const o of all) {
    if (o.replicas === 0 || known.has(key(o))) continue;
    const kind = `${o.gpuModel} ${o.precision}`;
    const before = best.get(kind);
    if (before === undefined || gpus(o) < gpus(before)) best.set(kind, o);
  }
  const elsewhere = [...best.values()].sort((x, y) => (y.fits ? 1 : 0) - (x.fits ? 1 : 0) || gpus(x) - gpus(y));
  const someMeets = elsewhere.length > 0 || here.some((o) => o.replicas > 0);
  const quickest = [...here, ...all].reduce<PlacementOption | undefined>(
    (a, b) => (a === undefined || b.ttftUs < a.ttftUs ? b : a),
    undefined,
  );
  return {
    ...{ promptTokens, perSecond, here, elsewhere },
    ...(someMeets || quickest === undefined ? {} : { quickest }),
  };
}

/** Replicas of that GPU model which hold the model. */
function plans(
  spec: ServingSpec,
  name: string,
  precisions: readonly Precision[],
  degrees: readonly { tensor: number; pipeline: number }[],
  measured?: MeasuredTable,
): ReplicaPlan[] {
  const gpu = gpuModel(name);
  if (gpu === undefined) return [];
  return precisions.flatMap((precision) =>
    degrees.flatMap((degree) => {
      try {
        return [planReplica({ model: spec.modelName, precision, ...degree, acrossNodes: true, measured }, gpu)];
      } catch (error) {
        if (error instanceof UnfitError) return [];
        throw error;
      }
    }),
  );
}

function judged(
  plan: ReplicaPlan,
  spec: ServingSpec,
  cluster: CompiledCluster,
  load: MinuteLoad,
  promptTokens: number,
  perSecond: number,
): PlacementOption {
  const { gpu, precision, tensor, pipeline, settings } = plan;
  const { ttftUs: target, tokenUs: tokenTarget } = spec;
  const bareUs = (prompt: number) => iteration(settings, 1, prompt, prompt).wholePs / 1e6;
  const tokenUs = iteration(settings, 1, load.lengths.prompt, 1).tokenPs / 1e6;
  const ttftUs = bareUs(promptTokens);
  const pools = cluster.pools.filter((pool, p) => pool.gpuModel === gpu.name && hasRoom(plan, cluster, p));
  const replicas = ttftUs > target || tokenUs > tokenTarget ? 0 : replicasFor(plan, spec, load, perSecond);
  const room = cluster.nodes.gpus.reduce(
    (sum, n, node) => sum + (pools.includes(cluster.pools[cluster.nodes.pool[node]]) ? n : 0),
    0,
  );
  const price = pools[0]?.priceMicroUsd ?? ON_DEMAND[gpu.name]?.microUsd;
  let longestPrompt = 0;
  for (let step = LONGEST_PROMPT; step >= 1; step /= 2)
    if (longestPrompt + step <= LONGEST_PROMPT && bareUs(longestPrompt + step) <= target) longestPrompt += step;
  return {
    ...{ gpuModel: gpu.name, precision, tensor, pipeline, link: linkOf(plan), pools: pools.map(({ name }) => name) },
    microUsd: price === undefined ? null : price * tensor * pipeline,
    ...{ fits: room >= Math.max(1, replicas) * plan.gpus, ttftUs, tokenUs, longestPrompt, replicas },
  };
}

/** The fewest replicas that meet the targets at that rate; 0 = not even the most that are tried. */
function replicasFor({ settings }: ReplicaPlan, spec: ServingSpec, load: MinuteLoad, perSecond: number): number {
  const { ttftUs, tokenUs, routing } = spec;
  const record = new ServingRecord({ ttftUs, tokenUs });
  const fleet = new RateFleet(load, { replicaJobs: [], routing, ttftUs, tokenUs }, [settings], record);
  // As a run's report judges: requests that attain, and the 99 % quantile of the times between tokens.
  const enough = (n: number) => {
    const { attained, slowGaps } = fleet.wouldFare(perSecond, n);
    return attained >= SHARE && slowGaps <= 1 - SHARE;
  };
  let high = 1;
  while (high < MOST_REPLICAS && !enough(high)) high *= 2;
  if (!enough(high)) return 0;
  let low = high / 2;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (enough(middle)) high = middle;
    else low = middle;
  }
  return high;
}

function linkOf({ gpu, tensor }: ReplicaPlan): PlacementOption['link'] {
  if (tensor === 1) return 'none';
  if (gpu.nvlinkGpus === 0) return 'PCIe';
  return tensor > gpu.nvlinkGpus ? 'InfiniBand' : 'NVLink';
}

/** Whether the pool has the GPUs of one replica, joined as it needs them. */
function hasRoom(plan: ReplicaPlan, cluster: CompiledCluster, pool: number): boolean {
  const { nodes } = cluster;
  let all = 0;
  for (let n = 0; n < nodes.count; n++) if (nodes.pool[n] === pool) all += nodes.gpus[n];
  const joined = linkOf(plan) === 'NVLink' ? nvlinkGroup({ cluster }, pool) : all;
  return plan.gpus <= all && plan.tensor <= joined;
}

/** The longest of 99 % of the prompts. */
function longestOf({ prompts }: MinuteLoad): number {
  let below = 0;
  for (const { value, share } of prompts) {
    below += share;
    if (below >= SHARE - 1e-9) return value;
  }
  return prompts[prompts.length - 1].value;
}

/** Requests per second in the busiest hour, or in all of a shorter run. */
function busiestHour({ perSecond }: MinuteLoad, durationUs: number): number {
  const minutes = Math.max(1, Math.ceil(durationUs / MINUTE_US));
  const hour = Math.min(60, minutes);
  let most = 0;
  for (let from = 0; from + hour <= minutes; from += hour) {
    let sum = 0;
    for (let minute = from; minute < from + hour; minute++) sum += perSecond(minute);
    most = Math.max(most, sum / hour);
  }
  return most;
}
