/** Storage documents → file systems, data and who may use which paths; jobs' sizes and paths → checkpoint plans. */

import type { CheckpointPlan, DatasetPlan, FileSystemSpec, StorageSettings } from '../../sim/scenario.ts';
import { aloneUs } from '../../sim/world/storage/storage.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import { nameList, nearestName } from '../problem.ts';
import type { FileSystemInput } from '../schema/storage.ts';
import { quote } from '../units.ts';
import { type CompiledCluster, findPool } from './cluster.ts';
import type { JobDraft } from './draft.ts';

const GB = 1e9;
const KEEP = 3;
const BYTES_PER_PARAM = 14;
const ASYNC_STALL_US = 1_000_000;
/** Kubernetes' terminationGracePeriodSeconds. */
const GRACE_US = 30_000_000;

/**
 * DGX SuperPOD H100 Reference Architecture (RA-11333-001 v11), table 6, GB/s: one node, and a scalable unit of 32 nodes;
 * more units have as many times more.
 */
const PERFORMANCE = {
  good: { nodeRead: 4, nodeWrite: 2, read: 15, write: 7 },
  better: { nodeRead: 8, nodeWrite: 4, read: 40, write: 20 },
  best: { nodeRead: 40, nodeWrite: 20, read: 125, write: 62 },
};
const UNIT_NODES = 32;
/** Our assumptions, GB/s a node: eight NVMe disks striped; one copy in flight on half of eight 400 Gbit/s rails. */
const LOCAL = { read: 40, write: 20 };
const PEER = 200;

interface Access {
  path: string;
  projects: string[];
}

export interface CompiledStorage {
  /** Undefined where nothing in the scenario has a size. */
  settings(): StorageSettings | undefined;
  /** What a job's traits mean; undefined after a problem was reported. */
  ofJob(draft: JobDraft, project: string, workers: number, pools: readonly number[]): JobStorage | undefined;
}

export interface JobStorage {
  checkpoint?: CheckpointPlan;
  dataset?: DatasetPlan;
  /** What the plan takes with the storage to itself, µs: estimates for those who plan ahead. */
  stallUs?: number;
  restoreUs?: number;
  graceUs?: number;
  /** Complete checkpoints kept, of jobs whose checkpoints have no size. */
  keep?: number;
}

export function compileStorage(
  docs: readonly CheckedDocument[],
  cluster: CompiledCluster,
  /** NeMo's `save_top_k`; 0 or less = not stated. */
  trainerKeeps: number,
  report: Report,
  assume: (sentence: string) => void,
): CompiledStorage {
  const stated = documentsOf(docs, 'Storage');
  for (const extra of stated.slice(1))
    report.at(extra.source, ['kind'], 'a second Storage', 'one Storage in a scenario');
  const doc = stated[0];
  const spec = doc?.data.spec;
  // A node that changes pools is one machine.
  const { count, hardware } = cluster.nodes;
  const nodes = hardware === undefined ? count : new Set(hardware).size;
  const fileSystems: FileSystemSpec[] = [];
  const mounts: string[] = [];
  const access: (Access[] | undefined)[] = [];
  const datasets = new Map<string, { bytes: number; fileSystem: number; path: string }>();
  let needed = doc !== undefined;

  (spec?.fileSystems ?? []).forEach((fs, i) => {
    if (fileSystems.some((other) => other.name === fs.name))
      report.at(
        doc.source,
        ['spec', 'fileSystems', i, 'name'],
        `${quote(fs.name)} a second time`,
        'each file system once',
      );
    const near = fs.near?.map((n, k) =>
      findPool(cluster.pools, n, doc.source, ['spec', 'fileSystems', i, 'near', k], report),
    );
    if (near !== undefined && fs.farBandwidth === undefined)
      report.at(
        doc.source,
        ['spec', 'fileSystems', i],
        'near without farBandwidth',
        'the rate at which other pools get at it',
      );
    fileSystems.push(fileSystemOf(fs, nodes, near));
    mounts.push(cleanPath(fs.path ?? `/${fs.name}`));
    access.push(fs.access?.map((a) => ({ path: cleanPath(a.path), projects: a.projects })));
  });
  if (fileSystems.length === 0) {
    fileSystems.push(fileSystemOf({ name: 'shared', retention: 0 }, nodes, undefined));
    mounts.push('/');
    access.push(undefined);
  }
  const shared = fileSystems.length;
  const node = (name: string, read: number, write: number): FileSystemSpec => ({
    ...fileSystemOf({ name, retention: 0, read: Infinity, write: Infinity }, nodes, undefined),
    nodeReadBytesPerSecond: read,
    nodeWriteBytesPerSecond: write,
    ofNodes: true,
  });
  const local =
    fileSystems.push(node('local disks', spec?.localRead ?? LOCAL.read * GB, spec?.localWrite ?? LOCAL.write * GB)) - 1;
  const peerRate = spec?.peerBandwidth ?? PEER * GB;
  const peer = fileSystems.push(node('peer memory', peerRate, peerRate)) - 1;

  (spec?.datasets ?? []).forEach((data, i) => {
    const at = ['spec', 'datasets', i];
    let fileSystem = data.path === undefined ? 0 : mountOf(mounts, cleanPath(data.path));
    if (data.fileSystem !== undefined) {
      const names = fileSystems.slice(0, shared).map((fs) => fs.name);
      fileSystem = names.indexOf(data.fileSystem);
      if (fileSystem < 0)
        report.at(
          doc.source,
          [...at, 'fileSystem'],
          `unknown file system ${quote(data.fileSystem)}`,
          `one of ${nameList(names)}`,
          {
            name: data.fileSystem,
            among: names,
          },
        );
    } else if (fileSystem < 0) {
      report.at(
        doc.source,
        [...at, 'path'],
        `${quote(data.path as string)}, which no file system holds`,
        `a path below ${mounts.join(' or ')}`,
      );
    }
    if (datasets.has(data.name))
      report.at(doc.source, [...at, 'name'], `${quote(data.name)} a second time`, 'each dataset once');
    datasets.set(data.name, {
      bytes: data.size,
      fileSystem,
      path: cleanPath(data.path ?? mounts[Math.max(0, fileSystem)]),
    });
  });

  // Where Mission Control writes the checkpoints of jobs that state no path of their own.
  const [tolerance] = documentsOf(docs, 'FaultTolerancePolicy');
  const policyPath = tolerance?.data.spec.action?.checkpointPath;
  if (doc !== undefined && policyPath !== undefined && mountOf(mounts, cleanPath(policyPath)) < 0) {
    const found = `${quote(policyPath)}, which no file system holds`;
    report.at(tolerance.source, ['spec', 'action', 'checkpointPath'], found, `a path below ${mounts.join(' or ')}`);
  }

  /** The file system of a path that the project may use; -1 after reporting why not. */
  function reach(draft: JobDraft, field: string, path: string, project: string): number {
    const fs = mountOf(mounts, path);
    if (fs < 0) {
      draft.blame(field, `${quote(path)}, which no file system holds`, `a path below ${mounts.join(' or ')}`);
      return -1;
    }
    const rules = access[fs];
    if (rules === undefined) return fs;
    const rule = longest(rules, path, (r) => r.path);
    if (rule !== undefined && (rule.projects.includes(project) || rule.projects.includes('*'))) return fs;
    const own = rules.filter((r) => r.projects.includes(project) || r.projects.includes('*')).map((r) => r.path);
    const whose = rule === undefined ? 'which is open to nobody' : `which belongs to ${nameList(rule.projects)}`;
    draft.blame(
      field,
      `${quote(path)} for project ${quote(project)}, ${whose}`,
      own.length > 0
        ? `one of the paths of ${project}: ${nameList(own)}`
        : `a path that ${project} has access to; it has none`,
    );
    return -1;
  }

  function ofJob(draft: JobDraft, project: string, workers: number, pools: readonly number[]): JobStorage | undefined {
    const t = draft.traits;
    const result: JobStorage = {};
    if (t.dataset !== undefined) {
      const data = datasets.get(t.dataset);
      if (data === undefined) {
        const known = [...datasets.keys()];
        const near = nearestName(t.dataset, known);
        draft.blame(
          'dataset',
          `unknown dataset ${quote(t.dataset)}`,
          known.length > 0 ? `one of ${nameList(known)}` : 'a dataset of a Storage document',
          near,
        );
        return undefined;
      }
      if (reach(draft, 'dataset', data.path, project) < 0) return undefined;
      result.dataset = { bytes: data.bytes, fileSystem: data.fileSystem };
    }
    let fileSystem = 0;
    const training = (draft.class ?? t.class ?? 'training') === 'training';
    const perParam = t.checkpointBytesPerParam ?? BYTES_PER_PARAM;
    const bytes =
      t.checkpointSize ?? (t.modelParams !== undefined && training ? Math.round(t.modelParams * perParam) : 0);
    const keep = t.checkpointKeep ?? (trainerKeeps > 0 ? trainerKeeps : undefined);
    // A path that a job states has to be open to it, whether its size is known or not.
    const path = t.checkpointPath ?? (bytes > 0 ? policyPath : undefined);
    if (path !== undefined && doc !== undefined) {
      fileSystem = reach(draft, 'checkpointPath', cleanPath(path), project);
      if (fileSystem < 0) return undefined;
    }
    // Without a size room is no matter: all are kept unless something else is stated.
    if (bytes === 0) return { ...result, ...(keep !== undefined && { keep }) };
    if (!Number.isSafeInteger(bytes)) {
      draft.blame('modelParams', `a checkpoint of ${bytes} bytes`, 'less than 2^53 bytes (9 PB)');
      return undefined;
    }
    needed = true;
    if (t.checkpointSize === undefined)
      assume(
        `Checkpoints of jobs that state parameters have ${perParam} bytes a parameter${perParam === BYTES_PER_PARAM ? ' (fp32 weights, two moments, a bf16 copy)' : ''}.`,
      );
    const tier = t.checkpointTier ?? 'shared';
    const asynchronous = t.checkpointMode === 'async';
    const plan: CheckpointPlan = {
      bytes,
      asynchronous,
      stallUs: asynchronous ? (t.checkpointStall ?? ASYNC_STALL_US) : 0,
      tier,
      sharedEvery: tier === 'shared' ? 0 : (t.checkpointSharedEvery ?? 10),
      fileSystem,
      tierFileSystem: tier === 'local' ? local : tier === 'peer-memory' ? peer : fileSystem,
      keep: keep ?? KEEP,
    };
    result.checkpoint = plan;
    const on = fileSystems[plan.tierFileSystem];
    const far = on.near !== undefined && pools.length > 0 && !on.near.includes(pools[0]);
    const alone = (direction: 'read' | 'write') => aloneUs(on, direction, bytes, Math.max(1, workers), far);
    result.stallUs = asynchronous ? plan.stallUs : alone('write');
    result.restoreUs = alone('read');
    if (t.checkpointOnPreempt && t.grace === undefined) {
      result.graceUs = GRACE_US;
      assume(
        'Jobs that write a checkpoint when preempted have 30 s for it where they state no grace (the default of Kubernetes).',
      );
    }
    return result;
  }

  return {
    settings() {
      if (!needed && datasets.size === 0) return undefined;
      if ((spec?.fileSystems.length ?? 0) === 0)
        assume(
          `No file system is stated: one of the 'better' class for ${nodes} nodes (DGX SuperPOD H100 reference architecture, table 6): ${fileSystems[0].writeBytesPerSecond / GB} GB/s writing, ${fileSystems[0].readBytesPerSecond / GB} GB/s reading, 4 and 8 GB/s a node.`,
        );
      return { fileSystems };
    },
    ofJob,
  };
}

function fileSystemOf(fs: Omit<FileSystemInput, 'access'>, nodes: number, near: number[] | undefined): FileSystemSpec {
  const usual = PERFORMANCE[fs.performance ?? 'better'];
  const units = Math.max(1, Math.ceil(nodes / UNIT_NODES));
  return {
    name: fs.name,
    readBytesPerSecond: fs.read ?? usual.read * units * GB,
    writeBytesPerSecond: fs.write ?? usual.write * units * GB,
    nodeReadBytesPerSecond: fs.nodeRead ?? usual.nodeRead * GB,
    nodeWriteBytesPerSecond: fs.nodeWrite ?? usual.nodeWrite * GB,
    farBytesPerSecond: fs.farBandwidth ?? Infinity,
    ...(near && { near }),
    capacityBytes: fs.capacity ?? Infinity,
    retentionUs: fs.retention,
  };
}

/** `/a//b/` → `/a/b`; `..` goes no higher than the root. */
function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

const isBelow = (path: string, above: string) => above === '/' || path === above || path.startsWith(`${above}/`);

function longest<T>(items: readonly T[], path: string, of: (item: T) => string): T | undefined {
  let best: T | undefined;
  for (const item of items) {
    if (isBelow(path, of(item)) && (best === undefined || of(item).length > of(best).length)) best = item;
  }
  return best;
}

function mountOf(mounts: readonly string[], path: string): number {
  const mount = longest(mounts, path, (m) => m);
  return mount === undefined ? -1 : mounts.indexOf(mount);
}
