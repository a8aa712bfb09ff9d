/** `simsup schema`: the JSON Schema of a scenario, for editors and programs. */
import { Command } from 'commander';
import { scenarioJsonSchema } from '../../scenarios/index.ts';

export function schemaCommand(): Command {
  return new Command('schema')
    .description('prints the JSON Schema of a scenario')
    .option('--json', 'it always is JSON')
    .addHelpText('after', '\nExample:\n  simsup schema > simsup.schema.json')
    .action(() => {
      process.stdout.write(`${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`);
    });
}
