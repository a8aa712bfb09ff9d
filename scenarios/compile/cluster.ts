/** Cluster and Prices documents → pools, nodes, fixed costs. */

import {
  type FixedCost,
  type MigLayout,
  type NodeColumns,
  type NodeGroup,
  nodeColumns,
  type PoolSpec,
} from '../../sim/scenario.ts';
import { type GpuModel, gpuModel, gpuModelNames, gpuModelSpellings } from '../catalogue/gpus.ts';
import { gpuPower } from '../catalogue/power.ts';
import { CONTROL_PLANE, ON_DEMAND, SPOT } from '../catalogue/prices.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import { nameList, type PathStep } from '../problem.ts';
import { type Accepted, MAX_GPUS, type PoolInput } from '../schema.ts';
import { quote } from '../units.ts';
import type { SourceDocument } from '../yaml.ts';
import { type NodeFile, readNodesFile } from './nodes-file.ts';
import type { ReadFile } from './read-file.ts';

export interface CompiledCluster {
  pools: PoolSpec[];
  nodes: NodeColumns;
  migLayouts: MigLayout[];
  fixedCosts: FixedCost[];
  /** Catalogue entry of each pool; undefined for a pool without GPUs. */
  models: (GpuModel | undefined)[];
  borrowAcrossPools: boolean;
  /** Pools in order of preference, by project. */
  poolPreference: Map<string, number[]>;
}

const DEFAULT_GPUS_PER_NODE = 8;

/** The cluster of the deployment guide: what a scenario without a Cluster gets. */
const DEFAULT_POOLS = [
  { name: 'h200-training', gpuModel: 'H200-SXM5', nodes: 4 },
  { name: 'b200-inference', gpuModel: 'B200-SXM6', nodes: 2 },
];

export function compileCluster(
  docs: readonly CheckedDocument[],
  readFile: ReadFile,
  report: Report,
  assumptions: string[],
): CompiledCluster {
  const clusters = documentsOf(docs, 'Cluster');
  for (const extra of clusters.slice(1))
    report.at(extra.source, ['kind'], 'a second Cluster', 'one Cluster in a scenario');
  const priceDocs = documentsOf(docs, 'Prices');
  for (const extra of priceDocs.slice(1))
    report.at(extra.source, ['kind'], 'a second Prices', 'one Prices in a scenario');
  const prices = priceDocs[0];
  const doc = clusters[0];
  const result: CompiledCluster = {
    pools: [],
    nodes: nodeColumns([]),
    migLayouts: [],
    fixedCosts: [],
    models: [],
    borrowAcrossPools: doc?.data.spec.borrowAcrossPools ?? true,
    poolPreference: new Map(),
  };
  const rate = (model: GpuModel | undefined, spot: boolean) => gpuRate(model, spot, prices, assumptions);
  const groups: NodeGroup[] = [];

  if (doc === undefined) {
    assumptions.push(
      "No Cluster is given: 4 nodes × 8 H200 and 2 nodes × 8 B200, the Mission Control guide's example.",
    );
    for (const [i, p] of DEFAULT_POOLS.entries()) {
      const model = gpuModel(p.gpuModel) as GpuModel;
      result.models.push(model);
      const priceMicroUsd = rate(model, false);
      result.pools.push({
        name: p.name,
        ...ofModel(model),
        priceMicroUsd,
        spot: false,
      });
      groups.push({ pool: i, count: p.nodes, gpus: DEFAULT_GPUS_PER_NODE, prefix: p.name });
    }
  } else {
    const spec = doc.data.spec;
    if ((spec.pools?.length ?? 0) === 0 && spec.nodesFile === undefined) {
      report.at(doc.source, ['spec'], 'no nodes', 'pools (a list of node pools) or nodesFile');
    }
    for (const [i, pool] of (spec.pools ?? []).entries()) {
      const path = ['spec', 'pools', i];
      if (result.pools.some((p) => p.name === pool.name)) {
        report.at(doc.source, [...path, 'name'], `pool ${quote(pool.name)} a second time`, 'each pool once');
      }
      groups.push(addPool(result, pool, path, doc.source, rate, report));
    }
  }
  const total = groups.reduce((sum, g) => sum + g.count * Math.max(1, g.gpus), 0);
  if (total > MAX_GPUS) {
    if (doc !== undefined) report.at(doc.source, ['spec', 'pools'], `${total} GPUs`, `at most ${MAX_GPUS}`);
    return result;
  }
  result.nodes = nodeColumns(groups);
  if (doc !== undefined) {
    const { nodesFile, price, poolPreference } = doc.data.spec;
    if (nodesFile !== undefined) {
      const file = readNodesFile(nodesFile, doc.source, readFile, report);
      if (file !== undefined) addNodesFile(result, file, price, rate);
    }
    for (const [project, names] of Object.entries(poolPreference)) {
      const list = names.map((n, i) =>
        findPool(result.pools, n, doc.source, ['spec', 'poolPreference', project, i], report),
      );
      result.poolPreference.set(
        project,
        list.filter((p) => p >= 0),
      );
    }
  }
  addControlPlane(result, doc, prices);
  return result;
}

/** Index of a pool by name; -1 after reporting that there is none. */
export function findPool(
  pools: readonly PoolSpec[],
  name: string,
  source: SourceDocument,
  path: readonly PathStep[],
  report: Report,
): number {
  const index = pools.findIndex((p) => p.name === name);
  if (index < 0) {
    const names = pools.map((p) => p.name);
    report.at(source, path, `unknown pool ${quote(name)}`, `one of ${nameList(names)}`, { name, among: names });
  }
  return index;
}

type Rate = (model: GpuModel | undefined, spot: boolean) => number;

function addPool(
  result: CompiledCluster,
  pool: PoolInput,
  path: readonly PathStep[],
  source: SourceDocument,
  rate: Rate,
  report: Report,
): NodeGroup {
  const gpus = pool.gpusPerNode ?? (pool.gpuModel === undefined ? 0 : DEFAULT_GPUS_PER_NODE);
  let model: GpuModel | undefined;
  if (pool.gpuModel !== undefined) {
    model = gpuModel(pool.gpuModel);
    if (model === undefined) {
      const names = gpuModelNames();
      const near = { name: pool.gpuModel, among: gpuModelSpellings() };
      report.at(
        source,
        [...path, 'gpuModel'],
        `unknown GPU model ${quote(pool.gpuModel)}`,
        `one of ${nameList(names, 40)}`,
        near,
      );
    }
  } else if (gpus > 0) report.at(source, path, 'no gpuModel', `a GPU model for the ${gpus} GPUs of each node`);
  let migLayout = -1;
  if (pool.mig !== undefined) {
    const sevenths = pool.mig.map((profile) => Number(profile[0]));
    const sum = sevenths.reduce((a, b) => a + b, 0);
    if (sum > 7)
      report.at(source, [...path, 'mig'], `${sum} sevenths of a GPU`, 'MIG instances of at most 7 sevenths together');
    migLayout = result.migLayouts.push({ instances: pool.mig, sevenths }) - 1;
  }
  const billing = pool.billingIncrement === undefined ? {} : { billingIncrementUs: pool.billingIncrement };
  const index = result.pools.length;
  result.models.push(model);
  result.pools.push({
    name: pool.name,
    ...ofModel(model),
    ...(pool.gpuMemory !== undefined && { gpuMemoryMiB: pool.gpuMemory }),
    priceMicroUsd: gpus === 0 ? 0 : (pool.price ?? rate(model, pool.spot)),
    spot: pool.spot,
    ...billing,
  });
  if (gpus === 0 && (pool.price ?? 0) > 0) {
    const microUsdPerHour = pool.nodes * (pool.price ?? 0);
    result.fixedCosts.push({ name: `pool ${pool.name}`, microUsdPerHour, ...billing });
  }
  return {
    pool: index,
    count: pool.nodes,
    gpus,
    cpuMilli: pool.cpu,
    memoryMiB: pool.memory,
    nodesPerRack: pool.nodesPerRack,
    racksPerBlock: pool.racksPerBlock,
    nodesPerNvlinkDomain: pool.nodesPerNvlinkDomain,
    migLayout,
    prefix: pool.name,
  };
}

/** What the catalogue says of a pool's GPUs; undefined for nodes without any. */
function ofModel(model: GpuModel | undefined): Pick<PoolSpec, 'gpuModel' | 'gpuMemoryMiB' | 'gpuWatts'> {
  if (model === undefined) return { gpuModel: '', gpuMemoryMiB: 0 };
  const gpuWatts = gpuPower(model);
  return { gpuModel: model.name, gpuMemoryMiB: model.memoryMiB, ...(gpuWatts && { gpuWatts }) };
}

/** Prices document, then catalogue, then nothing (said so). */
function gpuRate(
  model: GpuModel | undefined,
  spot: boolean,
  prices: { data: Accepted['Prices'] } | undefined,
  assumptions: string[],
): number {
  if (model === undefined) return 0;
  const table = spot ? prices?.data.spec.spotGpuHour : prices?.data.spec.gpuHour;
  for (const [name, microUsd] of Object.entries(table ?? {})) if (gpuModel(name)?.name === model.name) return microUsd;
  const known = (spot ? SPOT : ON_DEMAND)[model.name];
  const kind = spot ? 'spot' : 'on demand';
  if (known === undefined) {
    assumptions.push(`${model.name} ${kind} has no price in the catalogue: counted as $0 (state one in Prices).`);
    return 0;
  }
  const dollars = (known.microUsd / 1e6).toFixed(2);
  assumptions.push(`${model.name} costs $${dollars} per GPU-hour ${kind} (${known.source}, ${known.date}).`);
  return known.microUsd;
}

function addControlPlane(
  result: CompiledCluster,
  doc: { data: Accepted['Cluster'] } | undefined,
  prices: { data: Accepted['Prices'] } | undefined,
): void {
  const plane = doc?.data.spec.controlPlane;
  const count = plane?.nodes ?? 1;
  const each = plane?.price ?? prices?.data.spec.controlPlane ?? CONTROL_PLANE.microUsd;
  if (count > 0) result.fixedCosts.push({ name: 'control plane', microUsdPerHour: count * each });
}

/** One pool per GPU model of the file, in order of first appearance. */
function addNodesFile(result: CompiledCluster, file: NodeFile, price: number | undefined, rate: Rate): void {
  const poolOf = new Map<string, number>();
  const names = new Set(result.pools.map((p) => p.name));
  for (const row of file.rows) {
    const key = row.model?.name ?? '';
    if (poolOf.has(key)) continue;
    const base = key === '' ? 'cpu' : key;
    const name = names.has(base) ? `${base}-file` : base;
    names.add(name);
    poolOf.set(key, result.pools.length);
    result.models.push(row.model);
    result.pools.push({
      name,
      ...ofModel(row.model),
      priceMicroUsd: key === '' ? 0 : (price ?? rate(row.model, false)),
      spot: false,
    });
  }
  const before = result.nodes;
  const groups: NodeGroup[] = file.rows.map((row) => ({
    pool: poolOf.get(row.model?.name ?? '') as number,
    count: 1,
    gpus: row.gpus,
    cpuMilli: row.cpuMilli,
    memoryMiB: row.memoryMiB,
  }));
  const added = nodeColumns(groups);
  added.names = file.rows.map((row) => row.name);
  result.nodes = concat(before, added);
}

/** The nodes of one after those of the other. */
export function concat(a: NodeColumns, b: NodeColumns): NodeColumns {
  if (a.count === 0) return b;
  const i32 = (x: Int32Array, y: Int32Array) => Int32Array.from([...x, ...y]);
  const f64 = (x: Float64Array, y: Float64Array) => Float64Array.from([...x, ...y]);
  return {
    count: a.count + b.count,
    names: [...a.names, ...b.names],
    pool: i32(a.pool, b.pool),
    gpus: Uint8Array.from([...a.gpus, ...b.gpus]),
    cpuMilli: f64(a.cpuMilli, b.cpuMilli),
    memoryMiB: f64(a.memoryMiB, b.memoryMiB),
    rack: i32(a.rack, b.rack),
    block: i32(a.block, b.block),
    nvlinkDomain: i32(a.nvlinkDomain, b.nvlinkDomain),
    migLayout: i32(a.migLayout, b.migLayout),
  };
}
