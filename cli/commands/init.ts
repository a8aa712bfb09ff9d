/** `simsup init [FILE]`: a commented scenario to start from. */
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { UserError } from '../../scenarios/import/import.ts';
import { starterScenario } from '../../scenarios/index.ts';
import { writeWhole } from '../host/output.ts';

export function initCommand(): Command {
  return new Command('init')
    .description('writes a commented scenario to start from')
    .argument('[file]', 'where to', 'scenario.yaml')
    .option('--force', 'overwrite what is there')
    .option('--json', 'the name of the file as JSON')
    .addHelpText('after', '\nExample:\n  simsup init my-cluster.yaml && simsup run my-cluster.yaml')
    .action((file: string, flags: { force?: boolean; json?: boolean }) => {
      if (existsSync(file) && !flags.force) throw new UserError(`${file} exists: choose another name, or add --force`);
      writeWhole(file, [starterScenario()]);
      const text = `Written: ${file}\n\nNext: change what differs on your cluster, then\n  simsup run ${file}\n`;
      process.stdout.write(flags.json ? `${JSON.stringify({ file })}\n` : text);
    });
}
