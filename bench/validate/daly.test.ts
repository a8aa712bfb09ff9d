import { expect, it } from 'vitest';
import { daly } from './daly.ts';

it('the claims on checkpoints hold on a smaller sample', () => {
  const claims = daly.run({ quick: true });
  expect(claims.length).toBeGreaterThan(20);
  expect(claims.filter(({ pass }) => pass !== true)).toEqual([]);
  expect(new Set(claims.map(({ id }) => id)).size).toBe(claims.length);
});
