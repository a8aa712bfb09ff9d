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

test('what is typed as soon as the page has loaded is a step of its own, behind what was opened', () => {
  const history = new TextHistory('default');
  history.push('opened', false, 300);
  history.push('opened x', true, 700);
  expect([history.undo(), history.undo()]).toEqual(['opened', 'default']);
  history.push('default y', true, 900);
  expect(history.undo()).toBe('default');
});
