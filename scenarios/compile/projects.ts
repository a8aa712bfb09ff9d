/** Departments, projects and quotas from Mission Control's, Run:ai's and Kueue's manifests. */

import { plainProject } from '../../sim/plain.ts';
import type { DepartmentSpec, PoolSpec, ProjectSpec } from '../../sim/scenario.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import { nameList, type PathStep } from '../problem.ts';
import type { ProjectInput } from '../schema.ts';
import { quote } from '../units.ts';
import type { SourceDocument } from '../yaml.ts';
import { type CompiledCluster, findPool } from './cluster.ts';
import { amount, checkFlavor } from './kueue.ts';

export interface CompiledProjects {
  departments: DepartmentSpec[];
  projects: ProjectSpec[];
  /** Whether any manifest states projects; if none does, jobs name them as they please. */
  stated: boolean;
  /** Other names of projects: a Kueue LocalQueue's name → its ClusterQueue. */
  alias: Map<string, string>;
  /** Number of a project by name. */
  index: Map<string, number>;
}

/** A project as some manifest states it, before its quota is divided over pools. */
interface Draft extends ProjectInput {
  name: string;
  department: string;
  source: SourceDocument;
  path: readonly PathStep[];
}

export const DEFAULT_DEPARTMENT = 'default';

export function compileProjects(
  docs: readonly CheckedDocument[],
  cluster: CompiledCluster,
  report: Report,
  assumptions: string[],
): CompiledProjects {
  const drafts = new Map<string, Draft>();
  const parents = new Map<string, { parent: string; source: SourceDocument }>();
  missionControl(docs, drafts, parents, report);
  runaiQueues(docs, drafts, parents, report);
  kueueQueues(docs, cluster, drafts, parents, report);
  const departments = departmentTree(parents, drafts, report);
  const index = new Map(departments.map((d, i) => [d.name, i]));

  const quotas = divideQuotas([...drafts.values()], cluster, report, assumptions);
  const projects = [...drafts.values()].map((d, i) => ({
    name: d.name,
    department: index.get(d.department) ?? 0,
    deservedGpus: quotas[i],
    overQuotaWeight: d.overQuotaWeight ?? 1,
    maxOverQuotaGpus: d.maxOverQuotaGpus ?? -1,
    priority: d.priority ?? 100,
    chargebackLabel: d.chargebackLabel ?? '',
  }));
  const alias = new Map<string, string>();
  for (const { data } of documentsOf(docs, 'LocalQueue')) {
    if (data.metadata.name !== undefined) alias.set(data.metadata.name, data.spec.clusterQueue);
  }
  if (drafts.size === 0) assumptions.push('No quotas are given: every project may use the whole cluster.');
  const numbers = new Map(projects.map((p, i) => [p.name, i]));
  return { departments, projects, stated: drafts.size > 0, alias, index: numbers };
}

/** Index of a project, made up (unlimited, in department `default`) where no manifest states projects; -1 if unknown. */
export function projectIndex(all: CompiledProjects, name: string, pools: readonly PoolSpec[]): number {
  const real = all.alias.get(name) ?? name;
  const found = all.index.get(real) ?? -1;
  if (found >= 0 || all.stated) return found;
  let department = all.departments.findIndex((d) => d.name === DEFAULT_DEPARTMENT);
  if (department < 0) department = all.departments.push({ name: DEFAULT_DEPARTMENT, parent: -1 }) - 1;
  const number =
    all.projects.push({
      ...plainProject(
        real,
        pools.map(() => -1),
      ),
      department,
    }) - 1;
  all.index.set(real, number);
  return number;
}

type Parents = Map<string, { parent: string; source: SourceDocument }>;

const kindOf = (source: SourceDocument) => (source.value as { kind: string }).kind;

/** A document's own name; undefined after reporting that it has none or one that is taken. */
function ownName(
  what: string,
  { name }: { name?: string },
  taken: { has(name: string): boolean },
  source: SourceDocument,
  report: Report,
): string | undefined {
  if (name === undefined) report.at(source, ['metadata'], 'no name', `the ${what}'s name`);
  else if (taken.has(name))
    report.at(source, ['metadata', 'name'], `${what} ${quote(name)} a second time`, `each ${kindOf(source)} once`);
  else return name;
  return undefined;
}

function missionControl(
  docs: readonly CheckedDocument[],
  drafts: Map<string, Draft>,
  parents: Parents,
  report: Report,
): void {
  for (const { data, source } of documentsOf(docs, 'MissionControlDepartment')) {
    const name = ownName('department', data.metadata, parents, source, report);
    if (name === undefined) continue;
    parents.set(name, { parent: data.spec.parent ?? '', source });
    for (const [i, p] of data.spec.projects.entries()) {
      const path = ['spec', 'projects', i];
      if (drafts.has(p.name))
        report.at(source, [...path, 'name'], `project ${quote(p.name)} a second time`, 'each project once');
      else drafts.set(p.name, { ...p, department: name, source, path });
    }
  }
  const seen = new Set<string>();
  for (const { data, source } of documentsOf(docs, 'MissionControlProject')) {
    const name = ownName('project', data.metadata, seen, source, report);
    if (name === undefined) continue;
    seen.add(name);
    const listed = drafts.get(name);
    const department = data.metadata.namespace ?? listed?.department ?? DEFAULT_DEPARTMENT;
    if (listed !== undefined) {
      if (listed.department !== department) {
        report.at(
          source,
          ['metadata', 'namespace'],
          quote(department),
          `the department that lists the project, '${listed.department}'`,
        );
      }
      // The department's list and the project's own document may both state a field, but not differently.
      for (const field of [
        'deservedGpus',
        'overQuotaWeight',
        'chargebackLabel',
        'maxOverQuotaGpus',
        'priority',
      ] as const) {
        const [a, b] = [listed[field], data.spec[field]];
        if (a === undefined || b === undefined || JSON.stringify(a) === JSON.stringify(b)) continue;
        report.at(
          source,
          ['spec', field],
          JSON.stringify(b),
          `${JSON.stringify(a)}, as the department states for this project`,
        );
      }
    } else if (!parents.has(department)) {
      const known = [...parents.keys()];
      if (known.length === 0 || department === DEFAULT_DEPARTMENT) parents.set(department, { parent: '', source });
      else {
        const near = { name: department, among: known };
        report.at(
          source,
          ['metadata', 'namespace'],
          `unknown department ${quote(department)}`,
          `one of ${nameList(known)}`,
          near,
        );
      }
    }
    drafts.set(name, { ...listed, ...data.spec, name, department, source, path: ['spec'] });
  }
}

/** Run:ai queues: those that others name as parent are departments, the rest are projects. */
function runaiQueues(
  docs: readonly CheckedDocument[],
  drafts: Map<string, Draft>,
  parents: Parents,
  report: Report,
): void {
  const queues = documentsOf(docs, 'Queue');
  const isParent = new Set(queues.map((q) => q.data.spec.parentQueue));
  const seen = new Set<string>();
  for (const { data, source } of queues) {
    const name = ownName('queue', data.metadata, seen, source, report);
    if (name === undefined) continue;
    seen.add(name);
    const parent = data.spec.parentQueue;
    if (parent !== undefined && !queues.some((q) => q.data.metadata.name === parent)) {
      const known = queues.flatMap((q) => (q.data.metadata.name === undefined ? [] : [q.data.metadata.name]));
      report.at(source, ['spec', 'parentQueue'], `unknown queue ${quote(parent)}`, `one of ${nameList(known)}`, {
        name: parent,
        among: known,
      });
      continue;
    }
    if (isParent.has(name)) {
      parents.set(name, { parent: parent ?? '', source });
      continue;
    }
    const gpu = data.spec.resources?.gpu;
    const deserved = gpu?.quota ?? 0;
    const borrow =
      gpu?.limit === undefined || gpu.limit < 0 || deserved < 0 ? -1 : Math.max(0, Math.floor(gpu.limit - deserved));
    const department = parent ?? DEFAULT_DEPARTMENT;
    if (parent === undefined && !parents.has(department)) parents.set(department, { parent: '', source });
    drafts.set(name, {
      name,
      department,
      deservedGpus: deserved < 0 ? -1 : Math.floor(deserved),
      overQuotaWeight: gpu?.overQuotaWeight ?? 1,
      maxOverQuotaGpus: borrow,
      priority: data.spec.priority,
      source,
      path: ['spec'],
    });
  }
}

/** Kueue: a ClusterQueue is a project, its cohort the department; quota of a flavor is quota in the flavor's pools. */
function kueueQueues(
  docs: readonly CheckedDocument[],
  cluster: CompiledCluster,
  drafts: Map<string, Draft>,
  parents: Parents,
  report: Report,
): void {
  const cohort = (name: string, source: SourceDocument, parent = '') => {
    if (parent !== '' && !parents.has(parent)) parents.set(parent, { parent: '', source });
    if (parent !== '' || !parents.has(name)) parents.set(name, { parent, source });
  };
  const seen = new Set<string>();
  for (const { data, source } of documentsOf(docs, 'Cohort')) {
    const name = ownName('cohort', data.metadata, seen, source, report);
    if (name === undefined) continue;
    seen.add(name);
    cohort(name, source, data.spec.parentName ?? data.spec.parent);
  }
  for (const { data, source } of documentsOf(docs, 'ClusterQueue')) {
    const name = ownName('queue', data.metadata, drafts, source, report);
    if (name === undefined) continue;
    const department = data.spec.cohortName ?? data.spec.cohort ?? DEFAULT_DEPARTMENT;
    cohort(department, source);
    const quota: Record<string, number> = {};
    let borrow = 0;
    data.spec.resourceGroups.forEach((group, g) => {
      group.flavors.forEach((flavor, f) => {
        const path = ['spec', 'resourceGroups', g, 'flavors', f];
        const flavorPools = checkFlavor(flavor.name, docs, cluster.pools, source, [...path, 'name'], report);
        flavor.resources.forEach((resource, r) => {
          if (resource.name !== 'nvidia.com/gpu') return;
          const read = (field: 'nominalQuota' | 'borrowingLimit') => {
            const given = resource[field];
            const at = [...path, 'resources', r, field];
            return given === undefined ? undefined : amount('gpu', given, source, at, report);
          };
          fillPools(cluster, flavorPools, read('nominalQuota') ?? 0, quota);
          const limit = read('borrowingLimit');
          borrow = limit === undefined || borrow < 0 ? -1 : borrow + limit;
        });
      });
    });
    const weight = data.spec.fairSharing?.weight;
    drafts.set(name, {
      name,
      department,
      deservedGpus: quota,
      overQuotaWeight: weight,
      maxOverQuotaGpus: borrow,
      source,
      path: ['spec'],
    });
  }
}

/** Quota of a flavor goes to its pools in order, each up to its GPUs; what is left over to the last. */
function fillPools(
  { pools, nodes }: CompiledCluster,
  flavorPools: readonly number[],
  gpus: number,
  quota: Record<string, number>,
): void {
  let rest = gpus;
  flavorPools.forEach((p, i) => {
    let size = 0;
    for (let n = 0; n < nodes.count; n++) if (nodes.pool[n] === p) size += nodes.gpus[n];
    const here = i === flavorPools.length - 1 ? rest : Math.min(rest, size);
    quota[pools[p].name] = (quota[pools[p].name] ?? 0) + here;
    rest -= here;
  });
}

function departmentTree(parents: Parents, drafts: Map<string, Draft>, report: Report): DepartmentSpec[] {
  for (const d of drafts.values())
    if (!parents.has(d.department)) parents.set(d.department, { parent: '', source: d.source });
  const names = [...parents.keys()];
  const index = new Map(names.map((n, i) => [n, i]));
  const departments = names.map((name): DepartmentSpec => {
    const { parent, source } = parents.get(name) as { parent: string; source: SourceDocument };
    if (parent !== '' && !index.has(parent)) {
      report.at(source, ['spec', 'parent'], `unknown department ${quote(parent)}`, `one of ${nameList(names)}`, {
        name: parent,
        among: names,
      });
    }
    return { name, parent: index.get(parent) ?? -1 };
  });
  const settled = new Set<number>();
  for (let i = 0; i < departments.length; i++) {
    const chain: number[] = [];
    let d = i;
    while (d >= 0 && !settled.has(d) && !chain.includes(d)) {
      chain.push(d);
      d = departments[d].parent;
    }
    if (d >= 0 && chain.includes(d)) {
      const loop = [...chain.slice(chain.indexOf(d)), d].map((k) => names[k]);
      const { source } = parents.get(names[d]) as { source: SourceDocument };
      report.at(
        source,
        ['spec'],
        `a circle of departments (${loop.join(' → ')})`,
        'each department under one that is not beneath it',
      );
    }
    for (const k of chain) settled.add(k);
  }
  return departments;
}

/**
 * Quota per pool. One that names pools goes there; one that does not goes to the project's pools in its order of
 * preference, each up to what other projects have not been given there; what cannot be placed is an error.
 */
function divideQuotas(
  drafts: readonly Draft[],
  cluster: CompiledCluster,
  report: Report,
  assumptions: string[],
): number[][] {
  const { pools, nodes } = cluster;
  const left = pools.map(() => 0);
  for (let n = 0; n < nodes.count; n++) left[nodes.pool[n]] += nodes.gpus[n];
  const quotas = drafts.map(() => pools.map(() => 0));
  drafts.forEach((d, i) => {
    const deserved = d.deservedGpus;
    if (typeof deserved !== 'object') return;
    for (const [pool, gpus] of Object.entries(deserved)) {
      const path = [...d.path, 'deservedGpus', pool];
      const p = findPool(pools, pool, d.source, path, report);
      if (p < 0) continue;
      if (kindOf(d.source) === 'ClusterQueue' && gpus > left[p]) {
        // Kueue does not ask whether there are nodes for its quota.
        assumptions.push(
          `ClusterQueue ${d.name}: of its ${gpus} GPUs of quota in pool ${pool}, ${left[p]} are there and not promised to others; policies other than kueue see only those.`,
        );
        quotas[i][p] = left[p];
        left[p] = 0;
        continue;
      }
      quotas[i][p] = gpus;
      if (gpus > left[p]) {
        report.at(
          d.source,
          path,
          `${gpus} GPUs deserved by '${d.name}' in pool '${pool}'`,
          `at most the ${left[p]} that are not promised to others`,
        );
      } else left[p] -= Math.max(0, gpus);
    }
  });
  drafts.forEach((d, i) => {
    const deserved = d.deservedGpus ?? 0;
    if (typeof deserved === 'object') return;
    if (deserved < 0) quotas[i].fill(-1);
    let rest = Math.max(0, deserved);
    const order = cluster.poolPreference.get(d.name) ?? pools.map((_, p) => p);
    for (const p of order) {
      const here = Math.min(rest, left[p]);
      quotas[i][p] += here;
      left[p] -= here;
      rest -= here;
    }
    if (rest > 0) {
      const found = `${deserved} GPUs deserved by '${d.name}'`;
      report.at(
        d.source,
        [...d.path, 'deservedGpus'],
        found,
        `at most the ${deserved - rest} that its pools have and others are not promised`,
      );
    }
  });
  return quotas;
}
