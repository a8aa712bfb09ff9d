/** A pod as the scheduler sees it: where it stands and what it asks for. */
import type { TaskStatus } from '../../sim/policy/runai/state.ts';
import { type Fields, parts, quantityEntries, text, textOr, texts, time, whole } from './fields.ts';
import type { KubeObject } from './objects.ts';
import { type Findings, SnapshotError } from './problems.ts';
import { milliUnits, wholeUnits } from './quantity.ts';
import { MIG_PREFIX } from './shape.ts';

/** GPUs as Kubernetes' device plug-ins name them. */
export const GPU_RESOURCES = ['nvidia.com/gpu', 'amd.com/gpu'];
const GPU_GROUP_LABEL = 'runai-gpu-group';
/** No node has more, and so no pod can. */
const MOST_GPUS = 1024;
const RESERVATION_APP = 'kai-resource-reservation';
const SCALING_APP = 'scaling-pod';

export interface PodFacts {
  pod: KubeObject;
  /** null: it neither holds nor wants anything (its phase is unknown). */
  status: TaskStatus | null;
  node: string | null;
  cpuMilli: number;
  memoryBytes: number;
  /** As in `TaskState`. */
  gpus: number;
  gpuMemoryMiB: number;
  gpuDevices: number;
  migInstances: Record<string, number>;
  legacyMig: boolean;
  gpuGroups: string[];
  /** Asks for a part of a GPU, by share or by memory. */
  shared: boolean;
  /** Other resources it asks for, in their unit. */
  extended: [string, number][];
  /** Holds a shared GPU for the scheduler: the GPU it asks for is the one that the sharing pods use. */
  reservation: boolean;
  /** When it began to run, Unix µs; null = it does not. */
  startedUs: number | null;
  /** Usable as `pod-group-name`; '' = in no group. */
  group: string;
}

export interface BindRequest {
  node: string;
  gpuGroups: string[];
}

/** Bind requests by `namespace/pod`; the last one of a pod counts, failed ones do not. */
export function readBindRequests(objects: readonly KubeObject[], nodes: ReadonlySet<string>): Map<string, BindRequest> {
  const requests = new Map<string, BindRequest>();
  for (const request of objects) {
    const node = textOr(request, 'spec.selectedNode');
    if (!nodes.has(node)) continue;
    const limit = whole(request, 'spec.backoffLimit');
    const failed = textOr(request, 'status.phase') === 'Failed';
    if (failed && (limit === undefined || (whole(request, 'status.failedAttempts') ?? 0) >= limit)) continue;
    requests.set(`${request.namespace}/${textOr(request, 'spec.podName')}`, {
      node,
      gpuGroups: texts(request, 'spec.selectedGPUGroups'),
    });
  }
  return requests;
}

/** `stuckAfterUs`: a running pod told to leave longer ago than this is stuck. */
export function readPod(
  pod: KubeObject,
  bind: BindRequest | undefined,
  nowUs: number,
  stuckAfterUs: number,
  findings: Findings,
): PodFacts {
  const status = statusOf(pod, bind, nowUs, stuckAfterUs);
  const requests = requestsOf(pod);
  const app = pod.labels.get('app');
  const facts: PodFacts = {
    pod,
    status,
    node: text(pod, 'spec.nodeName') || bind?.node || null,
    cpuMilli: milliUnits(requests.get('cpu') ?? 0),
    memoryBytes: wholeUnits(requests.get('memory') ?? 0),
    gpus: GPU_RESOURCES.reduce((sum, name) => sum + wholeUnits(requests.get(name) ?? 0), 0),
    gpuMemoryMiB: 0,
    gpuDevices: 1,
    migInstances: {},
    legacyMig: false,
    gpuGroups: bind !== undefined && bind.gpuGroups.length > 0 ? bind.gpuGroups : gpuGroupsOf(pod),
    shared: false,
    extended: [],
    reservation: app === RESERVATION_APP || app === SCALING_APP,
    startedUs: status === 'Running' || status === 'Releasing' ? (time(pod, 'status.startTime') ?? null) : null,
    group: pod.annotations.get('pod-group-name') ?? '',
  };
  for (const [name, quantity] of requests) {
    if (quantity <= 0) continue;
    if (name.startsWith(MIG_PREFIX)) facts.migInstances[name] = wholeUnits(quantity);
    else if (!KNOWN.has(name)) facts.extended.push([name, quantity]);
  }
  readSharing(facts, findings);
  const most = Math.max(facts.gpus, facts.gpuDevices, ...Object.values(facts.migInstances));
  if (most > MOST_GPUS)
    throw new SnapshotError(
      `${pod.object}: spec.containers: found requests for ${most} GPUs, expected at most ${MOST_GPUS}`,
    );
  return facts;
}

const KNOWN = new Set(['cpu', 'memory', 'pods', ...GPU_RESOURCES]);

function statusOf(
  pod: KubeObject,
  bind: BindRequest | undefined,
  nowUs: number,
  stuckAfterUs: number,
): TaskStatus | null {
  const deleted = time(pod, 'metadata.deletionTimestamp');
  switch (textOr(pod, 'status.phase')) {
    case 'Running':
      if (deleted === undefined) return 'Running';
      return nowUs - deleted > stuckAfterUs ? 'StuckInReleasing' : 'Releasing';
    case 'Pending':
    // A pod just made has no status yet.
    // falls through
    case '':
      if (deleted !== undefined) return 'Releasing';
      if (textOr(pod, 'spec.nodeName') !== '') return 'Bound';
      if (bind !== undefined) return 'Binding';
      return parts(pod, 'spec.schedulingGates').length > 0 ? 'Gated' : 'Pending';
    case 'Succeeded':
      return 'Succeeded';
    case 'Failed':
      return 'Failed';
    default:
      return null;
  }
}

type Amounts = Map<string, number>;

/**
 * Containers together, with sidecars, or the greediest moment of the start if that is more; plus what the sandbox takes.
 * https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
 */
function requestsOf(pod: KubeObject): Amounts {
  const amounts = requestedBy(pod);
  // The API server lets no negative request in; one would make room where there is none.
  for (const [name, n] of amounts) {
    if (n < 0)
      throw new SnapshotError(`${pod.object}: spec.containers: found a request for ${n} ${name}, expected 0 or more`);
  }
  return amounts;
}

function requestedBy(pod: KubeObject): Amounts {
  const total: Amounts = new Map();
  const sidecars: Amounts = new Map();
  const peak: Amounts = new Map();
  for (const container of parts(pod, 'spec.containers')) add(total, requestsOfContainer(container));
  for (const container of parts(pod, 'spec.initContainers')) {
    const own = requestsOfContainer(container);
    if (text(container, 'restartPolicy') === 'Always') {
      add(sidecars, own);
    } else {
      add(own, sidecars);
      for (const [name, n] of own) peak.set(name, Math.max(peak.get(name) ?? 0, n));
    }
  }
  add(total, sidecars);
  for (const [name, n] of peak) total.set(name, Math.max(total.get(name) ?? 0, n));
  const overhead = quantityEntries(pod, 'spec.overhead').filter(([name]) => name === 'cpu' || name === 'memory');
  add(total, new Map(overhead));
  return total;
}

/** A limit without a request is a request, as the API server fills it in. */
function requestsOfContainer(container: Fields): Amounts {
  return new Map([
    ...quantityEntries(container, 'resources.limits'),
    ...quantityEntries(container, 'resources.requests'),
  ]);
}

function add(to: Amounts, more: Amounts): void {
  for (const [name, n] of more) to.set(name, (to.get(name) ?? 0) + n);
}

function gpuGroupsOf(pod: KubeObject): string[] {
  const groups = [...pod.labels].filter(([key]) => key === GPU_GROUP_LABEL || key.startsWith(`${GPU_GROUP_LABEL}/`));
  return [...new Set(groups.map(([, group]) => group))].sort();
}

/** Shares and memory stand in annotations; one that cannot be read is ignored by the scheduler, and so here. */
function readSharing(facts: PodFacts, findings: Findings): void {
  const { pod } = facts;
  const read = (name: string, pattern: RegExp, valid: (n: number) => boolean): number | undefined => {
    const value = pod.annotations.get(name);
    if (value === undefined || value === '') return undefined;
    const n = pattern.test(value.trim()) ? Number(value) : Number.NaN;
    if (valid(n)) return n;
    findings.warn(
      `annotation ${name}`,
      pod.object,
      `the annotation ${name} cannot be read: ignored, as the scheduler does`,
    );
    return undefined;
  };
  const memory = read('gpu-memory', /^\d{1,9}$/, (n) => n > 0);
  const fraction = read('gpu-fraction', /^(\d+\.?\d*|\.\d+)$/, (n) => n > 0 && n <= 1);
  if (fraction !== undefined || memory !== undefined) {
    facts.shared = true;
    facts.gpus = fraction ?? 0;
    facts.gpuMemoryMiB = fraction === undefined ? (memory as number) : 0;
    facts.gpuDevices = read('gpu-fraction-num-devices', /^\d{1,3}$/, (n) => n > 0) ?? 1;
  }
  for (const [name, value] of pod.annotations) {
    if (!name.startsWith(MIG_PREFIX) || !/^\d{1,6}$/.test(value)) continue;
    facts.migInstances = { [name]: Number(value) };
    facts.legacyMig = true;
  }
  if (Object.keys(facts.migInstances).length > 0) {
    facts.gpus = 0;
    facts.gpuMemoryMiB = 0;
    facts.shared = false;
  }
  if (parts(pod, 'spec.resourceClaims').length > 0)
    findings.warn('claims', pod.object, 'uses resource claims (DRA), which are not considered here');
}

/** Whether it has something on its node. */
export function holds(status: TaskStatus | null): boolean {
  return status !== null && !['Pending', 'Gated', 'Succeeded', 'Failed'].includes(status);
}
