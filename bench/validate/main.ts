/** `npm run validate`: every claim about how right the results are, against what theory, papers and others say. */
import { readFileSync, writeFileSync } from 'node:fs';
import { toldOrExit } from '../options.ts';
import type { Claim } from './claim.ts';
import { GROUPS } from './groups.ts';
import { MARKDOWN, SUMMARY, withTable } from './pages.ts';
import { markdownOf, summaryOf, tableOf, verdict } from './table.ts';

const HELP = `Checks what simsup computes against theory.

  npm run validate                        all groups, as a table
  npm run validate -- --only queueing     one group
  npm run validate -- --json              for programs
  npm run validate -- --markdown          every claim, for docs/validation.md
  npm run validate -- --summary           a line a group, for README
  npm run validate -- --write             puts both where they belong in docs/validation.md and README.md of the working folder

Groups:
${GROUPS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')}

Exit code: 0 all claims hold (or cannot be run here), 1 one fails, 2 bad arguments.
`;

function main(): number {
  const told = toldOrExit(
    {
      json: { type: 'boolean' },
      markdown: { type: 'boolean' },
      summary: { type: 'boolean' },
      write: { type: 'boolean' },
      only: { type: 'string' },
    },
    HELP,
  );
  if (typeof told === 'number') return told;
  const { only, json, markdown, summary, write } = told.values;
  if (write && only !== undefined) {
    console.error(`--write needs all groups: leave --only out\n\n${HELP}`);
    return 2;
  }
  const groups = GROUPS.filter(({ name }) => only === undefined || name === only);
  if (groups.length === 0) {
    console.error(`there is no group '${only}'; groups are ${GROUPS.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const claims = groups.flatMap((group): Claim[] => {
    if (process.stderr.isTTY) console.error(`${group.name}: ${group.about} …`);
    return group.run({ quick: false });
  });
  if (write) {
    for (const [file, command, table] of [
      ['docs/validation.md', MARKDOWN, markdownOf(claims)],
      ['README.md', SUMMARY, summaryOf(groups, claims)],
    ]) {
      writeFileSync(file, withTable(readFileSync(file, 'utf8'), command, table));
      console.error(`${file}: ${verdict(claims)}`);
    }
  } else if (json) console.log(JSON.stringify({ claims }, null, 2));
  else if (summary) console.log(summaryOf(groups, claims));
  else console.log(markdown ? markdownOf(claims) : tableOf(claims));
  return claims.some(({ pass }) => pass === false) ? 1 : 0;
}

process.exitCode = main();
