/**
 * Kueue's manifests → its settings, and for other policies a project per ClusterQueue with its cohort as department.
 * A ResourceFlavor is the node pools that its name or its node labels name; other labels of nodes are not known here.
 */

import {
  KUEUE_RESOURCES,
  type KueueClusterQueue,
  type KueueCohort,
  type KueueQuota,
  type KueueResource,
  type KueueSettings,
  type PoolSpec,
} from '../../sim/scenario.ts';
import { gpuModel } from '../catalogue/gpus.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import { nameList, type PathStep } from '../problem.ts';
import type { Accepted } from '../schema.ts';
import { parseCpu, parseSize, quote, UnitError } from '../units.ts';
import type { SourceDocument } from '../yaml.ts';
import type { CompiledCluster } from './cluster.ts';

type Groups = Accepted['ClusterQueue']['spec']['resourceGroups'];

const RESOURCE_OF: Record<string, KueueResource> = { 'nvidia.com/gpu': 'gpu', cpu: 'cpu', memory: 'memory' };

/** Undefined where no ClusterQueue is stated. `projects`: number of a project by its name. */
export function compileKueue(
  docs: readonly CheckedDocument[],
  cluster: CompiledCluster,
  projects: ReadonlyMap<string, number>,
  report: Report,
): KueueSettings | undefined {
  const queues = documentsOf(docs, 'ClusterQueue');
  if (queues.length === 0) return undefined;
  const flavors = new Flavors(docs, cluster);
  const cohorts: KueueCohort[] = [];
  const cohortOf = (name: string | undefined): number => {
    if (name === undefined) return -1;
    const found = cohorts.findIndex((cohort) => cohort.name === name);
    return found >= 0 ? found : cohorts.push({ name, parent: -1, quotas: [], weight: 1 }) - 1;
  };
  for (const { data, source } of documentsOf(docs, 'Cohort')) {
    const { spec, metadata } = data;
    if (metadata.name === undefined) continue;
    const cohort = cohorts[cohortOf(metadata.name)];
    cohort.parent = cohortOf(spec.parentName ?? spec.parent);
    cohort.quotas = quotasOf(spec.resourceGroups, flavors, source, report);
    cohort.weight = spec.fairSharing?.weight ?? 1;
  }
  const clusterQueues = queues.map(({ data, source }): KueueClusterQueue => {
    const { spec } = data;
    const name = data.metadata.name ?? '';
    return {
      name,
      project: projects.get(name) ?? 0,
      cohort: cohortOf(spec.cohortName ?? spec.cohort),
      groups: spec.resourceGroups.map((group) => ({
        resources: KUEUE_RESOURCES.filter((r) =>
          group.flavors.some((flavor) => flavor.resources.some(({ name: resource }) => RESOURCE_OF[resource] === r)),
        ),
        flavors: group.flavors.map((flavor) => flavors.indexOf(flavor.name)),
      })),
      quotas: quotasOf(spec.resourceGroups, flavors, source, report),
      weight: spec.fairSharing?.weight ?? 1,
      queueingStrategy: spec.queueingStrategy,
      reclaimWithinCohort: spec.preemption?.reclaimWithinCohort,
      withinClusterQueue: spec.preemption?.withinClusterQueue,
      borrowWithinCohort: spec.preemption?.borrowWithinCohort?.policy,
      maxPriorityThreshold: spec.preemption?.borrowWithinCohort?.maxPriorityThreshold,
      whenCanBorrow: fungibility(spec.flavorFungibility?.whenCanBorrow),
      whenCanPreempt: fungibility(spec.flavorFungibility?.whenCanPreempt),
      flavorPreference: spec.flavorFungibility?.preference,
    };
  });
  return { flavors: flavors.list, cohorts, clusterQueues };
}

/** v1beta1 names the ways to end the search one by one. */
function fungibility(value: string | undefined): string | undefined {
  return value === 'Borrow' || value === 'Preempt' ? 'MayStopSearch' : value;
}

/** Flavours by name, each found once. */
class Flavors {
  readonly list: KueueSettings['flavors'] = [];
  private readonly docs: readonly CheckedDocument[];
  private readonly cluster: CompiledCluster;

  constructor(docs: readonly CheckedDocument[], cluster: CompiledCluster) {
    this.docs = docs;
    this.cluster = cluster;
  }

  indexOf(name: string): number {
    const found = this.list.findIndex((flavor) => flavor.name === name);
    if (found >= 0) return found;
    return this.list.push({ name, pools: poolsOfFlavor(name, this.docs, this.cluster.pools) ?? [] }) - 1;
  }
}

/** Undefined if there is neither a pool nor a ResourceFlavor of this name; none if its labels name no pool. */
export function poolsOfFlavor(
  name: string,
  docs: readonly CheckedDocument[],
  pools: readonly PoolSpec[],
): number[] | undefined {
  const own = pools.findIndex((pool) => pool.name === name);
  if (own >= 0) return [own];
  const flavor = documentsOf(docs, 'ResourceFlavor').find(({ data }) => data.metadata.name === name);
  if (flavor === undefined) return undefined;
  const labels = Object.values(flavor.data.spec.nodeLabels);
  const all = pools.map((_, p) => p);
  if (labels.length === 0) return all;
  const byLabel = labels.map((value) => all.filter((p) => names(value, pools[p]))).filter((found) => found.length > 0);
  return byLabel.length === 0 ? [] : all.filter((p) => byLabel.every((found) => found.includes(p)));
}

function names(label: string, pool: PoolSpec): boolean {
  if (label === pool.name) return true;
  if (label === 'spot') return pool.spot;
  if (label === 'on-demand') return !pool.spot;
  return pool.gpuModel !== '' && gpuModel(label)?.name === pool.gpuModel;
}

/** Reports flavours that are nobody's nodes. */
export function checkFlavor(
  name: string,
  docs: readonly CheckedDocument[],
  pools: readonly PoolSpec[],
  source: SourceDocument,
  path: readonly PathStep[],
  report: Report,
): number[] {
  const found = poolsOfFlavor(name, docs, pools);
  if (found !== undefined && found.length > 0) return found;
  const known = pools.map((pool) => pool.name);
  if (found === undefined) {
    const expected = `a ResourceFlavor of this name, or one of the pools ${nameList(known)}`;
    report.at(source, path, `unknown flavor ${quote(name)}`, expected, { name, among: known });
  } else {
    const flavor = documentsOf(docs, 'ResourceFlavor').find(({ data }) => data.metadata.name === name);
    const labels = Object.values(flavor?.data.spec.nodeLabels ?? {});
    const expected = `a label with the name, the GPU model or the kind (spot, on-demand) of a pool: ${nameList(known)}`;
    report.at(flavor?.source ?? source, ['spec', 'nodeLabels'], quote(labels.join(', ')), expected);
  }
  return [];
}

function quotasOf(groups: Groups, flavors: Flavors, source: SourceDocument, report: Report): KueueQuota[] {
  const quotas: KueueQuota[] = [];
  groups.forEach((group, g) => {
    group.flavors.forEach((flavor, f) => {
      flavor.resources.forEach((given, r) => {
        const resource = RESOURCE_OF[given.name];
        // Other resources (ephemeral storage, network cards) are not simulated.
        if (resource === undefined) return;
        const path = ['spec', 'resourceGroups', g, 'flavors', f, 'resources', r];
        const read = (field: 'nominalQuota' | 'borrowingLimit' | 'lendingLimit') =>
          given[field] === undefined ? Infinity : amount(resource, given[field], source, [...path, field], report);
        quotas.push({
          flavor: flavors.indexOf(flavor.name),
          resource,
          nominal: read('nominalQuota'),
          borrowingLimit: read('borrowingLimit'),
          lendingLimit: read('lendingLimit'),
        });
      });
    });
  });
  return quotas;
}

/** GPUs, millicores or MiB. */
export function amount(
  resource: KueueResource,
  text: string,
  source: SourceDocument,
  path: readonly PathStep[],
  report: Report,
): number {
  if (resource === 'gpu') {
    if (/^\d{1,7}$/.test(text)) return Number(text);
    report.at(source, path, quote(text), 'a whole number of GPUs');
    return 0;
  }
  try {
    // A bare number of memory is bytes.
    if (resource === 'memory') return /^\d+$/.test(text) ? Math.floor(Number(text) / 1_048_576) : parseSize(text);
    return parseCpu(text);
  } catch (error) {
    if (!(error instanceof UnitError)) throw error;
    report.at(source, path, error.found, error.expected);
    return 0;
  }
}
