/** `simsup conform`: does the Run:ai policy decide as the behaviour tables of the real scheduler say? */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Command } from 'commander';
import { CaseError, type ConformanceCase, isOtherJson, readEach, type Unreadable } from '../../bench/conform/cases.ts';
import { draw } from '../../bench/conform/draw.ts';
import { type CaseResult, runCase } from '../../bench/conform/run.ts';
import { UserError } from '../../scenarios/import/import.ts';

/** A file of cases larger than this is a mistake, not a test. */
const MOST_BYTES = 256 * 1024 * 1024;

export function conformCommand(): Command {
  return new Command('conform')
    .description("runs conformance cases of Run:ai's scheduler and shows what differs")
    .argument('<DIR>', 'folder searched for .json files, each an array of cases; or one such file')
    .option('--json', 'one JSON object: {passed, failed, cases: [{id, pass, diff}]}')
    .addHelpText(
      'after',
      '\nExit code: 0 all pass, 1 some fail, 2 a file or a case in it cannot be read (the others are run all the same).\n' +
        '\nExample:\n  simsup conform bench/conform/data\n  simsup conform bench/conform/data/kai/reclaim_reclaim.json --json',
    )
    .action((dir: string, { json }: { json?: boolean }) => {
      const files = caseFiles(dir);
      const cases = files.flatMap((file) => load(file, dir));
      if (cases.length === 0) throw new UserError(`${dir}: no .json file here holds an array of conformance cases`);
      const results: CaseResult[] = [];
      let unreadable = 0;
      for (const given of cases) {
        if ('problem' in given) {
          unreadable++;
          process.stderr.write(`${given.problem}\n`);
          results.push({ id: given.id, pass: false, diff: [`not run: ${given.problem}`] });
          continue;
        }
        const replay = run(given);
        results.push(replay.result);
        if (!json && !replay.result.pass) process.stdout.write(`${draw(given, replay)}\n`);
      }
      const failed = results.filter(({ pass }) => !pass).length;
      const passed = results.length - failed;
      if (json) {
        const shown = results.map(({ id, pass, diff }) => ({ id, pass, diff: diff.join('\n') }));
        process.stdout.write(`${JSON.stringify({ passed, failed, cases: shown })}\n`);
      } else {
        process.stdout.write(`${passed} of ${results.length} cases pass\n`);
      }
      process.exitCode = unreadable > 0 ? 2 : failed === 0 ? 0 : 1;
    });
}

function caseFiles(dir: string): string[] {
  try {
    if (statSync(dir).isFile()) return [dir];
    return readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.json') && !/(^|[\\/])node_modules[\\/]/.test(name))
      .sort()
      .map((name) => join(dir, name))
      .filter((file) => statSync(file).isFile());
  } catch (error) {
    throw new UserError(`${dir}: cannot be read (${(error as Error).message})`);
  }
}

function load(file: string, dir: string): (ConformanceCase | Unreadable)[] {
  const shown = relative(process.cwd(), file) || file;
  try {
    if (statSync(file).size > MOST_BYTES) throw new UserError(`${shown}: larger than 256 MiB, not a file of cases`);
    const text = readFileSync(file, 'utf8');
    // In a folder, other JSON may lie about; a file named by itself is meant.
    if (file !== dir && isOtherJson(text)) return [];
    return readEach(text, shown);
  } catch (error) {
    if (error instanceof CaseError) throw new UserError(error.message);
    if (error instanceof UserError) throw error;
    throw new UserError(`${shown}: cannot be read (${(error as Error).message})`);
  }
}

function run(given: ConformanceCase): ReturnType<typeof runCase> {
  try {
    return runCase(given);
  } catch (error) {
    // One case that breaks the policy must not hide what becomes of the others.
    const diff = [`the policy failed on it: ${(error as Error).message}`];
    return { result: { id: given.id, pass: false, diff }, rounds: [] };
  }
}
