/** What we depend on may be used and passed on: its licences, as package-lock.json states them. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Locked {
  license?: string;
  dev?: boolean;
}

/** Permissive. */
const SHIPPED = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD'];
/** Passed on under another licence, each with the reason why it may be. */
const BY_NAME: Readonly<Record<string, { licence: string; why: string }>> = {
  'node_modules/robust-predicates': {
    licence: 'Unlicense',
    why: 'in the public domain, all rights waived: no condition to keep; d3 needs it (through delaunator), none of our code does',
  },
};
/** Of tools that are not passed on: also copyleft that stays within their own files. */
const TOOLS = [...SHIPPED, 'MPL-2.0', 'BlueOak-1.0.0'];

const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, Locked>;
};

/** `MIT OR Apache-2.0`: one is enough. */
const allowed = (license: string | undefined, list: readonly string[]) =>
  (license ?? 'none stated')
    .replaceAll(/[()]/g, '')
    .split(' OR ')
    .some((one) => list.includes(one.trim()));

it('every dependency has a licence of the list', () => {
  const others = Object.entries(packages)
    .filter(([path, { license, dev }]) => path !== '' && !allowed(license, dev ? TOOLS : SHIPPED))
    .filter(([path, { license }]) => BY_NAME[path]?.licence !== license)
    .map(([path, { license }]) => `${path}: ${license}`);
  expect(others).toEqual([]);
});

it('has no allowance by name that nothing needs', () => {
  for (const [path, { licence }] of Object.entries(BY_NAME)) expect(packages[path]?.license, path).toBe(licence);
});

it('nothing is installed from elsewhere than the registry', () => {
  const resolved = Object.values(packages).map((entry) => (entry as { resolved?: string }).resolved);
  expect(resolved.filter((url) => url !== undefined && !url.startsWith('https://registry.npmjs.org/'))).toEqual([]);
});
