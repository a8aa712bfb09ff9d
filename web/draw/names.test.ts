import { expect, test } from 'vitest';
import { cutText, initialsOf, shortName } from './names.ts';

/** Each character as wide as it is high. */
const pen = { measure: (text: string, size = 12) => [...text].length * size };

test('initials are two letters, of two words where there are two', () => {
  expect(['llm-pretraining', 'research', 'x', '', '日本語', '👩‍🚀🚀', 'a b c'].map(initialsOf)).toEqual([
    ...['LP', 'RE', 'X', '?', '日本', '?', 'AB'],
  ]);
});

test('a name in little room keeps the parts that tell it from others', () => {
  expect(shortName(pen, 'h200-training-3', 110, 10)).toBe('training-3');
  // Not a number alone, which would tell nothing.
  expect(shortName(pen, 'b200-inference-0', 100, 10)).toBe('…ference-0');
  expect(shortName(pen, 'node-7', 100, 10)).toBe('node-7');
  expect(shortName(pen, '🙂🙂🙂🙂', 30, 10)).toBe('…🙂🙂');
});

test('a text in little room keeps its beginning', () => {
  expect(cutText(pen, 'a title that is long', 80, 10)).toBe('a title…');
  expect(cutText(pen, 'short', 80, 10)).toBe('short');
});
