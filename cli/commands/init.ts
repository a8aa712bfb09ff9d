/** `simsup init [FILE]`: a commented scenario to start from. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command, Option } from 'commander';
import { UserError } from '../../scenarios/import/import.ts';
import { builtins, starterScenario } from '../../scenarios/index.ts';
import { writeWhole } from '../host/output.ts';

export function initCommand(): Command {
  return new Command('init')
    .description('writes a commented scenario to start from')
    .argument('[file]', 'where to', 'scenario.yaml')
    .addOption(
      new Option(
        '--from <name>',
        'a built-in scenario to change, and the files it names, instead of the short one',
      ).choices(builtins.map(({ name }) => name)),
    )
    .option('--force', 'overwrite what is there')
    .option('--json', 'the names of the files as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  npx simsup init my-cluster.yaml && npx simsup run my-cluster.yaml\n  npx simsup init --from mission-control month.yaml',
    )
    .action((file: string, flags: { from?: string; force?: boolean; json?: boolean }) => {
      const from = builtins.find(({ name }) => name === flags.from);
      const written = new Map([[file, from?.text ?? starterScenario()]]);
      for (const [name, text] of Object.entries(from?.files ?? {})) written.set(join(dirname(file), name), text);
      for (const path of written.keys()) {
        if (existsSync(path) && !flags.force) {
          throw new UserError(`${path} exists: choose another name or folder, or add --force`);
        }
      }
      for (const [path, text] of written) writeWhole(path, [text]);
      const files = [...written.keys()];
      const text = `Written: ${files.join(', ')}\n\nNext: change what differs on your cluster, then\n  npx simsup run ${file}\n`;
      process.stdout.write(flags.json ? `${JSON.stringify({ file, files })}\n` : text);
    });
}
