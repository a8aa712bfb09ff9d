/** How good a node is for a task: the plug-ins' scores, whose weights set them apart from each other. */
import { CPU, GPU, type Session, type TaskFacts } from './columns.ts';
import { fitsNode, fitsSlot, freeOf, isMigNode } from './noderesources.ts';
import { type NodeSet, type TopologyScores, topologyScore } from './topology.ts';

const NOMINATED = 10_000_000;
const GPU_SHARING = 10_000;
const AVAILABLE = 1000;
const RESOURCE_TYPE = 10;
const MOST_PACKED = 9;

/** Least and most of the resource that is packed, free on any of the nodes that have it. */
export interface Range {
  dim: number;
  min: number;
  max: number;
}

export function rangeOf(session: Session, facts: TaskFacts, among: NodeSet): Range {
  const { nodes, dims } = session;
  const range = { dim: facts.cpuOnly ? CPU : GPU, min: Infinity, max: 0 };
  for (const node of among) {
    if (nodes.allocatable[node * dims + range.dim] === 0) continue;
    const free = freeOf(session, node, range.dim);
    if (free < range.min) range.min = free;
    if (free > range.max) range.max = free;
  }
  return range;
}

/** null = the node is out of the question. */
export function scoreOf(
  session: Session,
  facts: TaskFacts,
  node: number,
  range: Range,
  scores: TopologyScores,
): number | null {
  const { plugins } = session.config;
  let score = 0;
  if (plugins.has('nodeavailability') && fitsNode(session, facts, node, true)) score += AVAILABLE;
  if (plugins.has('gpusharingorder')) {
    if (session.nodes.slots[node].some((slot) => fitsSlot(session, facts, node, slot))) score += GPU_SHARING;
  }
  if (plugins.has('resourcetype') && facts.cpuOnly && withoutGpus(session, node)) score += RESOURCE_TYPE;
  if (plugins.has('nominatednode') && facts.state.nominatedNode === session.nodes.name[node]) score += NOMINATED;
  if (plugins.has('nodeplacement')) score += placementScore(session, node, range);
  if (plugins.has('topology') && scores.size > 0) {
    const preferred = topologyScore(scores, facts.set, node);
    if (preferred === null) return null;
    score += preferred;
  }
  return score;
}

function withoutGpus(session: Session, node: number): boolean {
  const { nodes, dims } = session;
  return !isMigNode(session, node) && nodes.allocatable[node * dims + GPU] <= 0;
}

function placementScore(session: Session, node: number, { dim, min, max }: Range): number {
  const { config, nodes, dims } = session;
  const has = nodes.allocatable[node * dims + dim];
  const free = freeOf(session, node, dim);
  if ((dim === CPU ? config.cpuPlacement : config.gpuPlacement) === 'spread') {
    const all = dim === GPU ? nodes.gpus[node] : has;
    return all === 0 ? 0 : free / all;
  }
  if (has === 0 || max === 0) return 0;
  return min === max ? MOST_PACKED : MOST_PACKED * (1 - (free - min) / (max - min));
}
