/** What README's and docs/validation.md's own test (readme.test.ts) does not cover: it checks that all claims hold. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { erlangQuantile, realClaims } from './forecast.ts';

const HPC2N = new URL('../../../shared/traces/hpc2n-2002/hpc2n.swf', import.meta.url);

it("have Erlang's quantiles right: one phase is exponential, many are near normal", () => {
  expect(erlangQuantile(1, 0.5)).toBeCloseTo(Math.LN2, 10);
  expect(erlangQuantile(1, 0.9)).toBeCloseTo(Math.log(10), 10);
  // Of k phases mean and variance are k; the median is near k − 1/3.
  expect(erlangQuantile(30, 0.5)).toBeCloseTo(30 - 1 / 3, 2);
});

it.skipIf(!existsSync(HPC2N))('hold on all of the log that is at hand, too (skipped without ../shared/traces)', () => {
  const claims = realClaims('hpc2n', readFileSync(HPC2N, 'utf8'), 80, 6);
  expect(claims.filter(({ pass }) => pass !== true)).toEqual([]);
});
