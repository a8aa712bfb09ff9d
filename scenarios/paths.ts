/**
 * Paths into a scenario: `pools.h200.nodes`, `policy`, `projects.nlp.deservedGpus`, `faults.rate`, `checkpoint.interval`.
 *
 * A path begins with what a planner calls a thing, goes on through the fields of its document by name, and may stand for
 * several places at once (a quota that a department and its project both state). Names with dots are taken as they are, or
 * in brackets: `deployments[llama-3.1-70b].replicas`.
 */

import { fieldNames } from './documents.ts';
import { nameList, nearestName, type PathStep } from './problem.ts';
import { KINDS } from './schema.ts';
import { quote } from './units.ts';
import type { Plain, SourceDocument } from './yaml.ts';

/** Where a path leads: a place in one document; `doc` beyond the last one is a document yet to be made. */
export interface Place {
  doc: number;
  path: PathStep[];
}

/** Documents that a path may need and a scenario may lack. */
export interface Documents {
  docs: readonly SourceDocument[];
}

export interface PathProblem {
  found: string;
  expected: string;
  nearest?: string;
}

/** A path that may be varied, and what stands there now (empty: nothing). */
export interface ListedPath {
  path: string;
  value: string;
}

type Fields = { [key: string]: Plain };

const isFields = (value: Plain | undefined): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const kindOf = (doc: SourceDocument): string => (isFields(doc.value) ? String(doc.value.kind ?? '') : '');

export function valueAt(value: Plain | undefined, path: readonly PathStep[]): Plain | undefined {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object') return undefined;
    at = Array.isArray(at) ? at[Number(step)] : Object.hasOwn(at, step) ? at[step] : undefined;
  }
  return at;
}

const schemaOf = (kind: string) => KINDS.find((k) => k.kind === kind)?.schema;

const fieldsCache = new Map<string, string[]>();
/** Fields that the kind's schema allows at a place. */
function fieldsAt(kind: string, path: readonly PathStep[]): string[] {
  const key = `${kind} ${path.map((step) => (typeof step === 'number' ? '#' : step)).join('/')}`;
  let fields = fieldsCache.get(key);
  if (fields === undefined) {
    const schema = schemaOf(kind);
    fields = schema === undefined ? [] : fieldNames(schema, path);
    fieldsCache.set(key, fields);
  }
  return fields;
}

/** What may begin a path. `start` gives the places that its own part of the path leads to, and how much of it that was. */
interface Root {
  name: string;
  /** As the listing shows it. */
  form: string;
  start(rest: readonly string[], docs: readonly SourceDocument[]): { places: Place[]; used: number } | PathProblem;
}

const indexesOf = (docs: readonly SourceDocument[], kind: string) =>
  docs.flatMap((doc, i) => (kindOf(doc) === kind ? [i] : []));

/** Kinds that mean something when nothing is said in them: a path may add the document. */
const ADDABLE = ['Simulation', 'FaultModel'];
export const ADDED: Record<string, Plain> = {
  Simulation: { apiVersion: 'simsup.dev/v1', kind: 'Simulation', spec: {} },
  FaultModel: { apiVersion: 'simsup.dev/v1', kind: 'FaultModel', spec: {} },
};

/** The spec of a kind's documents. */
function specRoot(name: string, kind: string, inside: PathStep[] = [], rename: Record<string, string> = {}): Root {
  const renamed = Object.entries(rename);
  return {
    name,
    form: inside.length > 0 ? name : `${name}.FIELD`,
    start(rest, docs) {
      const found = indexesOf(docs, kind);
      if (found.length === 0 && !ADDABLE.includes(kind)) {
        return { found: `no ${kind} in the scenario`, expected: `a ${kind} document to vary` };
      }
      const at = found.length > 0 ? found : [docs.length + ADDABLE.indexOf(kind)];
      const alias = renamed.find(([from]) => from === rest[0])?.[1];
      const base: PathStep[] = ['spec', ...inside, ...(alias === undefined ? [] : [alias])];
      return { places: at.map((doc) => ({ doc, path: base })), used: alias === undefined ? 0 : 1 };
    },
  };
}

/** A named item of a list in a kind's spec. */
function itemRoot(name: string, kind: string, list: string, by = 'name'): Root {
  return {
    name,
    form: `${name}.NAME.FIELD`,
    start(rest, docs) {
      const named: { name: string; place: Place }[] = [];
      for (const doc of indexesOf(docs, kind)) {
        const items = valueAt(docs[doc].value, ['spec', list]);
        if (!Array.isArray(items)) continue;
        items.forEach((item, i) => {
          if (isFields(item) && typeof item[by] === 'string')
            named.push({ name: item[by], place: { doc, path: ['spec', list, i] } });
        });
      }
      return pick(name, rest, named);
    },
  };
}

/** Of several named places, those that the path names next. */
function pick(
  what: string,
  rest: readonly string[],
  named: readonly { name: string; place: Place }[],
): { places: Place[]; used: number } | PathProblem {
  const names = [...new Set(named.map((n) => n.name))];
  if (names.length === 0) return { found: `no ${what} in the scenario`, expected: 'some to vary' };
  const used = longestName(rest, names);
  if (used === 0) return unknown(what, rest, names);
  const name = rest.slice(0, used).join('.');
  return { places: named.filter((n) => n.name === name).map((n) => n.place), used };
}

/** How many steps make up one of the names (which may have dots); 0 = none of them. */
function longestName(rest: readonly string[], names: readonly string[]): number {
  for (let used = rest.length; used > 0; used--) if (names.includes(rest.slice(0, used).join('.'))) return used;
  return 0;
}

function unknown(what: string, rest: readonly string[], names: readonly string[]): PathProblem {
  const given = rest[0] ?? '';
  const nearest = nearestName(given, names) ?? nearestName(rest.join('.'), names);
  return {
    found: given === '' ? `${what} without a name` : `${quote(given)} of ${what}`,
    expected: `one of ${nameList(names, 40)}`,
    ...(nearest === undefined ? {} : { nearest }),
  };
}

const PRICES: Root = {
  name: 'prices',
  form: 'prices.POOL, prices.GPU-MODEL or prices.controlPlane',
  start(rest, docs) {
    const named: { name: string; place: Place }[] = [];
    for (const doc of indexesOf(docs, 'Cluster')) {
      const pools = valueAt(docs[doc].value, ['spec', 'pools']);
      const all = Array.isArray(pools) ? pools : [];
      for (const key of ['name', 'gpuModel']) {
        all.forEach((pool, i) => {
          if (isFields(pool) && typeof pool[key] === 'string')
            named.push({ name: pool[key], place: { doc, path: ['spec', 'pools', i, 'price'] } });
        });
      }
      named.push({ name: 'controlPlane', place: { doc, path: ['spec', 'controlPlane', 'price'] } });
    }
    const found = pick('prices', rest, named);
    if ('places' in found) {
      // A pool called as its model is one place, not two.
      const seen = new Set<string>();
      found.places = found.places.filter((p) => !seen.has(String(p.path)) && seen.add(String(p.path)));
    }
    return found;
  },
};

const QUEUE_FIELDS: Record<string, PathStep[]> = {
  deservedGpus: ['resources', 'gpu', 'quota'],
  overQuotaWeight: ['resources', 'gpu', 'overQuotaWeight'],
  priority: ['priority'],
};

/** A field of a project is set wherever it is stated: in its department's list, in its own document, in its queue. */
const PROJECTS: Root = {
  name: 'projects',
  form: 'projects.NAME.FIELD',
  start(rest, docs) {
    const named: { name: string; place: Place }[] = [];
    docs.forEach((doc, i) => {
      const kind = kindOf(doc);
      const own = valueAt(doc.value, ['metadata', 'name']);
      if (kind === 'MissionControlDepartment') {
        const list = valueAt(doc.value, ['spec', 'projects']);
        (Array.isArray(list) ? list : []).forEach((item, k) => {
          if (isFields(item) && typeof item.name === 'string')
            named.push({ name: item.name, place: { doc: i, path: ['spec', 'projects', k] } });
        });
      } else if ((kind === 'MissionControlProject' || kind === 'Queue') && typeof own === 'string') {
        named.push({ name: own, place: { doc: i, path: ['spec'] } });
      }
    });
    const found = pick('projects', rest, named);
    if (!('places' in found)) return found;
    const field = rest[found.used];
    const queues = found.places.filter(({ doc }) => kindOf(docs[doc]) === 'Queue');
    if (queues.length > 0 && queues.length === found.places.length) {
      if (field === undefined || !Object.hasOwn(QUEUE_FIELDS, field))
        return unknown('a Queue', rest.slice(found.used), Object.keys(QUEUE_FIELDS));
      return {
        places: queues.map(({ doc }) => ({ doc, path: ['spec', ...QUEUE_FIELDS[field]] })),
        used: found.used + 1,
      };
    }
    const others = found.places.filter((place) => !queues.includes(place));
    const stating = others.filter(({ doc, path }) => valueAt(docs[doc].value, [...path, field]) !== undefined);
    return { places: stating.length > 0 ? stating : others.slice(0, 1), used: found.used };
  },
};

const CHECKPOINT_FIELDS: Record<string, string> = {
  interval: 'checkpointEvery',
  stall: 'checkpointStall',
  mode: 'checkpointMode',
};

/** Of all work of the scenario: the default, and wherever a team or a job states one of its own. */
const CHECKPOINT: Root = {
  name: 'checkpoint',
  form: `checkpoint.${Object.keys(CHECKPOINT_FIELDS).join('|')}`,
  start(rest, docs) {
    const field = rest[0] === undefined ? undefined : CHECKPOINT_FIELDS[rest[0]];
    if (field === undefined) return unknown('checkpoint', rest, Object.keys(CHECKPOINT_FIELDS));
    const places: Place[] = [];
    for (const doc of indexesOf(docs, 'Workload')) {
      places.push({ doc, path: ['spec', 'defaults', field] });
      for (const list of ['teams', 'jobs']) {
        const items = valueAt(docs[doc].value, ['spec', list]);
        (Array.isArray(items) ? items : []).forEach((item, i) => {
          if (isFields(item) && item[field] !== undefined) places.push({ doc, path: ['spec', list, i, field] });
        });
      }
    }
    if (places.length === 0) return { found: 'no Workload in the scenario', expected: 'a Workload document to vary' };
    return { places, used: 1 };
  },
};

const DEPLOYMENTS: Root = {
  name: 'deployments',
  form: 'deployments.NAME.FIELD',
  start(rest, docs) {
    const named = indexesOf(docs, 'InferenceDeployment').flatMap((doc) => {
      const name = valueAt(docs[doc].value, ['metadata', 'name']);
      return typeof name === 'string' ? [{ name, place: { doc, path: ['spec'] as PathStep[] } }] : [];
    });
    const found = pick('deployments', rest, named);
    // What a manifest cannot say stands in its annotations.
    if ('places' in found && rest[found.used] === 'annotations')
      for (const place of found.places) place.path = ['metadata'];
    return found;
  },
};

const ROOTS: readonly Root[] = [
  itemRoot('pools', 'Cluster', 'pools'),
  PRICES,
  PROJECTS,
  ...['policy', 'stack', 'spares', 'telemetry', 'duration', 'warmUp', 'start'].map((field) =>
    specRoot(field, 'Simulation', [field]),
  ),
  specRoot('faults', 'FaultModel', [], { rate: 'rateFactor' }),
  CHECKPOINT,
  itemRoot('teams', 'Workload', 'teams'),
  itemRoot('jobs', 'Workload', 'jobs', 'id'),
  itemRoot('requests', 'Workload', 'requests', 'deployment'),
  specRoot('workload', 'Workload'),
  DEPLOYMENTS,
  specRoot('cluster', 'Cluster'),
  specRoot('storage', 'Storage'),
  specRoot('provisioning', 'Provisioning'),
  specRoot('network', 'Network'),
  specRoot('energy', 'Energy'),
  specRoot('slurm', 'Slurm'),
  specRoot('serving', 'Serving'),
];

/** `a.b[c.d].e` → its steps. */
export function pathSteps(path: string): string[] {
  return [...path.matchAll(/\[\s*(?:"([^"]*)"|'([^']*)'|([^\]]*))\s*\]|[^.[\]]+/g)].map(
    (m) => m[1] ?? m[2] ?? m[3] ?? m[0],
  );
}

/** The kind of a place's document, one that is yet to be made included. */
function kindAt(docs: readonly SourceDocument[], doc: number): string {
  return doc < docs.length ? kindOf(docs[doc]) : ADDABLE[doc - docs.length];
}

const startAt = (docs: readonly SourceDocument[], doc: number): Plain =>
  doc < docs.length ? docs[doc].value : ADDED[ADDABLE[doc - docs.length]];

/** Where a path leads in a scenario's documents, or what is wrong with it. */
export function placesOf(docs: readonly SourceDocument[], path: string): Place[] | PathProblem {
  const [first, ...rest] = pathSteps(path);
  const root = ROOTS.find((r) => r.name === first);
  if (root === undefined) {
    const names = ROOTS.map((r) => r.name);
    const nearest = nearestName(first ?? '', names);
    return {
      found: `${quote(path)}, of which nothing is called ${quote(first ?? '')}`,
      expected: `a path that begins with one of ${nameList(names, 40)}`,
      ...(nearest === undefined ? {} : { nearest: [nearest, ...rest].join('.') }),
    };
  }
  const started = root.start(rest, docs);
  if (!('places' in started)) return withPath(started, path, rest);
  const places: Place[] = [];
  for (const place of started.places) {
    const walked = walk(docs, place, rest.slice(started.used));
    if (!('doc' in walked)) return withPath(walked, path, rest);
    places.push(walked);
  }
  const whole = places.find((p) => p.path.length === 1 || isItem(docs, p));
  if (whole !== undefined) {
    const fields = fieldsAt(kindAt(docs, whole.doc), whole.path);
    return {
      found: `${quote(path)}, which is no single value`,
      expected: `one of its fields: ${nameList(fields, 40)}`,
    };
  }
  return places;
}

/** An item of a list as a whole: replacing it would drop its name. */
function isItem(docs: readonly SourceDocument[], { doc, path }: Place): boolean {
  return typeof path.at(-1) === 'number' && isFields(valueAt(startAt(docs, doc), path));
}

function withPath(problem: PathProblem, path: string, rest: readonly string[]): PathProblem {
  const nearest = problem.nearest === undefined ? undefined : nearestPath(path, rest, problem.found, problem.nearest);
  return { ...problem, found: `${quote(path)}: ${problem.found}`, ...(nearest === undefined ? {} : { nearest }) };
}

/** The whole path with the wrong name put right, so that it can be copied. */
function nearestPath(path: string, rest: readonly string[], found: string, right: string): string {
  const wrong = rest.find((step) => found.startsWith(quote(step)) || found.includes(`field ${quote(step)}`));
  return wrong === undefined ? right : path.replace(wrong, right);
}

/** Through fields and named items to the end of the path. */
function walk(docs: readonly SourceDocument[], from: Place, rest: readonly string[]): Place | PathProblem {
  const kind = kindAt(docs, from.doc);
  const path = [...from.path];
  for (let at = 0; at < rest.length; ) {
    const value = valueAt(startAt(docs, from.doc), path);
    const tail = rest.slice(at);
    if (Array.isArray(value)) {
      const names = value.map((item, i) => (isFields(item) ? String(item.name ?? item.id ?? i) : String(i)));
      const used = longestName(tail, names);
      const index =
        used > 0 ? names.indexOf(tail.slice(0, used).join('.')) : /^\d+$/.test(tail[0]) ? Number(tail[0]) : -1;
      if (index < 0 || index >= value.length) return unknown('a list', tail, names);
      path.push(index);
      at += Math.max(1, used);
      continue;
    }
    const allowed = fieldsAt(kind, path);
    const present = isFields(value) ? Object.keys(value) : [];
    const names = [...new Set([...allowed, ...present])];
    const used = longestName(tail, names);
    if (used === 0 && names.length > 0 && allowed.length > 0) {
      const nearest = nearestName(tail[0], names);
      return {
        found: `unknown field ${quote(tail[0])}`,
        expected: `one of ${nameList(names, 40)}`,
        ...(nearest === undefined ? {} : { nearest }),
      };
    }
    if (allowed.length === 0 && present.length === 0 && typeof value === 'string')
      return { found: `${quote(tail[0])} of one value`, expected: `the path to end at '${pathEnd(path)}'` };
    path.push(used > 0 ? tail.slice(0, used).join('.') : tail[0]);
    at += Math.max(1, used);
  }
  return { doc: from.doc, path };
}

const pathEnd = (path: readonly PathStep[]) => String(path.at(-1));

/** Writes a value at places: copies what it changes, leaves the rest as it is. Added documents come last. */
export function withValue(values: readonly Plain[], places: readonly Place[], value: Plain): Plain[] {
  const changed = [...values];
  for (const { doc, path } of places) changed[doc] = put(changed[doc], path, value);
  return changed;
}

function put(into: Plain | undefined, path: readonly PathStep[], value: Plain): Plain {
  if (path.length === 0) return value;
  const [step, ...rest] = path;
  if (Array.isArray(into)) {
    const copy = [...into];
    copy[Number(step)] = put(copy[Number(step)], rest, value);
    return copy;
  }
  // A policy or a stack given by its name alone.
  const fields: Fields = isFields(into) ? into : typeof into === 'string' ? { name: into } : {};
  return { ...fields, [step]: put(fields[step], rest, value) };
}

/** The documents' values with, after them, those that paths may add (undefined until one does). */
export const plainValues = (docs: readonly SourceDocument[]): (Plain | undefined)[] => [
  ...docs.map((doc) => doc.value),
  ...ADDABLE.map(() => undefined),
];

/** Every path that leads to a value now, and every other field that may be set beside it. */
export function listPaths(docs: readonly SourceDocument[]): ListedPath[] {
  const listed = new Map<string, string>();
  const add = (path: string) => {
    if (listed.has(path)) return;
    const places = placesOf(docs, path);
    if (!Array.isArray(places)) return;
    const values = places.map((p) => valueAt(startAt(docs, p.doc), p.path)).filter((v) => v !== undefined);
    listed.set(path, values.length === 0 ? '' : shown(values[0]));
  };
  const step = (name: string) => (/[.[\]\s]/.test(name) ? `[${name}]` : `.${name}`);
  const items = (root: string, kind: string, list: string, by = 'name') => {
    for (const doc of indexesOf(docs, kind)) {
      const found = valueAt(docs[doc].value, ['spec', list]);
      (Array.isArray(found) ? found : []).forEach((item, i) => {
        if (!isFields(item) || typeof item[by] !== 'string') return;
        for (const field of fieldsAt(kind, ['spec', list, i])) {
          if (field === by) continue;
          const inner = isFields(item[field]) ? fieldsAt(kind, ['spec', list, i, field]) : [];
          if (inner.length === 0) add(`${root}${step(item[by])}.${field}`);
          for (const deep of inner) add(`${root}${step(item[by])}.${field}.${deep}`);
        }
      });
    }
  };
  items('pools', 'Cluster', 'pools');
  for (const doc of indexesOf(docs, 'Cluster')) {
    const pools = valueAt(docs[doc].value, ['spec', 'pools']);
    for (const pool of Array.isArray(pools) ? pools : [])
      if (isFields(pool))
        for (const key of ['name', 'gpuModel']) if (pool[key]) add(`prices${step(String(pool[key]))}`);
  }
  add('prices.controlPlane');
  for (const name of projectNames(docs)) {
    for (const field of ['deservedGpus', 'overQuotaWeight', 'maxOverQuotaGpus', 'priority'])
      add(`projects${step(name)}.${field}`);
  }
  for (const field of ['policy', 'stack', 'duration', 'warmUp']) add(field);
  for (const pool of poolNames(docs)) add(`spares${step(pool)}`);
  for (const field of ['rate', ...fieldsAt('FaultModel', ['spec'])]) if (field !== 'rateFactor') add(`faults.${field}`);
  for (const field of Object.keys(CHECKPOINT_FIELDS)) add(`checkpoint.${field}`);
  add('workload.scale');
  items('teams', 'Workload', 'teams');
  items('requests', 'Workload', 'requests', 'deployment');
  for (const doc of indexesOf(docs, 'InferenceDeployment')) {
    const name = valueAt(docs[doc].value, ['metadata', 'name']);
    if (typeof name === 'string') add(`deployments${step(name)}.replicas`);
  }
  for (const [root, kind] of [
    ['storage', 'Storage'],
    ['network', 'Network'],
    ['energy', 'Energy'],
    ['slurm', 'Slurm'],
  ])
    for (const field of fieldsAt(kind, ['spec'])) add(`${root}.${field}`);
  return [...listed].map(([path, value]) => ({ path, value }));
}

export function poolNames(docs: readonly SourceDocument[]): string[] {
  return indexesOf(docs, 'Cluster').flatMap((doc) => {
    const pools = valueAt(docs[doc].value, ['spec', 'pools']);
    return (Array.isArray(pools) ? pools : []).flatMap((p) =>
      isFields(p) && typeof p.name === 'string' ? [p.name] : [],
    );
  });
}

function projectNames(docs: readonly SourceDocument[]): string[] {
  const found = PROJECTS.start([], docs);
  if ('places' in found) return [];
  const names = docs.flatMap((doc) => {
    const list = valueAt(doc.value, ['spec', 'projects']);
    const own = valueAt(doc.value, ['metadata', 'name']);
    if (kindOf(doc) === 'MissionControlDepartment' && Array.isArray(list))
      return list.flatMap((p) => (isFields(p) && typeof p.name === 'string' ? [p.name] : []));
    return (kindOf(doc) === 'MissionControlProject' || kindOf(doc) === 'Queue') && typeof own === 'string' ? [own] : [];
  });
  return [...new Set(names)];
}

/** A value as one line. */
export function shown(value: Plain): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
