/** What we depend on may be used and passed on: its licences, as package-lock.json states them. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

interface Locked {
  license?: string;
  dev?: boolean;
}

/** Permissive, or no rights reserved. */
const SHIPPED = ['MIT', 'ISC', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'Unlicense'];
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
    .map(([path, { license }]) => `${path}: ${license}`);
  expect(others).toEqual([]);
});

it('nothing is installed from elsewhere than the registry', () => {
  const resolved = Object.values(packages).map((entry) => (entry as { resolved?: string }).resolved);
  expect(resolved.filter((url) => url !== undefined && !url.startsWith('https://registry.npmjs.org/'))).toEqual([]);
});
