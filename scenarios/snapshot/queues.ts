/** Run:ai's queues: departments, projects, and what each deserves. */
import { DEFAULT_QUEUE_PRIORITY } from '../../sim/policy/runai/config.ts';
import type { QueueResource, QueueState } from '../../sim/policy/runai/state.ts';
import { duration, number, part, textOr, time, whole } from './fields.ts';
import type { KubeObject } from './objects.ts';
import { type Findings, SnapshotError } from './problems.ts';

/** Queues state memory in these. */
const MEGABYTE = 1e6;
/** Name of the one department there is when departments play no part. */
const FLAT_PARENT = 'default';

const UNLIMITED: QueueResource = { deserved: -1, limit: -1, overQuotaWeight: 1 };

/** Oldest first, then by name. Queues under a missing parent are told as dangling and left out with all below them. */
export function readQueues(objects: readonly KubeObject[], departments: boolean, findings: Findings): QueueState[] {
  const all = objects.map(readQueue);
  const queues = departments ? withParents(all, findings) : flattened(all);
  return queues.sort((a, b) => a.createdUs - b.createdUs || (a.name < b.name ? -1 : 1));
}

function readQueue(queue: KubeObject): QueueState {
  const resource = (name: string, scale: number): QueueResource => {
    // Absent is zero here, not unlimited: that is −1.
    const f = part(queue, `spec.resources.${name}`);
    const amount = (field: string) => {
      const value = f === undefined ? 0 : (number(f, field) ?? 0);
      return value < 0 ? -1 : value * scale;
    };
    return {
      deserved: amount('quota'),
      limit: amount('limit'),
      overQuotaWeight: f === undefined ? 0 : Math.max(0, number(f, 'overQuotaWeight') ?? 0),
    };
  };
  return {
    name: queue.name,
    parent: textOr(queue, 'spec.parentQueue') || null,
    priority: whole(queue, 'spec.priority') ?? DEFAULT_QUEUE_PRIORITY,
    createdUs: time(queue, 'metadata.creationTimestamp') ?? 0,
    gpu: resource('gpu', 1),
    cpuMilli: resource('cpu', 1),
    memoryBytes: resource('memory', MEGABYTE),
    preemptMinRuntimeUs: duration(queue, 'spec.preemptMinRuntime') ?? null,
    reclaimMinRuntimeUs: duration(queue, 'spec.reclaimMinRuntime') ?? null,
    usage: { gpu: 0, cpu: 0, memory: 0 },
  };
}

function withParents(all: QueueState[], findings: Findings): QueueState[] {
  const byName = new Map(all.map((queue) => [queue.name, queue]));
  const rooted = new Set<string>();
  const orphaned = new Set<string>();
  for (const queue of all) {
    const way: QueueState[] = [];
    let above: QueueState | undefined = queue;
    let found = true;
    while (above !== undefined && !rooted.has(above.name) && !orphaned.has(above.name)) {
      if (way.includes(above)) {
        const circle = [...way.slice(way.indexOf(above)), above].map((q) => q.name).join(' → ');
        throw new SnapshotError(
          `Queue ${above.name}: spec.parentQueue: found a circle (${circle.slice(0, 400)}), expected a way up to a queue without a parent`,
        );
      }
      way.push(above);
      if (above.parent === null) break;
      const parent = byName.get(above.parent);
      if (parent === undefined) {
        findings.dangling(
          `Queue ${above.name}`,
          'spec.parentQueue',
          above.parent,
          'the name of a Queue in the snapshot',
        );
        found = false;
      }
      above = parent;
    }
    if (above !== undefined && orphaned.has(above.name)) found = false;
    for (const passed of way) (found ? rooted : orphaned).add(passed.name);
  }
  return all.filter((queue) => rooted.has(queue.name));
}

/** Without departments all projects stand side by side under one parent without limits. */
function flattened(all: QueueState[]): QueueState[] {
  const projects = all.filter((q) => q.parent !== null && q.name !== FLAT_PARENT);
  const top: QueueState = {
    name: FLAT_PARENT,
    parent: null,
    priority: DEFAULT_QUEUE_PRIORITY,
    createdUs: 0,
    gpu: UNLIMITED,
    cpuMilli: UNLIMITED,
    memoryBytes: UNLIMITED,
    preemptMinRuntimeUs: null,
    reclaimMinRuntimeUs: null,
    usage: { gpu: 0, cpu: 0, memory: 0 },
  };
  return [top, ...projects.map((queue) => ({ ...queue, parent: FLAT_PARENT }))];
}
