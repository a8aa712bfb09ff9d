/** Spot reclaim, network and electricity: what surrounds the cluster → the compiled scenario's settings. */

import type { EnergySettings, NetworkSettings, PoolSpec, SpotSpec } from '../../sim/scenario.ts';
import { HOUR_US } from '../../sim/scenario.ts';
import {
  BATCH_SHARE,
  BATCH_WINDOW_US,
  CLOUDS,
  PER_MONTH,
  RATE_MONTH_HOURS,
  RETURN_MEAN_US,
} from '../catalogue/clouds.ts';
import { gpuModel, gpuModelNames, gpuModelSpellings } from '../catalogue/gpus.ts';
import { GRID, nodePower, PUE } from '../catalogue/power.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import { nameList } from '../problem.ts';
import type { ReclaimInput } from '../schema.ts';
import { quote } from '../units.ts';
import type { CompiledCluster } from './cluster.ts';

type Assume = (sentence: string) => void;

/** By pool; undefined where no pool is spot. */
export function compileSpot(
  docs: readonly CheckedDocument[],
  pools: readonly PoolSpec[],
  assume: Assume,
): (SpotSpec | null)[] | undefined {
  const stated = documentsOf(docs, 'Cluster')[0]?.data.spec.pools ?? [];
  const specs = pools.map((pool, p) => {
    const reclaim = stated[p]?.reclaim;
    if (!pool.spot || reclaim === 'none') return null;
    return spotSpec(pool.name, reclaim, assume);
  });
  return specs.some((spec) => spec !== null) ? specs : undefined;
}

function spotSpec(pool: string, given: Exclude<ReclaimInput, 'none'> | undefined, assume: Assume): SpotSpec {
  const cloud = CLOUDS.find((c) => c.name === (given?.cloud ?? 'aws')) ?? CLOUDS[0];
  const perMonth = given?.perMonth === undefined ? PER_MONTH : given.perMonth / 1000;
  const spec: SpotSpec = {
    noticeUs: given?.notice ?? cloud.noticeUs,
    meanUs: given?.meanTime ?? Math.round((-RATE_MONTH_HOURS / Math.log(1 - perMonth)) * HOUR_US),
    byAge: cloud.byAge,
    maxAgeUs: cloud.maxAgeUs,
    byHour: given?.byHour ?? new Array<number>(24).fill(1),
    batchShare: (given?.batchShare ?? BATCH_SHARE * 1000) / 1000,
    batchWindowUs: given?.batchWindow ?? BATCH_WINDOW_US,
    returnMeanUs: given?.returnAfter ?? RETURN_MEAN_US,
  };
  const days = (spec.meanUs / (24 * HOUR_US)).toFixed(1);
  assume(
    `Spot pool ${pool}: a node is taken every ${days} days on average with ${spec.noticeUs / 1e6} s of notice (${cloud.source}); ${Math.round(100 * spec.batchShare)} % of the others go along; capacity returns after ${(spec.returnMeanUs / HOUR_US).toFixed(1)} h on average.`,
  );
  return spec;
}

export function compileNetwork(docs: readonly CheckedDocument[], report: Report): NetworkSettings | undefined {
  const stated = documentsOf(docs, 'Network');
  for (const extra of stated.slice(1))
    report.at(extra.source, ['kind'], 'a second Network', 'one Network in a scenario');
  const spec = stated[0]?.data.spec;
  if (spec === undefined || !spec.enabled) return undefined;
  return {
    algorithm: spec.algorithm,
    nvlinkBytesPerSecond: spec.nvlink,
    railBytesPerSecond: spec.rail,
    spineBytesPerSecond: spec.spine,
    nvlinkLatencyUs: spec.nvlinkLatency,
    railLatencyUs: spec.railLatency,
    spineLatencyUs: spec.spineLatency,
  };
}

export function compileEnergy(
  docs: readonly CheckedDocument[],
  cluster: CompiledCluster,
  report: Report,
): EnergySettings {
  const stated = documentsOf(docs, 'Energy');
  for (const extra of stated.slice(1)) report.at(extra.source, ['kind'], 'a second Energy', 'one Energy in a scenario');
  const doc = stated[0];
  const spec = doc?.data.spec;
  const table = (field: 'idleWatts' | 'busyWatts') => {
    const byModel = new Map<string, number>();
    for (const [name, watts] of Object.entries(spec?.[field] ?? {})) {
      const model = gpuModel(name);
      if (model === undefined) {
        const near = { name, among: gpuModelSpellings() };
        report.at(
          doc.source,
          ['spec', field, name],
          `unknown GPU model ${quote(name)}`,
          `one of ${nameList(gpuModelNames(), 40)}`,
          near,
        );
      } else byModel.set(model.name, watts);
    }
    return byModel;
  };
  const [idle, busy] = [table('idleWatts'), table('busyWatts')];
  return {
    pue: spec?.pue ?? PUE.value,
    gramsCo2PerKwh: spec?.gramsCo2PerKwh ?? GRID.gramsCo2PerKwh,
    ...(spec?.pricePerKwh !== undefined && { microUsdPerKwh: spec.pricePerKwh }),
    pools: cluster.models.map((model) => {
      const known = model === undefined ? undefined : nodePower(model);
      const given = model !== undefined && (idle.has(model.name) || busy.has(model.name));
      return {
        idleWatts: idle.get(model?.name ?? '') ?? known?.idleWatts ?? 0,
        busyWatts: busy.get(model?.name ?? '') ?? known?.busyWatts ?? 0,
        offWatts: 0,
        source: given ? 'as the scenario states' : (known?.source ?? 'no power is published: counted as 0'),
      };
    }),
    source: [spec?.pue === undefined ? PUE.source : '', spec?.gramsCo2PerKwh === undefined ? GRID.source : '']
      .filter((s) => s !== '')
      .join('; '),
  };
}
