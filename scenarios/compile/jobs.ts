/** Jobs as any source states them (by names) → the compiled scenario's columns (by numbers), checked against the cluster. */

import { type AfterCondition, type AllReduce, type JobColumns, type JobSpec, JobsBuilder } from '../../sim/scenario.ts';
import { type GpuModel, gpuModel, gpuModelNames, gpuModelSpellings, relativeSpeedMilli } from '../catalogue/gpus.ts';
import { nameList, nearestName } from '../problem.ts';
import { type JobTraits, MAX_GPUS_PER_NODE, MAX_JOBS, MAX_TASKS } from '../schema.ts';
import { quote } from '../units.ts';
import { newIdTable, resolveAfter } from './after.ts';
import type { CompiledCluster } from './cluster.ts';
import type { JobDraft } from './draft.ts';
import { type CompiledProjects, projectIndex } from './projects.ts';
import type { CompiledStorage } from './storage.ts';

export interface JobSink {
  add(draft: JobDraft): void;
  /** Adds the jobs that wait for others and sorts all by submit time. */
  finish(): CompiledJobs;
}

export interface CompiledJobs {
  jobs: JobColumns;
  users: string[];
  poolLists: number[][];
  speedProfiles: number[][];
  migProfiles: string[];
  /** Jobs left out because no pool of theirs could ever hold them. */
  tooLarge: number;
}

/** Work of one step where a job counts in steps and does not say: about that of Llama 3 405B (arXiv 2407.21783, §3.3.1: 16 M tokens a step, 400 TFLOP/s on each of 16,384 GPUs). */
export const DEFAULT_STEP_US = 6_000_000;

export interface JobRules {
  cluster: CompiledCluster;
  projects: CompiledProjects;
  storage: CompiledStorage;
  /** Steps between checkpoints of training jobs that state no interval (NeMo's trainer settings); 0 = none. */
  checkpointSteps: number;
  skipTooLarge: boolean;
  assume(sentence: string): void;
}

export function newJobSink(rules: JobRules): JobSink {
  const { cluster, projects } = rules;
  const { pools, nodes } = cluster;
  const builder = new JobsBuilder();
  const ids = newIdTable();
  const users = interner<string>((u) => u);
  const poolLists = interner<number[]>((l) => l.join(' '));
  const speeds = interner<number[]>((l) => l.join(' '));
  const migs = interner<string>((m) => m);
  const waiting: JobDraft[] = [];
  const fitsCache = new Map<string, boolean>();
  const listCache = new Map<string, number>();
  const nodesOfPool = pools.map((): number[] => []);
  for (let n = 0; n < nodes.count; n++) nodesOfPool[nodes.pool[n]].push(n);
  const widest = nodesOfPool.map((list) => list.reduce((most, n) => Math.max(most, nodes.gpus[n]), 0));
  let tooLarge = 0;
  let overflow = false;
  let taskCount = 0;
  let last: { shape: string; tasks: number[] } | undefined;
  poolLists.of(pools.map((_, i) => i));

  function poolList(draft: JobDraft, project: number): number {
    const { pools: named, gpuModels, referenceGpu } = draft.traits;
    const cpuOnly = draft.gpus === 0;
    const key = `${project}|${cpuOnly}|${named?.join(',') ?? ''}|${gpuModels?.join(',') ?? ''}|${referenceGpu ?? ''}|${draft.modelIfAny ?? ''}`;
    const cached = listCache.get(key);
    if (cached !== undefined) return cached;
    let list = named === undefined ? homePools(project) : namedPools(draft, named);
    if (gpuModels !== undefined) {
      const wanted = gpuModels.map((name) => knownModel(draft, 'gpuModels', name)?.name);
      // In the order in which the job names the models, then in the project's order of pools.
      list = wanted.flatMap((w) => list.filter((p) => w !== undefined && pools[p].gpuModel === w));
      if (list.length === 0 && wanted.every((w) => w !== undefined)) {
        const have = [...new Set(pools.map((p) => p.gpuModel).filter((m) => m !== ''))];
        draft.blame(
          'gpuModels',
          `GPU models ${gpuModels.join(', ')}`,
          `a model that its pools have: ${nameList(have)}`,
        );
      }
    }
    if (draft.modelIfAny !== undefined) {
      const model = gpuModel(draft.modelIfAny)?.name;
      const having = list.filter((p) => pools[p].gpuModel === model);
      if (having.length === 0) {
        rules.assume(`No pool has the GPU type ${quote(draft.modelIfAny)} that a job script names: any GPU is taken.`);
      } else {
        list = having;
      }
    }
    if (!cpuOnly) list = list.filter((p) => widest[p] > 0);
    const index = list.length === 0 ? -1 : poolLists.of(list);
    listCache.set(key, index);
    return index;
  }

  /** A model of the catalogue; undefined after reporting that there is none of that name. */
  function knownModel(draft: JobDraft, field: string, name: string): GpuModel | undefined {
    const model = gpuModel(name);
    if (model === undefined) {
      const names = `one of ${nameList(gpuModelNames(), 40)}`;
      draft.blame(field, `unknown GPU model ${quote(name)}`, names, nearestName(name, gpuModelSpellings()));
    }
    return model;
  }

  function namedPools(draft: JobDraft, named: string[]): number[] {
    return named.flatMap((name) => {
      const p = pools.findIndex((pool) => pool.name === name);
      const all = pools.map((pool) => pool.name);
      if (p < 0) draft.blame('pools', `unknown pool ${quote(name)}`, `one of ${nameList(all)}`, nearestName(name, all));
      return p < 0 ? [] : [p];
    });
  }

  /** A project's own pools in its order of preference, then, where borrowing across pools is on, all others. */
  function homePools(project: number): number[] {
    const spec = projects.projects[project];
    const all = pools.map((_, i) => i);
    const deserving = all.filter((p) => (spec.deservedGpus[p] ?? 0) !== 0);
    const home = cluster.poolPreference.get(spec.name) ?? (deserving.length > 0 ? deserving : all);
    return cluster.borrowAcrossPools ? [...home, ...all.filter((p) => !home.includes(p))] : home;
  }

  function speedProfile(draft: JobDraft): number {
    const { referenceGpu, speed } = draft.traits;
    if (referenceGpu === undefined && speed === undefined) return -1;
    const reference = referenceGpu === undefined ? undefined : knownModel(draft, 'referenceGpu', referenceGpu);
    if (referenceGpu !== undefined && reference === undefined) return -1;
    const stated = new Map(Object.entries(speed ?? {}).map(([name, factor]) => [gpuModel(name)?.name ?? name, factor]));
    for (const name of stated.keys()) knownModel(draft, 'speed', name);
    const profile = pools.map((pool, p) => {
      const own = stated.get(pool.gpuModel);
      if (own !== undefined) return Math.max(1, Math.round(1000 * own));
      const model = cluster.models[p];
      if (model === undefined || reference === undefined) return 1000;
      const ratio = relativeSpeedMilli(model, reference);
      if (ratio === undefined)
        rules.assume(`No published FLOP/s to compare ${model.name} with ${reference.name}: same speed assumed.`);
      else if (ratio !== 1000) {
        rules.assume(
          `Work measured on ${reference.name} runs ${(ratio / 1000).toFixed(2)} times as fast on ${model.name} (ratio of dense BF16 peaks; state \`speed\` to override).`,
        );
      }
      return ratio ?? 1000;
    });
    return speeds.of(profile);
  }

  function tasksOf(draft: JobDraft, list: number[]): number[] | undefined {
    const { gpus, workers } = draft;
    if (workers > 0) {
      if (gpus > 0 && workers > gpus) {
        draft.blame('workers', `${workers} workers for ${gpus} GPUs`, 'at least one GPU for each worker');
        return undefined;
      }
      const each = Math.floor(gpus / workers);
      const rest = gpus - each * workers;
      return sameAsLast(`${gpus}/${workers}`, () =>
        Array.from({ length: workers }, (_, i) => each + (i < rest ? 1 : 0)),
      );
    }
    const node = list.reduce((most, p) => Math.max(most, widest[p]), 0);
    if (gpus <= node || node === 0) return [gpus];
    return sameAsLast(`${gpus} on ${node}`, () => fullNodes(gpus, node));
  }

  /** The jobs of an array are alike: a million of them share one list. */
  function sameAsLast(shape: string, make: () => number[]): number[] {
    if (last?.shape !== shape) last = { shape, tasks: make() };
    return last.tasks;
  }

  function fullNodes(gpus: number, node: number): number[] {
    const tasks = new Array<number>(Math.floor(gpus / node)).fill(node);
    if (gpus % node > 0) tasks.push(gpus % node);
    return tasks;
  }

  function fits(list: number[], listIndex: number, tasks: number[], t: JobTraits): boolean {
    const last = tasks[tasks.length - 1];
    const key = `${listIndex}|${tasks[0]}x${tasks.length}:${last}|${t.gpuShare ?? 0}|${t.gpuMemory ?? 0}|${t.migProfile ?? ''}|${t.cpu ?? 0}|${t.memory ?? 0}`;
    let answer = fitsCache.get(key);
    if (answer === undefined) {
      answer = tasks[0] <= MAX_GPUS_PER_NODE && list.some((p) => fitsPool(p, tasks, t));
      fitsCache.set(key, answer);
    }
    return answer;
  }

  /** Widest worker first, each on the first node with room. */
  function fitsPool(pool: number, tasks: number[], t: JobTraits): boolean {
    const perGpu =
      t.gpuMemory !== undefined && t.gpuMemory > 0
        ? pools[pool].gpuMemoryMiB === 0
          ? 0
          : Math.floor(pools[pool].gpuMemoryMiB / t.gpuMemory)
        : Math.floor(1000 / (t.gpuShare || 1000));
    let next = 0;
    for (const n of nodesOfPool[pool]) {
      const layout = cluster.migLayouts[nodes.migLayout[n]];
      let room =
        layout === undefined
          ? t.migProfile === undefined
            ? nodes.gpus[n] * perGpu
            : 0
          : nodes.gpus[n] * layout.instances.filter((i) => i === t.migProfile).length;
      let cpu = nodes.cpuMilli[n];
      let memory = nodes.memoryMiB[n];
      while (next < tasks.length && tasks[next] <= room && (t.cpu ?? 0) <= cpu && (t.memory ?? 0) <= memory) {
        if (t.migProfile === undefined && tasks[next] > nodes.gpus[n]) break;
        room -= tasks[next];
        cpu -= t.cpu ?? 0;
        memory -= t.memory ?? 0;
        next++;
      }
      if (next === tasks.length) return true;
    }
    return false;
  }

  function place(draft: JobDraft, after: { job: number; condition: AfterCondition }[]): void {
    if (builder.count >= MAX_JOBS) {
      if (!overflow) draft.blame('', `more than ${MAX_JOBS} jobs`, `at most ${MAX_JOBS} jobs`);
      overflow = true;
      return;
    }
    const project = findProject(draft);
    if (project < 0) return;
    const listIndex = poolList(draft, project);
    if (listIndex < 0) {
      if (draft.gpus > 0 && draft.traits.gpuModels === undefined && draft.traits.pools === undefined) {
        draft.blame('gpus', `${draft.gpus} GPUs`, 'no GPUs: the pools it may use have none');
      }
      return;
    }
    const list = poolLists.items[listIndex];
    const tasks = tasksOf(draft, list);
    if (tasks === undefined) return;
    const t = draft.traits;
    if (!fits(list, listIndex, tasks, t)) {
      if (rules.skipTooLarge) tooLarge++;
      else
        draft.blame(
          'gpus',
          describe(draft, tasks),
          `a job that fits one of its pools when it is empty: ${nameList(list.map(poolText))}`,
        );
      return;
    }
    taskCount += tasks.length;
    if (taskCount > MAX_TASKS) {
      if (!overflow) draft.blame('', `more than ${MAX_TASKS} workers`, `at most ${MAX_TASKS} workers of all jobs`);
      overflow = true;
      return;
    }
    if (draft.minWorkers !== undefined && draft.minWorkers > tasks.length) {
      draft.blame('minWorkers', `${draft.minWorkers}`, `at most its ${tasks.length} workers`);
      return;
    }
    const klass = draft.class ?? t.class;
    const training = (klass ?? 'training') === 'training';
    const stepUs = t.stepTime ?? DEFAULT_STEP_US;
    const everySteps = t.checkpointEverySteps ?? (training ? rules.checkpointSteps : 0);
    const stored = rules.storage.ofJob(draft, projects.projects[project].name, tasks.length, list);
    if (stored === undefined) return;
    const number = builder.add({
      id: draft.id,
      project,
      user: draft.user === '' ? undefined : users.of(draft.user),
      class: klass,
      submitUs: draft.submitUs,
      durationUs: draft.durationUs,
      taskGpus: tasks,
      priority: t.priority,
      preemptible: t.preemptible,
      limitUs: draft.limitUs ?? t.timeLimit,
      deadlineUs: draft.deadlineUs,
      poolList: listIndex,
      shareMilli: t.gpuShare === 0 ? 1000 : t.gpuShare,
      gpuMemoryMiB: t.gpuMemory,
      migProfile: t.migProfile === undefined ? -1 : migs.of(t.migProfile),
      cpuMilli: t.cpu,
      memoryMiB: t.memory,
      useMilli: t.use,
      checkpointEveryUs: t.checkpointEvery ?? everySteps * stepUs,
      checkpointStallUs: stored.stallUs ?? t.checkpointStall,
      checkpointOnPreempt: t.checkpointOnPreempt,
      checkpointKeep: stored.keep,
      ...startupOf(t.startup),
      restoreUs: stored.restoreUs ?? t.restore,
      graceUs: t.grace ?? stored.graceUs,
      maxAttempts: t.maxAttempts,
      minTasks: draft.minWorkers,
      speedProfile: speedProfile(draft),
      steps: draft.steps,
      after,
      partition: t.partition,
      qos: t.qos,
      topologyRequired: t.topologyRequired,
      topologyPreferred: t.topologyPreferred,
      checkpoint: stored.checkpoint,
      dataset: stored.dataset,
      allReduce: allReduceOf(t, training, stepUs),
    });
    if (!draft.generated) ids.set(draft.id, number);
  }

  function findProject(draft: JobDraft): number {
    const all = projects.projects;
    let name = draft.project;
    if (name === '') name = projects.stated && all.length === 1 ? all[0].name : 'default';
    const index = projectIndex(projects, name, pools);
    if (index < 0) {
      const known = all.map((p) => p.name);
      if (draft.project === '') draft.blame('project', 'no project', `one of ${nameList(known)}`);
      else
        draft.blame('project', `unknown project ${quote(name)}`, `one of ${nameList(known)}`, nearestName(name, known));
    }
    return index;
  }

  const poolText = (p: number) => {
    const gpus = nodesOfPool[p].reduce((sum, n) => sum + nodes.gpus[n], 0);
    return `${pools[p].name} (${nodesOfPool[p].length} nodes, ${gpus} GPUs)`;
  };

  return {
    add(draft) {
      if (!draft.generated) {
        if (ids.get(draft.id) !== undefined) {
          draft.blame('id', `job ${quote(draft.id)} a second time`, 'each job once');
          return;
        }
        // Taken from here on; the true number follows when the job is placed.
        ids.set(draft.id, -1);
      }
      if (draft.after.length > 0) waiting.push(draft);
      else place(draft, []);
    },
    finish() {
      resolveAfter(waiting, ids, place);
      return {
        jobs: builder.build(),
        users: users.items,
        poolLists: poolLists.items,
        speedProfiles: speeds.items,
        migProfiles: migs.items,
        tooLarge,
      };
    },
  };
}

/** Gradients of 2 bytes a parameter, summed once a step, unless stated. */
function allReduceOf(t: JobTraits, training: boolean, stepUs: number): AllReduce | undefined {
  const bytes = t.allReduceSize ?? (training && t.modelParams !== undefined ? 2 * t.modelParams : 0);
  return bytes > 0 && stepUs > 0 ? { bytes, stepUs } : undefined;
}

function describe(draft: JobDraft, tasks: number[]): string {
  const { traits: t } = draft;
  const parts = [`${draft.gpus} GPUs`];
  if (tasks.length > 1) parts.push(`${tasks.length} workers of up to ${tasks[0]}`);
  if (t.cpu) parts.push(`${t.cpu / 1000} cores`);
  if (t.memory) parts.push(`${t.memory} MiB of memory`);
  if (t.gpuMemory) parts.push(`${t.gpuMemory} MiB of GPU memory`);
  if (t.migProfile !== undefined) parts.push(`MIG ${t.migProfile}`);
  return `a job of ${parts.join(', ')}`;
}

/** Numbers for values in order of first use. */
function interner<T>(key: (value: T) => string) {
  const index = new Map<string, number>();
  const items: T[] = [];
  return {
    items,
    of(value: T): number {
      const k = key(value);
      let i = index.get(k);
      if (i === undefined) {
        i = items.push(value) - 1;
        index.set(k, i);
      }
      return i;
    },
  };
}

/** A time, or one that is drawn at each start. */
function startupOf(startup: JobTraits['startup']): Partial<Pick<JobSpec, 'startupUs' | 'startupSpread'>> {
  if (typeof startup !== 'object') return { startupUs: startup };
  const { lognormal, max = Infinity } = startup;
  return { startupUs: lognormal.median, startupSpread: { sigma: lognormal.sigma, mostUs: max } };
}
