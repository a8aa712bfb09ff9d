/** README's validation table is what the command prints, not what somebody once typed. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { queueing } from './queueing.ts';
import { markdownOf } from './table.ts';

it('README shows the claims as they come out now', { timeout: 300_000 }, () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const shown = readme
    .split('<!-- validation: npm run validate -- --markdown -->')[1]
    ?.split('<!-- end of validation -->')[0];
  expect(shown?.trim()).toBe(markdownOf(queueing.run({ quick: false })).trim());
});
