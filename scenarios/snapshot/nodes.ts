/** Nodes of one pool, less what pods that this scheduler does not decide about hold on them. */
import type { NodeState } from '../../sim/policy/runai/state.ts';
import { flag, parts, quantityEntries, textOr } from './fields.ts';
import type { KubeObject } from './objects.ts';
import { GPU_RESOURCES, type PodFacts } from './pods.ts';
import { type Findings, SnapshotError } from './problems.ts';
import { milliUnits, wholeUnits } from './quantity.ts';
import { MIG_PREFIX } from './shape.ts';

const GPU_MEMORY_LABEL = 'nvidia.com/gpu.memory';
const MIG_NODE_LABEL = 'node-role.kubernetes.io/mig-enabled';
const MIG_STRATEGY_LABEL = 'nvidia.com/mig.strategy';
const DEFAULT_PODS = 110;
/** GPUs, MIG instances or pods of a node: no machine has more. */
const MOST_PER_NODE = 10_000;
/** A value above this is bytes (an old fault of gpu-feature-discovery), below it MiB. */
const TIB_IN_MIB = 2 ** 20;

/** Conditions that close a node when they are not False. */
const PRESSURE = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'];

/** Ascending by name, which is the order that breaks ties. Labels are all kept; `keepLabels` thins them out later. */
export function readNodes(objects: readonly KubeObject[], findings: Findings): NodeState[] {
  const nodes = objects.map((node) => readNode(node, findings));
  return nodes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function readNode(node: KubeObject, findings: Findings): NodeState {
  let amounts = new Map(quantityEntries(node, 'status.allocatable'));
  if (amounts.size === 0) {
    amounts = new Map(quantityEntries(node, 'status.capacity'));
    if (amounts.size === 0) findings.warn('allocatable', node.object, 'states nothing allocatable: nothing fits there');
  }
  const of = (name: string) => Math.max(0, wholeUnits(amounts.get(name) ?? 0));
  const migInstances: Record<string, number> = {};
  for (const name of amounts.keys()) if (name.startsWith(MIG_PREFIX) && of(name) > 0) migInstances[name] = of(name);
  const conditions = parts(node, 'status.conditions').map((c) => [textOr(c, 'type'), textOr(c, 'status')] as const);
  const closed =
    flag(node, 'spec.unschedulable') === true ||
    conditions.some(([type, status]) =>
      type === 'Ready' ? status !== 'True' : PRESSURE.includes(type) && status !== 'False',
    );
  for (const name of [...GPU_RESOURCES, ...Object.keys(migInstances), 'pods']) {
    if (of(name) > MOST_PER_NODE) {
      throw new SnapshotError(
        `${node.object}: status.allocatable['${name}']: found ${of(name)}, expected at most ${MOST_PER_NODE}`,
      );
    }
  }
  return {
    name: node.name,
    gpus: GPU_RESOURCES.reduce((sum, name) => sum + of(name), 0),
    cpuMilli: milliUnits(amounts.get('cpu') ?? 0),
    memoryBytes: of('memory'),
    maxTasks: amounts.has('pods') ? of('pods') : DEFAULT_PODS,
    gpuMemoryMiB: gpuMemoryOf(node),
    labels: Object.fromEntries(node.labels),
    taints: parts(node, 'spec.taints').map((t) => ({
      key: textOr(t, 'key'),
      value: textOr(t, 'value'),
      effect: textOr(t, 'effect'),
    })),
    schedulable: !closed,
    mig: migOf(node, Object.keys(migInstances).length > 0),
    migInstances,
  };
}

/** MiB in whole hundreds, as the scheduler rounds them down; 0 = not known. */
function gpuMemoryOf(node: KubeObject): number {
  const label = node.labels.get(GPU_MEMORY_LABEL) ?? '';
  if (!/^\d{1,15}$/.test(label)) return 0;
  const mib = Number(label) < TIB_IN_MIB ? Number(label) : Math.floor(Number(label) / 2 ** 20);
  return mib - (mib % 100);
}

function migOf(node: KubeObject, hasInstances: boolean): NodeState['mig'] {
  const label = node.labels.get(MIG_NODE_LABEL);
  const enabled = label === undefined ? hasInstances : ['true', 'True', 'TRUE', 't', 'T', '1'].includes(label);
  if (!enabled) return 'none';
  const strategy = node.labels.get(MIG_STRATEGY_LABEL);
  if (strategy === 'single' || strategy === 'mixed') return strategy;
  // Cut, but not said how: whole GPUs and instances are both given (node_info.go, GetMigStrategy).
  return 'none';
}

/** Takes away what a pod holds that belongs to no job: a daemon's, another scheduler's, a system pod's. */
export function takeFrom(node: NodeState, pod: PodFacts, groupsCounted: Set<string>): void {
  node.cpuMilli = Math.max(0, node.cpuMilli - pod.cpuMilli);
  node.memoryBytes = Math.max(0, node.memoryBytes - pod.memoryBytes);
  node.maxTasks = Math.max(0, node.maxTasks - 1);
  // The GPU that a reservation pod asks for is the shared one: those who share it are counted.
  if (pod.reservation) return;
  for (const [name, n] of Object.entries(pod.migInstances)) {
    node.migInstances[name] = Math.max(0, (node.migInstances[name] ?? 0) - n);
  }
  if (!pod.shared) {
    node.gpus = Math.max(0, node.gpus - pod.gpus);
    return;
  }
  for (const group of pod.gpuGroups) {
    if (groupsCounted.has(`${node.name}/${group}`)) continue;
    groupsCounted.add(`${node.name}/${group}`);
    node.gpus = Math.max(0, node.gpus - 1);
  }
}

/** Labels that nothing refers to play no part in a decision. */
export function keepLabels(nodes: readonly NodeState[], used: ReadonlySet<string>): void {
  for (const node of nodes) {
    node.labels = Object.fromEntries(Object.entries(node.labels).filter(([key]) => used.has(key)));
  }
}

/** Throws unless the pool that was asked for, or the only one, is found. undefined: all nodes are of one pool. */
export function poolAmong(nodes: readonly KubeObject[], label: string, wanted: string | undefined): string | undefined {
  const pools = new Set(nodes.map((node) => node.labels.get(label) ?? ''));
  const names = [...pools].sort().map((pool) => pool || 'default');
  if (wanted === undefined) {
    if (pools.size <= 1) return undefined;
    throw new SnapshotError(
      `the nodes are of several pools (label ${label}): ${names.slice(0, 12).join(', ')}. Each pool is decided about by itself: name one with --node-pool`,
    );
  }
  if (pools.has(wanted)) return pools.size === 1 ? undefined : wanted;
  if (wanted === 'default' && pools.has('')) return pools.size === 1 ? undefined : '';
  throw new SnapshotError(
    `--node-pool: found no node of the pool '${wanted.slice(0, 60)}' (label ${label}), expected one of ${names.slice(0, 12).join(', ')}`,
  );
}
