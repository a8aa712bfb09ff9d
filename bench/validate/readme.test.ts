/** README's summary and docs/validation.md are what the command prints, not what somebody once typed. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Claim } from './claim.ts';
import { GROUPS } from './groups.ts';
import { MARKDOWN, SUMMARY, tableIn, withTable } from './pages.ts';
import { markdownOf, summaryOf } from './table.ts';

const page = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

describe('the claims as they come out now', () => {
  let claims: Claim[] = [];
  beforeAll(() => {
    claims = GROUPS.flatMap((group) => group.run({ quick: false }));
  }, 300_000);

  it('all hold', () => {
    expect(claims.filter(({ pass }) => pass === false)).toEqual([]);
  });

  it('are those that README sums up', () => {
    expect(tableIn(page('README.md'), SUMMARY)).toBe(summaryOf(GROUPS, claims));
  });

  it('are those that docs/validation.md lists', () => {
    expect(tableIn(page('docs/validation.md'), MARKDOWN)).toBe(markdownOf(claims));
  });
});

it('--write changes the table and nothing else, and refuses a page without a place', () => {
  const text = page('docs/validation.md');
  const table = tableIn(text, MARKDOWN) as string;
  expect(withTable(text, MARKDOWN, table)).toBe(text);
  const changed = withTable(text, MARKDOWN, '| a |');
  expect(tableIn(changed, MARKDOWN)).toBe('| a |');
  expect(withTable(changed, MARKDOWN, table)).toBe(text);
  expect(() => withTable(text, SUMMARY, table)).toThrow('no single place');
  expect(() => withTable(text + text, MARKDOWN, table)).toThrow('no single place');
});
