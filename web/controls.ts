/**
 * The things people change most, found in a scenario's text and changed there: only the value's own characters are replaced, so that
 * comments and layout stay as they were.
 */
import { type Document, isMap, isScalar, isSeq, parseAllDocuments, type Scalar, type YAMLMap } from 'yaml';
import { gpuModelNames } from '../scenarios/catalogue/gpus.ts';
import { FAULT_PRESETS } from '../scenarios/schema/faults.ts';
import { policyNames } from '../sim/simulate.ts';
import type { Control } from './requests.ts';

type Path = (string | number)[];

/** A control with the places in the text that it stands for. */
interface Found extends Control {
  places: { doc: number; path: Path }[];
}

const MOST_CONTROLS = 80;
const MOST_TEXT = 2 ** 20;

export function controlsOf(text: string): Control[] {
  return findControls(text).found.map(({ places: _, ...control }) => control);
}

/** The text with a control's value in all its places; '' leaves it out again where it need not be stated. */
export function withControl(text: string, id: string, value: string): string {
  const { found } = findControls(text);
  const control = found.find((each) => each.id === id);
  if (control === undefined) throw new Error(`there is no control '${id}' in this scenario`);
  let changed = text;
  // From the last place to the first, so that earlier positions stay right.
  for (const { doc, path } of [...control.places].reverse()) {
    const documents = parsed(changed);
    changed = withValue(changed, documents[doc], path, value);
  }
  return changed;
}

function parsed(text: string): Document[] {
  const documents = parseAllDocuments(text, { schema: 'failsafe', uniqueKeys: false });
  return Array.isArray(documents) ? (documents as Document[]) : [];
}

function findControls(text: string): { found: Found[] } {
  const found: Found[] = [];
  if (text.length > MOST_TEXT) return { found };
  const documents = parsed(text);
  const add = (doc: number, path: Path, control: Omit<Found, 'value' | 'places'>) => {
    const known = found.find((each) => each.id === control.id);
    if (known !== undefined) {
      known.places.push({ doc, path });
      return;
    }
    if (found.length >= MOST_CONTROLS) return;
    const node = documents[doc].getIn(path, true);
    const value = isScalar(node) ? String(node.value ?? '') : '';
    found.push({ ...control, value, places: [{ doc, path }] });
  };
  documents.forEach((document, doc) => {
    const at = (...path: Path) => document.getIn(path);
    const has = (...path: Path) => document.hasIn(path);
    const kind = has('kind') ? String(at('kind')) : '';
    const each = (path: Path, visit: (item: Path, map: YAMLMap) => void) => {
      const list = document.getIn(path);
      if (!isSeq(list)) return;
      for (const [i, item] of list.items.entries()) if (isMap(item)) visit([...path, i], item);
    };
    if (kind === 'Simulation') {
      const group = 'Simulation';
      const policy = isMap(document.getIn(['spec', 'policy'])) ? ['spec', 'policy', 'name'] : ['spec', 'policy'];
      add(doc, policy, {
        ...{ id: 'policy', group, label: 'Policy', kind: 'choice', placeholder: 'fifo-backfill' },
        choices: policyNames(),
      });
      add(doc, ['spec', 'duration'], { id: 'duration', group, label: 'Length', kind: 'text', placeholder: '30d' });
      add(doc, ['spec', 'seed'], { id: 'seed', group, label: 'Seed', kind: 'text', placeholder: '1' });
    } else if (kind === 'Cluster') {
      each(['spec', 'pools'], (path, map) => {
        const name = String(map.get('name') ?? `pool ${path.at(-1)}`);
        const group = `Pool ${name}`;
        const id = (field: string) => `pool/${name}/${field}`;
        add(doc, [...path, 'nodes'], { id: id('nodes'), group, label: 'Nodes', kind: 'number', placeholder: '1' });
        add(doc, [...path, 'gpuModel'], {
          ...{ id: id('gpuModel'), group, label: 'GPU model', kind: 'choice', placeholder: 'unknown' },
          choices: gpuModelNames(),
        });
        add(doc, [...path, 'price'], {
          id: id('price'),
          group,
          label: 'Price a GPU',
          kind: 'text',
          placeholder: '$0/h',
        });
      });
    } else if (kind === 'MissionControlProject' && has('spec', 'deservedGpus')) {
      quota(['spec', 'deservedGpus'], String(at('metadata', 'name')));
    } else if (kind === 'MissionControlDepartment') {
      each(['spec', 'projects'], (path, map) => {
        if (map.has('deservedGpus')) quota([...path, 'deservedGpus'], String(map.get('name')));
      });
    } else if (kind === 'FaultModel') {
      const group = 'Faults';
      add(doc, ['spec', 'rateFactor'], { id: 'faults', group, label: 'Rate ×', kind: 'number', placeholder: '1' });
      if (has('spec', 'preset'))
        add(doc, ['spec', 'preset'], {
          ...{ id: 'preset', group, label: 'Rates of', kind: 'choice', placeholder: 'default' },
          choices: [...FAULT_PRESETS],
        });
    } else if (kind === 'Workload') {
      const name = has('metadata', 'name') ? String(at('metadata', 'name')) : String(doc + 1);
      const group = `Workload ${name}`;
      const id = (field: string) => `workload/${name}/${field}`;
      add(doc, ['spec', 'scale'], { id: id('scale'), group, label: 'Scale ×', kind: 'number', placeholder: '1' });
      add(doc, ['spec', 'defaults', 'checkpointEvery'], {
        ...{ id: id('checkpoint'), group, label: 'Checkpoint every', kind: 'text', placeholder: 'as stated' },
      });
      each(['spec', 'teams'], (path, map) => {
        if (map.has('arrivals'))
          add(doc, [...path, 'arrivals', 'perDay'], {
            ...{ id: id(`${map.get('name')}/perDay`), group, kind: 'number', placeholder: '0' },
            label: `${map.get('name')}: a day`,
          });
      });
    } else if (kind === 'InferenceDeployment') {
      const name = String(at('metadata', 'name'));
      add(doc, ['spec', 'replicas'], {
        ...{ id: `serve/${name}`, group: 'Serving', label: `${name}: replicas`, kind: 'number', placeholder: '1' },
      });
    } else if (has('trainer', 'checkpoint_callback_params')) {
      add(doc, ['trainer', 'checkpoint_callback_params', 'every_n_train_steps'], {
        ...{ id: 'steps', group: 'Training', label: 'Checkpoint every … steps', kind: 'number', placeholder: '500' },
      });
    }
    function quota(path: Path, project: string) {
      add(doc, path, {
        ...{ id: `quota/${project}`, group: 'Quotas', label: `${project}: deserves`, kind: 'number', placeholder: '0' },
      });
    }
  });
  return { found };
}

/** YAML that reads back as this text, on one line. */
function written(value: string): string {
  return /^[\w.$/%×+-][\w.$/%×+ -]*$/.test(value) && !/\s$/.test(value) && !value.startsWith('-')
    ? value
    : JSON.stringify(value);
}

function withValue(text: string, document: Document, path: Path, value: string): string {
  const node = document.getIn(path, true);
  if (isScalar(node) && node.range) {
    const [from, to] = (node as Scalar & { range: [number, number, number] }).range;
    return text.slice(0, from) + written(value) + text.slice(to);
  }
  if (value === '') return text;
  // Not stated yet: into the deepest mapping on the way that is there.
  for (let depth = path.length - 1; depth >= 0; depth--) {
    const map = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (!isMap(map) || !map.range) continue;
    const missing = path.slice(depth);
    const leaf = written(value);
    if (map.flow || map.items.length === 0) {
      const inner = missing.slice(1).reduceRight<string>((rest, key) => `{${key}: ${rest}}`, leaf);
      const piece = `${missing[0]}: ${inner}`;
      const open = text.indexOf('{', map.range[0]) + 1;
      return `${text.slice(0, open)}${piece}${map.items.length > 0 ? ', ' : ''}${text.slice(open)}`;
    }
    const first = map.items[0].key as Scalar & { range: [number, number, number] };
    const at = first.range[0];
    const column = at - (text.lastIndexOf('\n', at - 1) + 1);
    const pad = ' '.repeat(column);
    const lines = missing.map(
      (key, i) => `${pad}${'  '.repeat(i)}${key}:${i === missing.length - 1 ? ` ${leaf}` : ''}`,
    );
    // Above the first field: the first line has its indentation already.
    return `${text.slice(0, at)}${lines.join('\n').slice(column)}\n${pad}${text.slice(at)}`;
  }
  return text;
}
