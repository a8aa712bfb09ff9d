/** README's summary and docs/validation.md are what the command prints, not what somebody once typed. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Claim } from './claim.ts';
import { GROUPS } from './groups.ts';
import { markdownOf, summaryOf } from './table.ts';

function between(file: string, command: string): string | undefined {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  return text.split(`<!-- ${command} -->`)[1]?.split('<!-- end of validation -->')[0]?.trim();
}

describe('the claims as they come out now', () => {
  let claims: Claim[] = [];
  beforeAll(() => {
    claims = GROUPS.flatMap((group) => group.run({ quick: false }));
  }, 300_000);

  it('all hold', () => {
    expect(claims.filter(({ pass }) => pass === false)).toEqual([]);
  });

  it('are those that README sums up', () => {
    expect(between('README.md', 'npm run validate -- --summary')).toBe(summaryOf(GROUPS, claims));
  });

  it('are those that docs/validation.md lists', () => {
    expect(between('docs/validation.md', 'npm run validate -- --markdown')).toBe(markdownOf(claims));
  });
});
