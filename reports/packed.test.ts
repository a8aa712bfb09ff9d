import fc from 'fast-check';
import { expect, test } from 'vitest';
import { packed, unpacked } from './packed.ts';

const array = fc.oneof(
  fc.float64Array(),
  fc.float32Array({ noNaN: true }),
  fc.int32Array(),
  fc.uint32Array(),
  fc.uint16Array(),
  fc.int8Array(),
  fc.uint8Array(),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    array,
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    tie('list'),
    tie('map'),
  ),
  list: fc.array(tie('any'), { maxLength: 4 }),
  map: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('any'), { maxKeys: 4, noNullPrototype: true }),
})).any;

test('columns are read back from JSON to the bit', () => {
  fc.assert(
    fc.property(value, (columns) => {
      expect(unpacked(JSON.parse(JSON.stringify(packed(columns))))).toEqual(columns);
    }),
    { numRuns: 200 },
  );
  // Longer than one piece, and a view into a larger buffer.
  const long = Float64Array.from({ length: 10_000 }, (_, i) => Math.sqrt(i)).subarray(3);
  expect(unpacked(JSON.parse(JSON.stringify(packed({ long }))))).toEqual({ long });
});

test('what only looks like a column stays what it is', () => {
  for (const other of [
    { array: 'Function', data: 'AAAA' },
    { array: 'constructor', data: '' },
    { array: 1, data: 2 },
  ])
    expect(unpacked(other)).toEqual(other);
  expect(() => unpacked({ array: 'Int32Array', data: 'AAA' })).toThrow();
});
