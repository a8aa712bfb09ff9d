/** `npm run validate`: every claim about how right the results are, against what theory, papers and others say. */
import { parseArgs } from 'node:util';
import type { Claim } from './claim.ts';
import { GROUPS } from './groups.ts';
import { markdownOf, summaryOf, tableOf } from './table.ts';

const HELP = `Checks what simsup computes against theory.

  npm run validate                        all groups, as a table
  npm run validate -- --only queueing     one group
  npm run validate -- --json              for programs
  npm run validate -- --markdown          every claim, for docs/validation.md
  npm run validate -- --summary           a line a group, for README

Groups:
${GROUPS.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')}

Exit code: 0 all claims hold (or cannot be run here), 1 one fails, 2 bad arguments.
`;

function main(): number {
  let options: { json?: boolean; markdown?: boolean; summary?: boolean; help?: boolean; only?: string };
  try {
    options = parseArgs({
      options: {
        json: { type: 'boolean' },
        markdown: { type: 'boolean' },
        summary: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        only: { type: 'string' },
      },
    }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const groups = GROUPS.filter(({ name }) => options.only === undefined || name === options.only);
  if (groups.length === 0) {
    console.error(`there is no group '${options.only}'; groups are ${GROUPS.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const claims = groups.flatMap((group): Claim[] => {
    if (process.stderr.isTTY) console.error(`${group.name}: ${group.about} …`);
    return group.run({ quick: false });
  });
  if (options.json) console.log(JSON.stringify({ claims }, null, 2));
  else if (options.summary) console.log(summaryOf(groups, claims));
  else console.log(options.markdown ? markdownOf(claims) : tableOf(claims));
  return claims.some(({ pass }) => pass === false) ? 1 : 0;
}

process.exitCode = main();
