/**
 * The typical workers of a workload: its most frequent kinds, which together make up 95 % of it. Fragmentation is
 * measured against them (Weng et al., "Beware of Fragmentation", USENIX ATC 2023, section 3).
 */
import type { Scenario, TypicalWorker } from '../../scenario.ts';

/** Part of all workers that the typical kinds make up at least. */
const COVERAGE = 0.95;

interface Kind {
  cpuMilli: number;
  shareMilli: number;
  gpus: number;
  poolList: number;
  gpuMemoryMiB: number;
  migProfile: number;
  count: number;
}

/** Kinds differ in CPU, GPUs and the pools they may use; memory is left out. */
export function typicalWorkers(
  scenario: Pick<Scenario, 'jobs' | 'pools' | 'poolLists' | 'migLayouts' | 'migProfiles'>,
): TypicalWorker[] {
  const kinds = [...countKinds(scenario).values()].sort(
    (a, b) =>
      b.count - a.count ||
      b.cpuMilli - a.cpuMilli ||
      b.shareMilli - a.shareMilli ||
      b.gpus - a.gpus ||
      b.poolList - a.poolList ||
      b.gpuMemoryMiB - a.gpuMemoryMiB ||
      b.migProfile - a.migProfile,
  );
  const all = kinds.reduce((sum, { count }) => sum + count, 0);
  const taken: Kind[] = [];
  let covered = 0;
  for (const kind of kinds) {
    if (covered >= COVERAGE * all) break;
    taken.push(kind);
    covered += kind.count;
  }
  return taken.map((kind) => ({
    weight: kind.count / all / (covered / all),
    cpuMilli: kind.cpuMilli,
    gpus: kind.gpus,
    milli: scenario.pools.map((_, pool) => milliIn(scenario, kind, pool)),
  }));
}

function countKinds({ jobs }: Pick<Scenario, 'jobs'>): Map<string, Kind> {
  const kinds = new Map<string, Kind>();
  for (let j = 0; j < jobs.count; j++) {
    for (let t = jobs.taskStart[j]; t < jobs.taskStart[j + 1]; t++) {
      const gpus = jobs.taskGpus[t];
      const kind: Kind = {
        cpuMilli: jobs.cpuMilli[j],
        gpus,
        shareMilli: gpus === 0 ? 0 : jobs.shareMilli[j],
        poolList: jobs.poolList[j],
        gpuMemoryMiB: jobs.gpuMemoryMiB[j],
        migProfile: jobs.migProfile[j],
        count: 1,
      };
      const key = `${kind.cpuMilli} ${gpus} ${kind.shareMilli} ${kind.poolList} ${kind.gpuMemoryMiB} ${kind.migProfile}`;
      const known = kinds.get(key);
      if (known === undefined) kinds.set(key, kind);
      else known.count++;
    }
  }
  return kinds;
}

function milliIn(
  { pools, poolLists, migLayouts, migProfiles }: Pick<Scenario, 'pools' | 'poolLists' | 'migLayouts' | 'migProfiles'>,
  kind: Kind,
  pool: number,
): number {
  if (!poolLists[kind.poolList].includes(pool)) return -1;
  if (kind.gpus === 0) return 0;
  if (kind.migProfile >= 0) {
    const profile = migProfiles[kind.migProfile];
    const layout = migLayouts.find(({ instances }) => instances.includes(profile));
    return layout === undefined ? 1000 : (layout.sevenths[layout.instances.indexOf(profile)] * 1000) / 7;
  }
  if (kind.gpuMemoryMiB > 0) {
    return Math.min(1000, Math.ceil((kind.gpuMemoryMiB * 1000) / pools[pool].gpuMemoryMiB));
  }
  return kind.shareMilli;
}
