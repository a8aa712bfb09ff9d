import { expect, test } from 'vitest';
import { boundTo, type Key } from './keys.ts';

const key = (keys: string[], shift?: boolean): Key => ({
  ...{ keys, shown: keys.join(), means: '', act: () => {} },
  ...(shift === undefined ? {} : { shift }),
});
const KEYS = [key(['ArrowLeft'], false), key(['ArrowLeft'], true), key(['u', 'U']), key(['e']), key(['?'])];
const found = (pressed: string, shift: boolean) => {
  const bound = boundTo(KEYS, pressed, shift);
  return bound === undefined ? -1 : KEYS.indexOf(bound);
};

test('a key is found with or without shift, a letter in either case', () => {
  expect([found('ArrowLeft', false), found('ArrowLeft', true)]).toEqual([0, 1]);
  // Caps lock, or shift where it means nothing.
  expect([found('e', false), found('E', true), found('U', true), found('?', true)]).toEqual([3, 3, 2, 4]);
  expect([found('F', true), found('ArrowUp', false)]).toEqual([-1, -1]);
});
