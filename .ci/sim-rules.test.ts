import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { violations } from './sim-rules.mjs';

function messages(files: Record<string, string>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'simsup-rules-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    return violations(folder).map((v) => `${v.line}:${v.message.split(/[ (]/, 1)[0]}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('what differs between engines, days or places is found', () => {
  const source = [
    'export const a = Math.exp(1);',
    "export const b = Math['log'](1);",
    'export const { sin } = Math;',
    'export const d = Math.random();',
    'export const e = Date.now();',
    'export const f = new Date();',
    'export const g = performance.now();',
    'export const h = new Intl.NumberFormat();',
    "export const i = 'a'.localeCompare('b');",
    'export const j = (1).toLocaleString();',
    'export const k = 1.5 ** 2;',
    'export const l = [2, 10].sort();',
    'export const m = globalThis.Math;',
    'export const n = crypto.randomUUID();',
  ].join('\n');
  expect(messages({ 'a.ts': source })).toEqual([
    '1:Math.exp',
    '2:Math.log',
    '3:Math',
    '4:Math.random',
    '5:Date',
    '6:Date',
    '7:performance',
    '8:Intl',
    '9:localeCompare',
    '10:toLocaleString',
    '11:**',
    '12:sort',
    '13:globalThis',
    '14:crypto',
  ]);
});

test('exact maths, typed sorts and names of our own pass', () => {
  const source = [
    'export const a = Math.sqrt(Math.abs(-2)) * Math.PI + 2 ** 53 + 2 ** -53;',
    'export const b = new Float64Array([2, 1]).sort();',
    'export const c = [2, 10].sort((x, y) => x - y);',
    "export const t = ['b', 'a'].sort();",
    'const performance = { now: 1 };',
    'export const d = performance.now;',
    'export type Stamp = Date;',
  ].join('\n');
  expect(messages({ 'a.ts': source })).toEqual([]);
});

test('only tests of the engine may use the platform’s maths as a reference', () => {
  const source = 'export const a = Math.log(2);';
  expect(messages({ 'engine/a.test.ts': source, 'world/a.test.ts': source })).toEqual(['1:Math.log']);
});
