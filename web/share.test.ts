/** Links: what goes in comes out, and what anybody may have made is bounded and checked. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fragmentOf, type Shared, sharedOf } from './share.ts';

test('a link gives back what was shared', () => {
  fc.assert(
    fc.property(fc.string(), fc.dictionary(fc.string(), fc.string()), fc.nat(), (text, files, cursorUs) => {
      const shared: Shared = {
        source: { file: 'a.yaml', text, files },
        ...{ view: 'map', cursorUs, beside: { kind: 'policy', policy: 'fifo' } },
      };
      expect(sharedOf(`#${fragmentOf(shared)}`)).toEqual(shared);
    }),
  );
});

test('a link that was cut or changed is refused in a sentence', () => {
  const whole = fragmentOf({
    source: { file: 'a', text: 'x'.repeat(99), files: {} },
    view: '',
    cursorUs: 0,
    beside: null,
  });
  expect(() => sharedOf(whole.slice(0, -8))).toThrow();
  expect(() => sharedOf('s=%%%')).toThrow('cut or changed');
  expect(sharedOf('#elsewhere')).toBeNull();
});

test('a small link cannot unfold to much', () => {
  const bomb = () =>
    sharedOf(
      fragmentOf({ source: { file: 'a', text: 'x'.repeat(9e6), files: {} }, view: '', cursorUs: 0, beside: null }),
    );
  expect(bomb).toThrow('holds more than 8 MiB');
});
