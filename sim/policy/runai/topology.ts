/**
 * Topologies: trees of domains over the nodes, and which domains a (sub)group may be placed in, the tightest first.
 *
 * `required`: everything inside one domain of that level. `preferred`: one domain of that level if possible, else one of the
 * next wider level, and so on. A domain is ruled out early where the tasks cannot fit it by count or by sum.
 */
import {
  GPU,
  type Group,
  isActiveAllocated,
  NODE_IDLE,
  NODE_RELEASING,
  PODS,
  type Session,
  SLOT_ALLOCATED,
  SLOT_RELEASING,
  SLOT_USED,
  TASK_NODE,
  TASK_STATUS_COLUMN,
} from './columns.ts';
import type { Domain, TopologyTree } from './domains.ts';
import type { TopologyState } from './state.ts';
import { placedIn } from './subgroups.ts';

const ROOT = 'root';
/** What is free in a domain that is not looked at. */
const NOTHING = new Float64Array(0);
/** `Domain.fits` of a domain whose tasks cannot be counted. */
const NOT_COUNTED = -1;
/** Stands for "needs what the domain has none of". */
const NOTHING_THERE = 1000;
const PREFERRED_WEIGHT = 100_000;
/** Counts a domain keeps of what fits: a domain in which nothing changes would keep those of all jobs that ever came. */
const MOST_COUNTS = 64;

export function compileTopology(session: Session, { name, levels }: TopologyState): TopologyTree {
  const { nodes, dims } = session;
  let count = 0;
  const domain = (id: string, level: string): Domain => ({
    id,
    index: count++,
    level,
    children: [],
    nodes: [],
    fits: NOT_COUNTED,
    free: new Float64Array(dims),
    ratio: 0,
    known: { free: null, fits: new Map() },
  });
  const root = domain(ROOT, ROOT);
  const byLevel = new Map([[ROOT, new Map([[ROOT, root]])], ...levels.map((level) => [level, new Map()] as const)]);
  const member = new Uint8Array(nodes.count);
  const leafOf: Domain[] = [];
  const domainOf = new Map([[ROOT, [] as Domain[]], ...levels.map((level) => [level, [] as Domain[]] as const)]);
  for (let node = 0; node < nodes.count; node++) {
    const labels = nodes.labels[node];
    if (!levels.every((level) => Object.hasOwn(labels, level))) continue;
    member[node] = 1;
    root.nodes.push(node);
    (domainOf.get(ROOT) as Domain[])[node] = root;
    let above = root;
    levels.forEach((level, depth) => {
      const id = domainId(levels, labels, depth);
      const known = byLevel.get(level) as Map<string, Domain>;
      let at = known.get(id);
      if (at === undefined) {
        at = domain(id, level);
        known.set(id, at);
        above.children.push(at);
      }
      at.nodes.push(node);
      (domainOf.get(level) as Domain[])[node] = at;
      above = at;
    });
    leafOf[node] = above;
  }
  return { name, count, levels, root, byLevel, domainOf, leafOf, member };
}

const domainId = (levels: string[], labels: Record<string, string>, depth: number): string =>
  levels
    .slice(0, depth + 1)
    .map((level) => labels[level])
    .join('.');

export type NodeSet = readonly number[];

/** Preferred-level scores by group name, for the job at hand: which domain a node is in, what that scores (NaN = not to be used). */
export type TopologyScores = Map<string, { domainOf: readonly Domain[]; score: Float64Array }>;

/** The node sets to try, best first, made as they are asked for; a string says why there is none. */
export function nodeSetsFor(
  session: Session,
  scores: TopologyScores,
  group: Group,
  sets: readonly Group[],
  tasks: readonly number[],
  among: NodeSet,
): Iterable<NodeSet> | string {
  if (group.topology === null || group.topology.tree === '') return [among];
  const { required, preferred } = group.topology;
  const tree = session.topologies.get(group.topology.tree);
  if (tree === undefined) return `topology ${group.topology.tree} does not exist`;
  if (tasks.length === 0) return [among];
  const whole = tree.root.nodes.length === session.nodes.count;
  const valid = whole ? among : among.filter((node) => tree.member[node] === 1);
  const domain = lowestCommonDomain(session, tree, valid, preferred);
  if (domain === undefined) return `no domain of topology ${tree.name} holds these nodes`;
  for (const level of tree.byLevel.values()) {
    for (const each of level.values()) {
      each.fits = NOT_COUNTED;
      if (each.children.length > 0) each.free.fill(0);
      else each.free = NOTHING;
    }
  }
  sumFree(session, domain);
  if (alike(session, tasks)) countFits(session, largestOf(session, tasks), tasks.length, domain);
  const asked = sumOf(session, tasks);
  if (!fitsDomain(domain, asked, tasks.length)) {
    return `${domain.id === ROOT ? 'the cluster' : domain.id} has not enough free resources`;
  }
  sortDomains(asked, domain, preferred ?? required ?? '');
  if (preferred !== null) scores.set(group.name, preferredScores(tree, domain, preferred));
  const levels = levelsToTry(tree, required, preferred);
  if (levels === null) return `topology ${tree.name} has no level ${required ?? preferred}`;
  const allowed = allowedDomains(session, tree, sets, required);
  const found: Domain[] = [];
  // From the deepest level up, each from left to right.
  for (const level of levels) {
    for (const each of atLevel(tree.root, level)) {
      if ((allowed === null || allowed.has(each)) && fitsDomain(each, asked, tasks.length)) found.push(each);
    }
  }
  if (found.length === 0) return `no domain of level ${required ?? ROOT} of topology ${tree.name} has room for it`;
  return nodesOf(session, found, valid);
}

/** The nodes of each domain, as far as they are valid. */
function* nodesOf({ nodes }: Session, domains: readonly Domain[], valid: NodeSet): Generator<NodeSet> {
  if (valid.length === nodes.count) {
    for (const domain of domains) yield domain.nodes;
    return;
  }
  const isValid = new Uint8Array(nodes.count);
  for (const node of valid) isValid[node] = 1;
  for (const domain of domains) yield domain.nodes.filter((node) => isValid[node] === 1);
}

/** The narrowest domain that holds all the nodes, no narrower than the preferred level. */
function lowestCommonDomain(
  { nodes }: Session,
  tree: TopologyTree,
  valid: NodeSet,
  preferred: string | null,
): Domain | undefined {
  const parts: string[] = [];
  for (const level of tree.levels) {
    const value = valid.length === 0 ? '' : nodes.labels[valid[0]][level];
    if (value === '' || !valid.every((node) => nodes.labels[node][level] === value)) break;
    parts.push(value);
    if (level === preferred) break;
  }
  if (parts.length === 0) return tree.root;
  return tree.byLevel.get(tree.levels[parts.length - 1])?.get(parts.join('.'));
}

function sumFree({ columns, dims }: Session, domain: Domain): void {
  const idle = columns[NODE_IDLE];
  const releasing = columns[NODE_RELEASING];
  const add = (at: Domain): void => {
    if (at.children.length === 0) {
      if (at.known.free === null) {
        const free = new Float64Array(dims);
        for (const node of at.nodes) {
          for (let dim = 0; dim < dims; dim++) free[dim] += idle[node * dims + dim] + releasing[node * dims + dim];
        }
        at.known.free = free;
      }
      at.free = at.known.free;
      return;
    }
    for (const child of at.children) {
      add(child);
      for (let dim = 0; dim < dims; dim++) at.free[dim] += child.free[dim];
    }
  };
  add(domain);
}

/** All ask for the same kinds of resources, so that they can be counted by the largest. */
function alike({ facts, dims }: Session, tasks: readonly number[]): boolean {
  let withGpus = 0;
  for (const task of tasks) if (facts[task].asks[GPU] > 0) withGpus++;
  if (withGpus !== 0 && withGpus !== tasks.length) return false;
  for (let dim = PODS; dim < dims; dim++) {
    let asking = 0;
    for (const task of tasks) if (facts[task].asks[dim] > 0) asking++;
    if (asking !== 0 && asking !== tasks.length) return false;
  }
  return true;
}

function largestOf({ facts, dims }: Session, tasks: readonly number[]): Float64Array {
  const largest = new Float64Array(dims);
  for (const task of tasks) {
    for (let dim = 0; dim < dims; dim++) largest[dim] = Math.max(largest[dim], facts[task].asks[dim]);
  }
  return largest;
}

function sumOf({ facts, dims }: Session, tasks: readonly number[]): Float64Array {
  const sum = new Float64Array(dims);
  for (const task of tasks) for (let dim = 0; dim < dims; dim++) sum[dim] += facts[task].asks[dim];
  return sum;
}

function countFits(session: Session, largest: Float64Array, tasks: number, domain: Domain): void {
  // Parts of shared GPUs change without the node's own amounts.
  const shares = largest[GPU] > 0 && largest[GPU] < 1;
  const counted = `${tasks} ${largest.join(' ')}`;
  const count = (at: Domain): number => {
    const known = shares ? undefined : at.known.fits.get(counted);
    if (known !== undefined) {
      at.fits = known;
      return known;
    }
    at.fits = 0;
    if (at.children.length > 0) {
      for (const child of at.children) at.fits += count(child);
    } else {
      for (const node of at.nodes) at.fits += fitsOnNode(session, largest, tasks, node);
      if (shares) return at.fits;
      if (at.known.fits.size >= MOST_COUNTS) at.known.fits.clear();
      at.known.fits.set(counted, at.fits);
    }
    return at.fits;
  };
  count(domain);
}

function fitsOnNode(session: Session, largest: Float64Array, tasks: number, node: number): number {
  const { columns, dims } = session;
  let most = Infinity;
  let onlyItself = true;
  for (let dim = 0; dim < dims; dim++) {
    const asked = largest[dim];
    if (dim === PODS ? asked > 1 : asked > 0) onlyItself = false;
    let free = columns[NODE_IDLE][node * dims + dim] + columns[NODE_RELEASING][node * dims + dim];
    if (dim === GPU && asked > 0 && asked < 1) free += freeParts(session, node);
    if (asked > free) most = 0;
    else if (asked > 0) most = Math.min(most, Math.trunc(free / asked));
  }
  return onlyItself || most === Infinity ? tasks : most;
}

/** Free parts of a node's shared GPUs, in GPUs. */
function freeParts({ columns, nodes }: Session, node: number): number {
  const memory = nodes.gpuMemoryMiB[node];
  let sum = 0;
  for (const slot of nodes.slots[node]) {
    if (columns[SLOT_USED][slot] <= 0) continue;
    const free = memory - columns[SLOT_ALLOCATED][slot] + columns[SLOT_RELEASING][slot];
    if (free > 0) sum += free / memory;
  }
  return sum;
}

function fitsDomain(domain: Domain, asked: Float64Array, tasks: number): boolean {
  return domain.fits === NOT_COUNTED ? fullness(domain, asked) <= 1 : domain.fits >= tasks;
}

/** How full the domain would be of what it has now, in the scarcest resource; above 1 it does not fit. */
function fullness(domain: Domain, asked: Float64Array): number {
  let most = 0;
  for (let dim = 0; dim < asked.length; dim++) {
    if (asked[dim] <= 0 || dim === PODS) continue;
    const free = domain.free === NOTHING ? 0 : domain.free[dim];
    most = Math.max(most, free <= 0 ? NOTHING_THERE : asked[dim] / free);
  }
  return most;
}

function sortDomains(asked: Float64Array, domain: Domain, deepest: string): void {
  if (deepest === '') return;
  for (const child of domain.children) child.ratio = fullness(child, asked);
  domain.children.sort((a, b) => b.ratio - a.ratio || (a.id < b.id ? -1 : 1));
  if (domain.level === deepest) return;
  for (const child of domain.children) sortDomains(asked, child, deepest);
}

/** Nodes of later domains score higher, in ten steps. */
function preferredScores({ domainOf, count }: TopologyTree, domain: Domain, level: string) {
  const domains = atLevel(domain, level);
  const score = new Float64Array(count).fill(Number.NaN);
  domains.forEach(({ index }, at) => {
    score[index] = Math.floor(((at + 1) / domains.length) * 10) * PREFERRED_WEIGHT;
  });
  return { domainOf: domainOf.get(level) ?? [], score };
}

/** Those of the level in the domain, from left to right. */
function atLevel(domain: Domain, level: string): Domain[] {
  const found: Domain[] = [];
  const visit = (at: Domain): void => {
    if (at.level === level) found.push(at);
    else for (const child of at.children) visit(child);
  };
  visit(domain);
  return found;
}

/** From the preferred level (or the required one) outwards to the required one (or the whole pool). */
function levelsToTry(tree: TopologyTree, required: string | null, preferred: string | null): string[] | null {
  const inwardsOut = [...tree.levels.toReversed(), ROOT];
  if (required !== null && !inwardsOut.includes(required)) return null;
  if (preferred !== null && !inwardsOut.includes(preferred)) return null;
  const levels: string[] = [];
  for (const level of inwardsOut) {
    if (levels.length > 0 || level === preferred || level === required) levels.push(level);
    if (level === required) break;
  }
  // Preferred outside required is never reached on the way out.
  if (levels.length === 0 || (preferred !== null && !levels.includes(preferred))) return null;
  return levels;
}

/** With tasks already running under a required level, only their domains; null = any. */
function allowedDomains(
  session: Session,
  tree: TopologyTree,
  sets: readonly Group[],
  required: string | null,
): Set<Domain> | null {
  if (required === null || !sets.some((set) => placedIn(session, set) > 0)) return null;
  const { columns } = session;
  const taken = new Set<number>();
  for (const set of sets) {
    for (const task of set.tasks) {
      if (isActiveAllocated(columns[TASK_STATUS_COLUMN][task])) taken.add(columns[TASK_NODE][task]);
    }
  }
  const allowed = new Set<Domain>();
  const withAll = (domain: Domain): void => {
    allowed.add(domain);
    domain.children.forEach(withAll);
  };
  for (const domain of tree.byLevel.get(required)?.values() ?? []) {
    if (domain.nodes.some((node) => taken.has(node))) withAll(domain);
  }
  return allowed;
}

/** What the preferred level says of a node for a task of the set; null = the node is not to be used. */
export function topologyScore(scores: TopologyScores, set: Group, node: number): number | null {
  for (let group: Group | null = set; group !== null; group = group.parent) {
    const known = scores.get(group.name);
    if (known === undefined) continue;
    const domain: Domain | undefined = known.domainOf[node];
    const score = domain === undefined ? Number.NaN : known.score[domain.index];
    return Number.isNaN(score) ? null : score;
  }
  return 0;
}
