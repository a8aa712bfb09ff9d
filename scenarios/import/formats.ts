/** The importers by name. */

import { looksBinary } from '../units.ts';
import { azureLlm } from './azure-llm.ts';
import { csv } from './csv.ts';
import { helios } from './helios.ts';
import { columnsOf, type Importer, missingColumns, UserError, unknownName } from './importer.ts';
import { itp } from './itp.ts';
import { KAI_SNAPSHOT } from './kai-snapshot.ts';
import { mooncake } from './mooncake.ts';
import { openb } from './openb.ts';
import { philly } from './philly.ts';
import type { RequestImporter } from './request-importer.ts';
import { sacct } from './sacct.ts';
import { swf } from './swf.ts';

export const IMPORTERS: readonly Importer[] = [openb, philly, itp, helios, swf, sacct, csv];

/** Logs of inference requests, not of jobs. */
export const REQUEST_IMPORTERS: readonly RequestImporter[] = [azureLlm, mooncake];

export const isRequestFormat = (name: string): boolean => REQUEST_IMPORTERS.some((i) => i.name === name);

/** All formats, also what is no log of rows. */
export const FORMATS: readonly { name: string; describe: string }[] = [
  ...IMPORTERS,
  ...REQUEST_IMPORTERS,
  KAI_SNAPSHOT,
];

export function importerNamed(name: string): Importer {
  const found = IMPORTERS.find((i) => i.name === name);
  if (found === undefined)
    throw unknownName(
      'format',
      name,
      FORMATS.map((f) => f.name),
    );
  return found;
}

/** The first line is not this format's header: what was expected, what was found, which format it looks like. */
export function wrongHeader(importer: Importer, line: string, missing: readonly string[]): UserError {
  const near = guessFormat(line, importer);
  const text = line.replace(/[^\x20-\x7e]/g, '?');
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  const hint = looksBinary(line)
    ? 'it is no text: unpack it first, or name another file'
    : near === undefined
      ? 'if it is a CSV, use the format csv with --map'
      : `it looks like the format ${near}`;
  return new UserError(
    `this is no ${importer.name} file: its header lacks ${missing.join(', ')}.\n  expected ${importer.expects}\n  found    ${shown}\n  ${hint}`,
  );
}

export function guessFormat(line: string, not: Importer): string | undefined {
  if (line.startsWith(';') || /^\s*\d+(\s+-?[\d.]+){17}\s*$/.test(line)) return not.name === 'swf' ? undefined : 'swf';
  let best: string | undefined;
  let most = 0.5;
  for (const other of IMPORTERS) {
    if (other === not || other.needs.length < 2) continue;
    const columns = columnsOf(line.split(other.delimiter));
    const share = 1 - missingColumns(other, columns).length / other.needs.length;
    if (share > most) [best, most] = [other.name, share];
  }
  return best;
}
