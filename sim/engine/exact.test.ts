import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addExact, addProduct, exactBigInt, exactColumn, exactNumber } from './exact.ts';

it('adds a year of 100,000 GPUs to the unit', () => {
  const sum = exactColumn(1);
  addProduct(sum, 0, 100_000 * 7000, 365 * 86_400_000_000);
  addProduct(sum, 0, 1, 1);
  expect(exactBigInt(sum, 0)).toBe(22_075_200_000_000_000_000_001n);
  expect(exactNumber(sum, 0)).toBeCloseTo(2.20752e22, -10);
});

it('equals big integers for any products and corrections', () => {
  const product = fc.tuple(
    fc.integer({ min: 0, max: 2 ** 40 - 1 }),
    fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  );
  fc.assert(
    fc.property(fc.array(product), fc.array(product), (added, taken) => {
      const sum = exactColumn(1);
      let expected = 0n;
      for (const [a, b] of added) {
        addProduct(sum, 0, a, b);
        expected += BigInt(a) * BigInt(b);
      }
      for (const [a, b] of taken) {
        const part = exactColumn(1);
        addProduct(part, 0, a, b);
        addExact(sum, 0, -part.hi[0], -part.lo[0]);
        expected -= BigInt(a) * BigInt(b);
      }
      expect(exactBigInt(sum, 0)).toBe(expected);
    }),
  );
});
