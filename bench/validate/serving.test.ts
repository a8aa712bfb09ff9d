import { expect, it } from 'vitest';
import { serving } from './serving.ts';
import { points } from './serving-points.ts';

it('every serving claim holds, and what cannot be judged says why', () => {
  const claims = serving.run({ quick: true });
  expect(claims.filter(({ pass }) => pass === false)).toEqual([]);
  for (const { pass, reason } of claims) if (pass === null) expect(reason).toBeTruthy();
  expect(new Set(claims.map(({ id }) => id)).size).toBe(claims.length);
}, 60_000);

it('half of the published rows was held out', () => {
  const rows = new Map(points().map(({ table, fitted }) => [table, fitted]));
  const fitted = [...rows.values()].filter((f) => f).length;
  expect(Math.abs(rows.size - 2 * fitted)).toBeLessThanOrEqual(1);
});
