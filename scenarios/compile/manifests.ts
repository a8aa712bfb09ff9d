/** Jobs' own manifests (Kubernetes Job, PyTorchJob, RunaiJob, Run:ai workloads) → jobs. */

import type { JobClass } from '../../sim/scenario.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import type { PathStep } from '../problem.ts';
import { type JobTraits, MAX_GPUS, type PodTemplate } from '../schema.ts';
import { parseCount, parseCpu, parseDuration, parseShare, parseSize, UnitError } from '../units.ts';
import type { SourceDocument } from '../yaml.ts';
import type { JobDraft } from './draft.ts';
import { DEFAULT_MANIFEST_DURATION_US } from './sbatch.ts';

export interface Metadata {
  name?: string;
  namespace?: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** Labels and annotations that name a project, in order. */
const PROJECT_KEYS = [
  'simsup.dev/project',
  'kai.scheduler/queue',
  'runai/queue',
  'project',
  'kueue.x-k8s.io/queue-name',
];

/** What a pod asks for. */
interface Ask {
  gpus: number;
  shareMilli: number;
  gpuMemoryMiB: number;
  cpuMilli: number;
  memoryMiB: number;
}

export function manifestJobs(
  docs: readonly CheckedDocument[],
  report: Report,
  assume: (s: string) => void,
): JobDraft[] {
  const drafts: JobDraft[] = [];
  const add = (
    source: SourceDocument,
    meta: Metadata,
    workers: number,
    ask: Ask,
    klass: JobClass,
    gpuPath: readonly PathStep[],
  ) => {
    const annotation = annotations(meta, source, report);
    const stated = annotation('simsup.dev/duration', parseDuration);
    const id = meta.name ?? `job-${drafts.length + 1}`;
    if (stated === undefined) {
      assume(
        `Jobs from manifests run 1 hour unless the annotation simsup.dev/duration (in sbatch scripts: #SIMSUP --duration, else the time limit) says otherwise.`,
      );
    }
    const share = annotation('gpu-fraction', parseShare);
    const memory = annotation('gpu-memory', (t) => parseCount(t, 1, 1e9));
    const traits: JobTraits = {};
    const shareMilli = share ?? ask.shareMilli;
    const gpuMemory = memory ?? ask.gpuMemoryMiB;
    if (shareMilli < 1000) traits.gpuShare = shareMilli;
    if (gpuMemory > 0) traits.gpuMemory = gpuMemory;
    if (ask.cpuMilli > 0) traits.cpu = ask.cpuMilli;
    if (ask.memoryMiB > 0) traits.memory = ask.memoryMiB;
    const use = annotation('simsup.dev/use', parseShare);
    if (use !== undefined) traits.use = use;
    const checkpoint = annotation('simsup.dev/checkpoint-every', parseDuration);
    if (checkpoint !== undefined) traits.checkpointEvery = checkpoint;
    // A share or an amount of memory is asked for without a nvidia.com/gpu of its own: one device.
    const each = ask.gpus === 0 && (shareMilli < 1000 || gpuMemory > 0) ? 1 : ask.gpus;
    drafts.push({
      id,
      project: projectOf(meta),
      user: '',
      class: klass,
      submitUs: annotation('simsup.dev/submit', parseDuration) ?? 0,
      durationUs: stated ?? DEFAULT_MANIFEST_DURATION_US,
      gpus: each * workers,
      workers,
      after: [],
      traits,
      blame: (field, found, expected, nearest) => {
        const path = field === 'gpus' || field === 'workers' ? gpuPath : ['metadata', field === 'id' ? 'name' : ''];
        report.add({
          file: source.file,
          ...source.locate(path),
          path: '',
          found,
          expected,
          ...(nearest && { nearest }),
        });
      },
    });
  };

  for (const { data, source } of [...documentsOf(docs, 'Job'), ...documentsOf(docs, 'RunaiJob')]) {
    const path = ['spec', 'template', 'spec', 'containers'];
    const ask = podAsk(data.spec.template, path, source, report);
    add(source, merged(data.metadata, data.spec.template), data.spec.parallelism, ask, 'training', path);
  }
  for (const { data, source } of documentsOf(docs, 'PyTorchJob')) {
    const specs = Object.entries(data.spec.pytorchReplicaSpecs);
    const path = ['spec', 'pytorchReplicaSpecs'];
    const roles = specs.filter(([, r]) => r.replicas > 0);
    if (roles.length === 0) {
      report.at(source, path, 'no replicas', 'a Master or Worker with at least one replica');
      continue;
    }
    const asks = roles.map(([role, r]) =>
      podAsk(r.template, [...path, role, 'template', 'spec', 'containers'], source, report),
    );
    const workers = roles.reduce((sum, [, r]) => sum + r.replicas, 0);
    const gpus = roles.reduce((sum, [, r], i) => sum + r.replicas * asks[i].gpus, 0);
    if (asks.some((a) => a.gpus !== asks[0].gpus)) {
      assume(
        `PyTorchJob ${data.metadata.name ?? ''}: its replicas ask for different numbers of GPUs; they are spread evenly over its ${workers} workers.`,
      );
    }
    const widest = {
      ...asks[0],
      cpuMilli: Math.max(...asks.map((a) => a.cpuMilli)),
      memoryMiB: Math.max(...asks.map((a) => a.memoryMiB)),
    };
    const meta = merged(data.metadata, roles[0][1].template);
    add(source, meta, workers, { ...widest, gpus: gpus / workers }, 'training', path);
    const last = drafts[drafts.length - 1];
    last.gpus = Math.round(last.gpus);
  }
  for (const kind of ['TrainingWorkload', 'InteractiveWorkload', 'DistributedWorkload'] as const) {
    for (const { data, source } of documentsOf(docs, kind)) {
      const { spec } = data;
      const value = <T>(
        field: 'gpu' | 'gpuDevices' | 'gpuMemory' | 'cpu' | 'memory' | 'workers' | 'parallelism',
        parse: (t: string) => T,
      ) => {
        const given = spec[field];
        return given === undefined
          ? undefined
          : guarded(report, source, ['spec', field, 'value'], () => parse(given.value));
      };
      const gpu = value('gpu', (t) => {
        if (/^\d+$/.test(t)) return { gpus: parseCount(t, 0, MAX_GPUS), shareMilli: 1000 };
        return { gpus: 1, shareMilli: parseShare(t) };
      });
      const ask: Ask = {
        gpus: value('gpuDevices', (t) => parseCount(t, 0, MAX_GPUS)) ?? gpu?.gpus ?? 0,
        shareMilli: gpu?.shareMilli ?? 1000,
        gpuMemoryMiB: value('gpuMemory', memoryQuantity) ?? 0,
        cpuMilli: value('cpu', parseCpu) ?? 0,
        memoryMiB: value('memory', memoryQuantity) ?? 0,
      };
      const count = (t: string) => parseCount(t, 1, MAX_GPUS);
      const workers = value('workers', count) ?? value('parallelism', count) ?? 1;
      add(source, data.metadata, workers, ask, kind === 'InteractiveWorkload' ? 'interactive' : 'training', [
        'spec',
        'gpu',
      ]);
    }
  }
  return drafts;
}

/** Labels of the pods count as well as those of the job. */
function merged(meta: Metadata, template: PodTemplate): Metadata {
  return {
    ...meta,
    labels: { ...template.metadata.labels, ...meta.labels },
    annotations: { ...template.metadata.annotations, ...meta.annotations },
  };
}

export function projectOf(meta: Metadata): string {
  for (const key of PROJECT_KEYS) {
    const name = meta.labels[key] ?? meta.annotations[key];
    if (name !== undefined) return name;
  }
  // Run:ai's namespace of project p is runai-p.
  return meta.namespace?.startsWith('runai-') ? meta.namespace.slice('runai-'.length) : '';
}

/** Reads a manifest's annotations, each by what it states; undefined where there is none. */
export function annotations(meta: Metadata, source: SourceDocument, report: Report) {
  return <T>(key: string, parse: (text: string) => T): T | undefined => {
    const text = meta.annotations[key];
    if (text === undefined) return undefined;
    return guarded(report, source, ['metadata', 'annotations', key], () => parse(text));
  };
}

function guarded<T>(report: Report, source: SourceDocument, path: readonly PathStep[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UnitError)) throw error;
    report.at(source, path, error.found, error.expected);
    return undefined;
  }
}

/** Sum over a pod's containers; a limit counts where it stands, else the request. */
function podAsk(template: PodTemplate, path: readonly PathStep[], source: SourceDocument, report: Report): Ask {
  const ask: Ask = { gpus: 0, shareMilli: 1000, gpuMemoryMiB: 0, cpuMilli: 0, memoryMiB: 0 };
  template.spec.containers.forEach((container, i) => {
    const read = <T>(resource: string, first: 'limits' | 'requests', parse: (t: string) => T): T | undefined => {
      const second = first === 'limits' ? 'requests' : 'limits';
      for (const part of [first, second] as const) {
        const text = container.resources?.[part]?.[resource];
        if (text !== undefined)
          return guarded(report, source, [...path, i, 'resources', part, resource], () => parse(text));
      }
      return undefined;
    };
    ask.gpus += read('nvidia.com/gpu', 'limits', (t) => parseCount(t, 0, MAX_GPUS)) ?? 0;
    ask.cpuMilli += read('cpu', 'requests', parseCpu) ?? 0;
    ask.memoryMiB += read('memory', 'requests', memoryQuantity) ?? 0;
  });
  return ask;
}

/** Kubernetes' memory: a size with a unit, or bytes. */
function memoryQuantity(text: string): number {
  return /^\d+$/.test(text) ? Math.round(parseCount(text) / 2 ** 20) : parseSize(text);
}
