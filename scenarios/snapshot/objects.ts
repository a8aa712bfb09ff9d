/** The objects of a snapshot by kind, whether the scheduler wrote it or kubectl; their versions are checked here. */
import { entries, type Fields, fieldsOf, part, parts, text, textOr } from './fields.ts';
import type { Json, JsonObject } from './json.ts';
import { Unexpected } from './json.ts';
import { type Findings, quoted, SnapshotError } from './problems.ts';
import { type Kind, RAW_LISTS } from './shape.ts';

export interface KubeObject extends Fields {
  readonly namespace: string;
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly annotations: ReadonlyMap<string, string>;
}

export type ObjectsByKind = Record<Kind, KubeObject[]>;

export interface RawSnapshot {
  objects: ObjectsByKind;
  /** The scheduler's own `config` and `schedulerParams`; absent in what kubectl prints. */
  config: Fields | undefined;
  params: Fields | undefined;
  /** Written by the scheduler itself, and so of one node pool with all that it needs. */
  fromScheduler: boolean;
}

/** Groups and versions each kind is understood in; a kind of the same name in another group is somebody else's. */
const VERSIONS: Record<Kind, readonly string[]> = {
  Pod: ['v1'],
  Node: ['v1'],
  ConfigMap: ['v1'],
  Queue: ['scheduling.run.ai/v2'],
  PodGroup: ['scheduling.run.ai/v2alpha2'],
  BindRequest: ['scheduling.run.ai/v1alpha2'],
  PriorityClass: ['scheduling.k8s.io/v1', 'scheduling.k8s.io/v1beta1', 'scheduling.k8s.io/v1alpha1'],
  // The Topology of Kueue has the same fields, and older schedulers used it.
  Topology: ['kai.scheduler/v1alpha1', 'kueue.x-k8s.io/v1alpha1', 'kueue.x-k8s.io/v1beta1', 'kueue.x-k8s.io/v1beta2'],
};
const CLUSTER_WIDE = new Set<Kind>(['Node', 'Queue', 'PriorityClass', 'Topology']);
const EXPECTED =
  "the scheduler's snapshot (config, schedulerParams, rawObjects) or a List of kubectl (kind: List, items)";

/** How what is said of another scheduler's objects ends. */
export const LEFT_OUT = 'not of this scheduler: left out';

/** Takes the values of one file (kubectl's output for several kinds may be several Lists in a row). */
export function collectObjects(values: readonly Json[], file: string, findings: Findings): RawSnapshot {
  const objects = Object.fromEntries(Object.keys(VERSIONS).map((kind) => [kind, []])) as unknown as ObjectsByKind;
  const seen = new Map<string, string>();
  let config: Fields | undefined;
  let params: Fields | undefined;
  let fromScheduler = false;
  let understood = false;

  function take(json: JsonObject, place: string, listed?: Kind): void {
    const f = fieldsOf(place, json);
    const kind = text(f, 'kind') || listed;
    if (kind === undefined) throw new SnapshotError(`${place}: kind: found nothing, expected the kind of the object`);
    if (!Object.hasOwn(VERSIONS, kind)) return;
    const known = kind as Kind;
    if (listed !== undefined && known !== listed)
      throw new SnapshotError(`${place}: kind: found ${quoted(kind)}, expected ${listed}`);
    const name = textOr(f, 'metadata.name');
    if (name === '')
      throw new SnapshotError(`${place}: metadata.name: found nothing, expected the name of the ${kind}`);
    const namespace = CLUSTER_WIDE.has(known) ? '' : textOr(f, 'metadata.namespace') || 'default';
    const object = `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;
    const apiVersion = text(f, 'apiVersion');
    if (apiVersion !== undefined && apiVersion !== '' && !VERSIONS[known].includes(apiVersion)) {
      const group = apiVersion.split('/')[0];
      const ours = VERSIONS[known].some((v) => v.split('/')[0] === group);
      const core = !VERSIONS[known][0].includes('/');
      if (ours || (core && !apiVersion.includes('/'))) {
        throw new SnapshotError(
          `${object}: apiVersion: found ${quoted(apiVersion)}, a version that is not known; expected ${VERSIONS[known][0]}`,
        );
      }
      findings.warn(`kind ${kind} ${group}`, object, `is of ${group}, ${LEFT_OUT}`);
      return;
    }
    const before = seen.get(object);
    if (before !== undefined)
      throw new SnapshotError(`${object}: found twice (${before} and ${place}), expected each object once`);
    seen.set(object, place);
    const own = fieldsOf(object, json);
    const labels = new Map(entries(own, 'metadata.labels'));
    const annotations = new Map(entries(own, 'metadata.annotations'));
    objects[known].push({ ...own, namespace, name, labels, annotations });
  }

  values.forEach((value, i) => {
    const place = values.length === 1 ? file : `${file}, document ${i + 1}`;
    if (value === null || typeof value !== 'object' || Array.isArray(value) || value instanceof Unexpected) {
      const found = value instanceof Unexpected ? value.found : 'a single value';
      throw new SnapshotError(`${place}: found ${found}, expected ${EXPECTED}`);
    }
    const top = fieldsOf(place, value);
    checkVersion(top);
    const raw = part(top, 'rawObjects');
    if (raw !== undefined) {
      fromScheduler = true;
      understood = true;
      config = part(fieldsOf('the snapshot', value), 'config');
      params = part(fieldsOf('the snapshot', value), 'schedulerParams');
      for (const [list, kind] of Object.entries(RAW_LISTS)) {
        parts(raw, list).forEach((entry, n) => {
          take(entry.json, `${place}: rawObjects.${list}[${n}]`, kind);
        });
      }
      return;
    }
    if ('items' in value) {
      understood = true;
      const listKind = textOr(top, 'kind').replace(/List$/, '');
      const listed = Object.hasOwn(VERSIONS, listKind) ? (listKind as Kind) : undefined;
      parts(top, 'items').forEach((entry, n) => {
        const versioned =
          'apiVersion' in entry.json || listed === undefined ? entry.json : withVersion(entry.json, top);
        take(
          'kind' in versioned || listed === undefined ? versioned : { ...versioned, kind: listed },
          `${place}: items[${n}]`,
        );
      });
      return;
    }
    if ('kind' in value) {
      understood = true;
      take(value, place);
    }
  });
  if (!understood) {
    const keys = Object.keys(values[0] as JsonObject);
    const found = keys.length === 0 ? 'none of the fields of a snapshot' : keys.join(', ');
    throw new SnapshotError(`${file}: a snapshot of an unknown kind or version: found ${found}, expected ${EXPECTED}`);
  }
  return { objects, config, params, fromScheduler };
}

const withVersion = (json: JsonObject, list: Fields): JsonObject => ({
  ...json,
  apiVersion: text(list, 'apiVersion') ?? null,
});

/** The scheduler's snapshots carry no version so far; one that does, beyond its releases 0.x and 1.x, is unknown. */
function checkVersion(top: Fields): void {
  for (const field of ['version', 'schemaVersion', 'snapshotVersion']) {
    const value = top.json[field];
    if (value === undefined || value === null) continue;
    const given = typeof value === 'string' || typeof value === 'number' ? String(value) : 'something else';
    if (/^v?[01](\.|$|alpha|beta)/.test(given)) continue;
    throw new SnapshotError(
      `${top.object}: ${field}: found ${given.length <= 20 ? quoted(given) : 'a long text'}, a version that is not known; expected ${EXPECTED}`,
    );
  }
}
