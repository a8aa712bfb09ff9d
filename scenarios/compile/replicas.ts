/** Inference deployments → the jobs that hold their replicas' GPUs, one a replica, and what is needed to serve on them. */

import type { Autoscaling } from '../../sim/scenario.ts';
import { WEIGHT_BYTES } from '../../sim/world/serving/cost.ts';
import { type GpuModel, gpuModel } from '../catalogue/gpus.ts';
import {
  DEFAULT_SERVING_USE_MILLI,
  gpusPerReplica,
  isPrecision,
  PRECISIONS,
  precisionOf,
  servedModel,
} from '../catalogue/models.ts';
import {
  degreesThatFit,
  degreeText,
  elsewhere,
  gpuShape,
  planReplica,
  type ReplicaPlan,
  TRACE_BLOCK_TOKENS,
  UnfitError,
} from '../catalogue/serving.ts';
import { autoscalingDefaults, TERMINATION_US } from '../catalogue/serving-defaults.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import type { InferenceInput } from '../schema.ts';
import { parseCount, parseDecimal, parseFlag, parseShare } from '../units.ts';
import type { SourceDocument } from '../yaml.ts';
import type { CompiledCluster } from './cluster.ts';
import type { JobDraft } from './draft.ts';
import { annotations, projectOf } from './manifests.ts';

/** A deployment as it was read, before its jobs have numbers. */
export interface DeploymentPlan {
  id: string;
  data: InferenceInput;
  source: SourceDocument;
  jobIds: string[];
  replicas: number;
  /** By GPU model it may stand on, the preferred one first; empty = it is not simulated, its GPUs are busy by `use`. */
  plans: ReplicaPlan[];
  gpus: number;
  /** Whether replicas are moved off nodes above the threshold. */
  moves: boolean;
  autoscaling?: Autoscaling;
  annotation: ReturnType<typeof annotations>;
}

const MODES = ['concurrency', 'hpa', 'slo'] as const;

/** Of an InferenceDeployment, behind `simsup.dev/`: docs/serving.md says what each of them means. */
const ANNOTATIONS: readonly string[] = [
  ...['gpus-per-replica', 'tensor-parallel', 'routing', 'max-outstanding', 'fidelity', 'start', 'drain'],
  ...['image-pull', 'weights-bandwidth', 'autoscaler', 'min-replicas', 'max-replicas', 'target-concurrency'],
  ...['placement-rule', 'util-field', 'util-window', 'rebalance', 'use', 'preemptible', 'project'],
];

export function deploymentPlans(
  docs: readonly CheckedDocument[],
  cluster: CompiledCluster,
  report: Report,
  assume: (s: string) => void,
): DeploymentPlan[] {
  const stated = new Set(
    documentsOf(docs, 'Workload').flatMap(({ data }) => data.spec.requests.map((r) => r.deployment)),
  );
  // Of those with prefill and decode apart none takes another's place.
  const apart = new Set(
    documentsOf(docs, 'Serving').flatMap(({ data }) => (data.spec.disaggregated ? [data.spec.deployment] : [])),
  );
  return documentsOf(docs, 'InferenceDeployment').map(({ data, source }, i) => {
    const { spec, metadata } = data;
    const id = metadata.name ?? `inference-${i + 1}`;
    const annotation = annotations(metadata, source, report);
    for (const key of Object.keys(metadata.annotations)) {
      const word = key.startsWith('simsup.dev/') ? key.slice('simsup.dev/'.length) : undefined;
      if (word === undefined || ANNOTATIONS.includes(word)) continue;
      const near = { name: word, among: ANNOTATIONS };
      report.at(
        source,
        ['metadata', 'annotations', key],
        `'${key}'`,
        `simsup.dev/ and one of ${ANNOTATIONS.join(', ')}`,
        near,
      );
    }
    const { gpus, source: sized, on } = replicaSize(data, cluster, annotation);
    const own = annotation('simsup.dev/gpus-per-replica', (text) => parseCount(text, 1, 32));
    if (own === undefined)
      assume(
        `${id}: ${gpus} GPU${gpus === 1 ? '' : 's'} per replica of ${spec.model.name} ${spec.model.precision} (${sized}).`,
      );
    const autoscaling = autoscalingOf(data, source, annotation, report);
    // Named a share, it is taken at its word; requests that are stated must be served.
    const byUse = annotation('simsup.dev/use', parseShare) !== undefined && !stated.has(id);
    const plans = byUse ? [] : replicaPlans(data, on, gpus, annotation, stated.has(id), source, report);
    const replicas =
      autoscaling === undefined ? spec.replicas : Math.min(autoscaling.max, Math.max(autoscaling.min, spec.replicas));
    // One more than ever answer, so that a replacement can start before the replica it replaces goes.
    const moves = plans.length > 0 && !apart.has(id) && rebalances(data, annotation);
    const spare = moves ? 1 : 0;
    const most = plans.length === 0 ? spec.replicas : Math.max(replicas, autoscaling?.max ?? 0) + spare;
    return {
      ...{ id, data, source, replicas, plans, gpus, annotation, moves },
      jobIds: Array.from({ length: most }, (_, r) => `${id}-${r}`),
      ...(autoscaling && plans.length > 0 ? { autoscaling } : {}),
    };
  });
}

/**
 * Whether replicas are moved off nodes above the threshold, as Mission Control's guide says. By DCGM_FI_DEV_GPU_UTIL only
 * where that is asked for: a busy replica alone puts its node above any threshold, so that moving it moves the reason too
 * (docs/serving.md has what comes of it). The tensor pipes tell a full GPU from a busy one.
 */
function rebalances({ spec }: InferenceInput, annotation: DeploymentPlan['annotation']): boolean {
  const field = annotation('simsup.dev/util-field', (text) => text);
  const said = annotation('simsup.dev/rebalance', parseFlag) ?? field === 'DCGM_FI_PROF_PIPE_TENSOR_ACTIVE';
  return said && spec.placement?.avoidIfDCGMUtil !== undefined;
}

/** GPUs of a replica, and the GPU models it may stand on, the preferred ones first. */
function replicaSize({ spec }: InferenceInput, cluster: CompiledCluster, annotation: DeploymentPlan['annotation']) {
  const models = [...new Set(cluster.pools.map((p) => p.gpuModel).filter((name) => name !== ''))];
  const wanted = (spec.placement?.preferHardware ?? []).map((name) => gpuModel(name)?.name ?? name);
  const preferred = [...new Set(wanted)].filter((name) => models.includes(name));
  const names = preferred.length > 0 ? preferred : models;
  const known = names.flatMap((name) => gpuModel(name) ?? []);
  const sized = gpusPerReplica(spec.model.name, spec.model.precision, known);
  const own = annotation('simsup.dev/gpus-per-replica', (text) => parseCount(text, 1, 32));
  const split = annotation('simsup.dev/tensor-parallel', (text) => parseCount(text, 1, 64));
  return { gpus: own ?? split ?? sized.gpus, source: sized.source, on: known };
}

/** On each GPU model how a replica of so many GPUs would be; those on which it does not fit are left out. */
function replicaPlans(
  { spec }: InferenceInput,
  on: readonly GpuModel[],
  gpus: number,
  annotation: DeploymentPlan['annotation'],
  isStated: boolean,
  source: SourceDocument,
  report: Report,
): ReplicaPlan[] {
  if (!isPrecision(spec.model.precision)) {
    const near = { name: spec.model.precision, among: PRECISIONS };
    report.at(
      source,
      ['spec', 'model', 'precision'],
      `'${spec.model.precision}'`,
      `one of ${PRECISIONS.join(', ')}`,
      near,
    );
    return [];
  }
  // A model that nobody knows is no error until its requests have to be answered.
  if (!isStated && servedModel(spec.model.name) === undefined) return [];
  if (on.length === 0) {
    if (isStated)
      report.at(source, ['spec'], 'requests in a cluster without GPUs of a known model', 'a pool with a gpuModel');
    return [];
  }
  const tensor = annotation('simsup.dev/tensor-parallel', (text) => parseCount(text, 1, 64)) ?? Math.min(8, gpus);
  const plans: ReplicaPlan[] = [];
  let why: UnfitError | undefined;
  for (const gpu of on) {
    try {
      plans.push(
        planReplica(
          {
            ...{ model: spec.model.name, precision: spec.model.precision, prefixTokens: TRACE_BLOCK_TOKENS },
            ...{ tensor, pipeline: Math.max(1, Math.round(gpus / tensor)) },
          },
          gpu,
        ),
      );
    } catch (error) {
      if (!(error instanceof UnfitError)) throw error;
      why ??= error;
    }
  }
  if (plans.length === 0 && why !== undefined) report.at(source, ['spec', 'model'], why.found, why.expected);
  return plans;
}

function autoscalingOf(
  { spec, metadata }: InferenceInput,
  source: SourceDocument,
  annotation: DeploymentPlan['annotation'],
  report: Report,
): Autoscaling | undefined {
  const count = (least: number) => (text: string) => parseCount(text, least, 10_000);
  const kind = annotation('simsup.dev/autoscaler', (text) => text);
  const knative = 'autoscaling.knative.dev';
  const min =
    annotation('simsup.dev/min-replicas', count(0)) ??
    annotation(`${knative}/min-scale`, count(0)) ??
    annotation(`${knative}/minScale`, count(0));
  const max =
    annotation('simsup.dev/max-replicas', count(1)) ??
    annotation(`${knative}/max-scale`, count(1)) ??
    annotation(`${knative}/maxScale`, count(1));
  const target =
    annotation('simsup.dev/target-concurrency', (text) => parseDecimal(text, 0.01, 1e6)) ??
    annotation(`${knative}/target`, (text) => parseDecimal(text, 0.01, 1e6));
  if (kind === undefined && min === undefined && max === undefined && target === undefined) return undefined;
  const path = (key: string) => ['metadata', 'annotations', key];
  const chosen = kind ?? 'concurrency';
  const mode = MODES.find((one) => one === chosen);
  if (mode === undefined) {
    const near = { name: chosen, among: MODES };
    report.at(source, path('simsup.dev/autoscaler'), `'${chosen}'`, `one of ${MODES.join(', ')}`, near);
    return undefined;
  }
  const least = min ?? (mode === 'concurrency' ? 0 : 1);
  const most = max ?? Math.max(spec.replicas, least);
  if (most < least) {
    const key =
      metadata.annotations['simsup.dev/max-replicas'] === undefined
        ? 'simsup.dev/min-replicas'
        : 'simsup.dev/max-replicas';
    report.at(source, path(key), `at most ${most} replicas, and at least ${least}`, 'no fewer at most than at least');
    return undefined;
  }
  if (mode === 'slo' && spec.slo?.targetTTFT === undefined && spec.slo?.p99Latency === undefined) {
    report.at(
      source,
      path('simsup.dev/autoscaler'),
      'a planner for targets without targets',
      'spec.slo.targetTTFT or p99Latency',
    );
    return undefined;
  }
  return autoscalingDefaults(mode, least, most, target);
}

/** What of the model a pool of the cluster could hold: at the stated precision or below it, on as few GPUs as can be. */
function wouldFit(name: string, precision: string, { pools, nodes }: CompiledCluster): string {
  const model = servedModel(name);
  if (model === undefined || !isPrecision(precision)) return '';
  const stated = precisionOf(precision);
  const lower = (['fp16', 'fp8', 'fp4'] as const).filter((p) => WEIGHT_BYTES[p] <= WEIGHT_BYTES[stated]);
  const places = pools.flatMap((pool, p) => {
    const gpu = gpuModel(pool.gpuModel);
    const sizes = nodes.gpus.filter((_, node) => nodes.pool[node] === p);
    if (gpu === undefined || sizes.length === 0) return [];
    const all = sizes.reduce((sum, n) => sum + n, 0);
    const widest = sizes.reduce((most, n) => Math.max(most, n), 0);
    for (const one of lower) {
      if (gpuShape(gpu).flops[one] === null) continue;
      const fits = degreesThatFit(model, one, gpu).find((d) => d.tensor <= widest && d.tensor * d.pipeline <= all);
      if (fits !== undefined) return [`${one} with ${degreeText(fits)} on ${pool.name} (${gpu.name})`];
    }
    return [];
  });
  return [...new Set(places)].join(', or ') || elsewhere(model);
}

/** A replica is a service: a gang that runs from when it is called for to the end of the simulation. */
export function inferenceJobs(
  plans: readonly DeploymentPlan[],
  cluster: CompiledCluster,
  endless: boolean,
  report: Report,
  assume: (s: string) => void,
): JobDraft[] {
  return plans.flatMap(({ id, data, source, jobIds, plans: variants, gpus, annotation }) => {
    const { spec, metadata } = data;
    const told = new Set<string>();
    const models = cluster.pools.map((p) => p.gpuModel);
    const wanted = spec.placement?.preferHardware ?? [];
    const preferred = wanted.filter((name) => models.includes(gpuModel(name)?.name ?? '-'));
    // A replica wider than a node is a pipeline of workers.
    const widest = cluster.nodes.gpus.reduce((most, n) => Math.max(most, n), 1);
    const workers = Math.ceil(gpus / widest);
    const use = annotation('simsup.dev/use', parseShare) ?? DEFAULT_SERVING_USE_MILLI;
    if (endless)
      report.at(
        source,
        ['kind'],
        'a service that never ends',
        "a Simulation with a duration (not 'until-done') beside it",
      );
    if (variants.length === 0)
      assume(
        `${id}: ${spec.replicas} replicas throughout, busy ${use / 10} % of the time: no Workload states its requests.`,
      );
    if (wanted.length > 0 && preferred.length === 0)
      assume(`${id}: the cluster has none of ${wanted.join(', ')}; any pool is used.`);
    const gpuModels = variants.length > 0 ? variants.map(({ gpu }) => gpu.name) : preferred;
    const preemptible = annotation('simsup.dev/preemptible', parseFlag);
    return jobIds.map(
      (jobId) =>
        ({
          id: jobId,
          project: spec.project ?? projectOf(metadata),
          user: '',
          class: 'inference',
          submitUs: 0,
          durationUs: Infinity,
          gpus,
          workers,
          after: [],
          traits: {
            use,
            ...(preemptible === undefined ? {} : { preemptible }),
            ...(variants.length > 0 ? { grace: TERMINATION_US } : {}),
            ...(gpuModels.length > 0 ? { gpuModels } : {}),
          },
          blame: (field: string, found: string, expected: string, nearest?: string) => {
            // Of all its replicas the same is wrong.
            if (told.has(field)) return;
            told.add(field);
            if (field === 'gpus') {
              const would = wouldFit(spec.model.name, spec.model.precision, cluster);
              const size = `a replica of ${gpus} GPUs (${spec.model.name} in ${spec.model.precision}), which no pool could hold`;
              report.at(source, ['spec', 'model'], size, would === '' ? expected : would);
              return;
            }
            const path = { project: ['spec', 'project'], id: ['metadata', 'name'] }[field] ?? ['spec'];
            report.at(source, path, found, nearest === undefined ? expected : `${expected}; did you mean ${nearest}?`);
          },
        }) satisfies JobDraft,
    );
  });
}
