/** A whole scenario in the address: deflated JSON after the #. What comes from an address is bounded and checked, as anybody may have made it. */
import { deflateSync, Inflate } from 'fflate';
import type { Change, ScenarioSource } from './requests.ts';
import type { Beside } from './store.ts';

export interface Shared {
  source: ScenarioSource;
  view: string;
  cursorUs: number;
  beside: Beside | null;
}

/** Longest address, and most text one may hold, characters. */
const MOST_FRAGMENT = 400_000;
const MOST_TEXT = 8 * 2 ** 20;
const KEY = 's=';

export function fragmentOf(shared: Shared): string {
  const bytes = deflateSync(new TextEncoder().encode(JSON.stringify(shared)), { level: 9 });
  let text = '';
  for (let i = 0; i < bytes.length; i += 0x6000) text += String.fromCharCode(...bytes.subarray(i, i + 0x6000));
  const fragment = KEY + btoa(text).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  if (fragment.length > MOST_FRAGMENT)
    throw new Error(
      `the scenario with its files makes an address of ${fragment.length} characters, more than ${MOST_FRAGMENT}: save it as a file and send that`,
    );
  return fragment;
}

/** Null where the fragment holds no scenario. Throws a sentence where it holds a broken one. */
export function sharedOf(fragment: string): Shared | null {
  const found = fragment.replace(/^#/, '');
  if (!found.startsWith(KEY)) return null;
  if (found.length > MOST_FRAGMENT) throw new Error('the address is too long for a scenario');
  const value: unknown = JSON.parse(inflated(bytesOf(found.slice(KEY.length))));
  if (!isRecord(value)) throw new Error('the address holds no scenario');
  const source = sourceOf(value.source);
  if (source === null) throw new Error('the address holds no scenario');
  const cursorUs = Number(value.cursorUs);
  return {
    source,
    view: typeof value.view === 'string' ? value.view : '',
    cursorUs: Number.isFinite(cursorUs) ? cursorUs : 0,
    beside: besideOf(value.beside),
  };
}

function bytesOf(text: string): Uint8Array {
  let raw: string;
  try {
    raw = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    throw new Error('the address was cut or changed on its way: it cannot be read');
  }
  return Uint8Array.from(raw, (character) => character.charCodeAt(0));
}

/** Stops as soon as there is too much: a small address may unfold to gigabytes. */
function inflated(bytes: Uint8Array): string {
  const pieces: Uint8Array[] = [];
  let size = 0;
  const inflate = new Inflate((piece) => {
    size += piece.length;
    if (size > MOST_TEXT) throw new Error(`the address holds more than ${MOST_TEXT / 2 ** 20} MiB`);
    pieces.push(piece.slice());
  });
  try {
    // In small steps, so that no single one can unfold to much.
    for (let i = 0; i < bytes.length; i += 1024) inflate.push(bytes.subarray(i, i + 1024), i + 1024 >= bytes.length);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('the address')) throw error;
    throw new Error('the address was cut or changed on its way: it cannot be read');
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return new TextDecoder().decode(whole);
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function sourceOf(value: unknown): ScenarioSource | null {
  if (!isRecord(value) || typeof value.text !== 'string') return null;
  const named = isRecord(value.files) ? Object.entries(value.files) : [];
  const files = Object.fromEntries(named.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  return { file: typeof value.file === 'string' ? value.file.slice(0, 200) : 'shared.yaml', text: value.text, files };
}

function besideOf(value: unknown): Beside | null {
  if (!isRecord(value)) return null;
  if (value.kind === 'policy' && typeof value.policy === 'string') return { kind: 'policy', policy: value.policy };
  if (value.kind === 'scenario') {
    const source = sourceOf(value.source);
    return source === null ? null : { kind: 'scenario', source, name: String(value.name ?? source.file).slice(0, 200) };
  }
  if (value.kind !== 'branch' || !isRecord(value.branch) || !Array.isArray(value.branch.changes)) return null;
  const changes = value.branch.changes.slice(0, 20).map(changeOf);
  if (changes.some((change) => change === null) || !(Number(value.branch.atUs) >= 0)) return null;
  const branch = { atUs: Number(value.branch.atUs), changes: changes as Change[] };
  return { kind: 'branch', branch, label: String(value.label ?? 'what if').slice(0, 200) };
}

function changeOf(value: unknown): Change | null {
  if (!isRecord(value)) return null;
  const whole = (name: string) =>
    Number.isSafeInteger(value[name]) && Number(value[name]) >= 0 ? Number(value[name]) : null;
  const [node, pool, nodes, project, gpus] = ['node', 'pool', 'nodes', 'project', 'gpus'].map(whole);
  if (value.kind === 'kill' && node !== null) return { kind: 'kill', node };
  if (value.kind === 'add' && pool !== null && nodes !== null && nodes <= 10_000) return { kind: 'add', pool, nodes };
  if (value.kind === 'quota' && project !== null && gpus !== null) return { kind: 'quota', project, gpus };
  return null;
}
