import { expect, test } from 'vitest';
import { TextHistory } from './history.ts';

test('typing in a row is one step; undo and redo go back and forth', () => {
  const history = new TextHistory('a');
  history.push('ab', true, 10_000);
  history.push('abc', true, 10_500);
  history.push('abcd', true, 20_000);
  expect([history.undo(), history.undo(), history.undo()]).toEqual(['abc', 'a', null]);
  expect([history.redo(), history.redo(), history.redo()]).toEqual(['abc', 'abcd', null]);
  history.undo();
  history.push('other');
  expect(history.redo()).toBeNull();
});
