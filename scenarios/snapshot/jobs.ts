/** Pod groups and their pods, as the jobs and tasks that the scheduler decides about. */
import { FIRST_NON_PREEMPTIBLE_PRIORITY, PRIORITY_CLASSES } from '../../sim/policy/runai/config.ts';
import type { SubGroupState, TopologyState, TopologyWish } from '../../sim/policy/runai/state.ts';
import { duration, type Fields, flag, part, parts, textOr, time, whole } from './fields.ts';
import type { KubeObject } from './objects.ts';
import { type Findings, quoted, SnapshotError } from './problems.ts';
import { parseTime } from './quantity.ts';
import type { SchedulerSettings } from './settings.ts';

const DEFAULT_PRIORITY = 50;
const TASK_PRIORITY_LABEL = 'kai.scheduler/task-priority';
export const SUBGROUP_LABEL = 'kai.scheduler/subgroup-name';
/** Name of the pod set of a job without subgroups. */
export const DEFAULT_POD_SET = 'default';
/** Tasks that name an order come before those that do not. */
const UNORDERED = -(2 ** 31);

export interface Priorities {
  of(podGroup: KubeObject): number;
}

/** A class that is not there counts as the default one, which is the class marked so, or 50. */
export function priorities(classes: readonly KubeObject[], findings: Findings): Priorities {
  const byName = new Map(classes.map((c) => [c.name, whole(c, 'value') ?? 0]));
  const marked = classes.find((c) => flag(c, 'globalDefault') === true);
  const otherwise = marked === undefined ? DEFAULT_PRIORITY : (whole(marked, 'value') ?? 0);
  return {
    of(podGroup) {
      const name = textOr(podGroup, 'spec.priorityClassName');
      const value = byName.get(name);
      if (value !== undefined || name === '') return value ?? otherwise;
      if (classes.length === 0 && Object.hasOwn(PRIORITY_CLASSES, name)) {
        findings.warn(
          'no classes',
          podGroup.object,
          "names a priority class, and the snapshot holds none: Run:ai's own values are taken (train 50, build 100, inference 125)",
        );
        return PRIORITY_CLASSES[name as keyof typeof PRIORITY_CLASSES];
      }
      findings.warn(
        `class ${name}`,
        podGroup.object,
        `spec.priorityClassName: found ${quoted(name)}, which the snapshot does not hold: counts as ${otherwise}, as for the scheduler`,
      );
      return otherwise;
    },
  };
}

export function preemptible(podGroup: KubeObject, priority: number): boolean {
  const stated = textOr(podGroup, 'spec.preemptibility');
  if (stated === 'preemptible') return true;
  if (stated === 'non-preemptible') return false;
  return priority < FIRST_NON_PREEMPTIBLE_PRIORITY;
}

export interface Timing {
  createdUs: number;
  startedUs: number | null;
  staleSinceUs: number | null;
  stalenessGraceUs: number;
  evictedUs: number | null;
  preemptionDelayUs: number;
}

export function timingOf(podGroup: KubeObject, settings: SchedulerSettings, findings: Findings): Timing {
  const stamp = (name: string): number | null => {
    const value = podGroup.annotations.get(name);
    if (value === undefined || value === '') return null;
    const us = parseTime(value);
    if (us === undefined)
      findings.warn(
        `stamp ${name}`,
        podGroup.object,
        `the annotation ${name} is no time: ignored, as the scheduler does`,
      );
    return us ?? null;
  };
  return {
    createdUs: time(podGroup, 'metadata.creationTimestamp') ?? 0,
    startedUs: stamp('kai.scheduler/last-start-timestamp'),
    staleSinceUs: stamp('kai.scheduler/stale-podgroup-timestamp'),
    stalenessGraceUs: duration(podGroup, 'spec.stalenessGracePeriod') ?? settings.stalenessGraceUs,
    evictedUs: stamp('kai.scheduler/last-eviction-timestamp'),
    preemptionDelayUs: Math.max(0, duration(podGroup, 'spec.preemptionDelay') ?? 0),
  };
}

/** A gang that is not for now: it has failed on this node pool and asks not to be tried again there. */
export function backsOff(podGroup: KubeObject, { nodePool }: SchedulerSettings): boolean {
  if ((whole(podGroup, 'spec.schedulingBackoff') ?? -1) === -1) return false;
  const conditions = parts(podGroup, 'status.schedulingConditions');
  if (conditions.length === 0) return false;
  const order = (c: Fields) => (/^-?\d+$/.test(textOr(c, 'transitionID')) ? Number(textOr(c, 'transitionID')) : -1);
  const last = conditions.reduce((best, c) => (order(c) > order(best) ? c : best));
  return textOr(last, 'nodePool') === (podGroup.labels.get(nodePool.labelKey) || 'default');
}

export interface Gang {
  root: SubGroupState;
  /** Names of the pod sets that tasks can belong to. */
  podSets: ReadonlySet<string>;
  /** What it refers to that is not there, so that it can never be placed; null = nothing. */
  broken: string | null;
}

/** Topology levels by name and by alias, of each topology. */
export type Topologies = ReadonlyMap<string, { state: TopologyState; aliases: ReadonlyMap<string, string> }>;

export function readTopologies(objects: readonly KubeObject[]): Topologies {
  return new Map(
    objects.map((topology) => {
      const levels = parts(topology, 'spec.levels').map((l) => [textOr(l, 'nodeLabel'), textOr(l, 'alias')] as const);
      const aliases = new Map(levels.filter(([, alias]) => alias !== '').map(([label, alias]) => [alias, label]));
      return [topology.name, { state: { name: topology.name, levels: levels.map(([label]) => label) }, aliases }];
    }),
  );
}

/** The job's tree of subgroups. One whose tree does not hang together counts as a single task, as for the scheduler. */
export function gangOf(podGroup: KubeObject, topologies: Topologies, findings: Findings): Gang {
  let broken: string | null = null;
  const wish = (f: Fields | undefined): TopologyWish | null =>
    wishOf(f, topologies, (field, found, expected) => {
      findings.dangling(podGroup.object, field, found, expected);
      broken ??= `its topology constraint names ${quoted(found)}, which does not exist`;
    });
  const topology = wish(part(podGroup, 'spec.topologyConstraint'));
  const groups = parts(podGroup, 'spec.subGroups');
  const single = (minAvailable: number): Gang => ({
    root: { name: DEFAULT_POD_SET, minAvailable, minSubGroups: null, topology, children: [] },
    podSets: new Set([DEFAULT_POD_SET]),
    broken,
  });
  if (groups.length === 0) return single(Math.max(0, whole(podGroup, 'spec.minMember') ?? 1));

  const root: SubGroupState = {
    name: '',
    minAvailable: 0,
    minSubGroups: whole(podGroup, 'spec.minSubGroup') ?? null,
    topology,
    children: [],
  };
  const byName = new Map<string, { state: SubGroupState; f: Fields }>();
  for (const f of groups) {
    const name = textOr(f, 'name');
    if (name === '' || byName.has(name)) {
      const found = name === '' ? 'nothing' : `${quoted(name)} a second time`;
      throw new SnapshotError(`${podGroup.object}: ${f.path}name: found ${found}, expected a name of its own`);
    }
    const state: SubGroupState = {
      name,
      minAvailable: Math.max(0, whole(f, 'minMember') ?? 0),
      minSubGroups: whole(f, 'minSubGroup') ?? null,
      topology: wish(part(f, 'topologyConstraint')),
      children: [],
    };
    byName.set(name, { state, f });
  }
  for (const { state, f } of byName.values()) {
    const parent = textOr(f, 'parent').toLowerCase();
    const above = parent === '' ? root : byName.get(parent)?.state;
    if (above === undefined) {
      findings.dangling(podGroup.object, `${f.path}parent`, parent, 'the name of one of its subGroups');
      return single(1);
    }
    above.children.push(state);
  }
  const podSets = new Set<string>();
  let reached = 0;
  const walk = (group: SubGroupState): void => {
    for (const child of group.children) {
      reached++;
      if (child.children.length === 0) podSets.add(child.name);
      else {
        child.minAvailable = 0;
        walk(child);
      }
    }
  };
  walk(root);
  if (reached < byName.size) {
    throw new SnapshotError(
      `${podGroup.object}: spec.subGroups: found a circle of parents, expected a way up from each to one without a parent`,
    );
  }
  return { root, podSets, broken };
}

function wishOf(
  f: Fields | undefined,
  topologies: Topologies,
  dangling: (field: string, found: string, expected: string) => void,
): TopologyWish | null {
  const name = f === undefined ? '' : textOr(f, 'topology');
  if (f === undefined || name === '') return null;
  const topology = topologies.get(name);
  if (topology === undefined) {
    dangling(`${f.path}topology`, name, 'the name of a Topology in the snapshot');
    return null;
  }
  const level = (field: string): string | null => {
    const given = textOr(f, field);
    if (given === '') return null;
    const label = topology.aliases.get(given) ?? given;
    if (!topology.state.levels.includes(label))
      dangling(`${f.path}${field}`, given, `a level of the Topology ${name}: ${topology.state.levels.join(', ')}`);
    return label;
  };
  return { topology: name, required: level('requiredTopologyLevel'), preferred: level('preferredTopologyLevel') };
}

/** Higher first inside the job. */
export function taskPriority(pod: KubeObject): number {
  const label = pod.labels.get(TASK_PRIORITY_LABEL) ?? '';
  return /^-?\d{1,9}$/.test(label) ? Number(label) : UNORDERED;
}

/** In the order in which the scheduler takes a job's tasks: older first, then by id. */
export function byAge(a: { pod: KubeObject }, b: { pod: KubeObject }): number {
  const created = (pod: KubeObject) => time(pod, 'metadata.creationTimestamp') ?? 0;
  const id = (pod: KubeObject) => textOr(pod, 'metadata.uid') || pod.object;
  const [x, y] = [id(a.pod), id(b.pod)];
  return created(a.pod) - created(b.pod) || (x < y ? -1 : x > y ? 1 : 0);
}
