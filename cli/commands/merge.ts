/** `simsup merge DIR`: one table from the runs of a sweep's shards. */
import { Command } from 'commander';
import { UserError } from '../../scenarios/import/import.ts';
import { sweepRows } from '../../studies/sweep.ts';
import { pointText, sweepReport, sweepText } from '../../studies/sweep-report.ts';
import { FolderRuns } from '../host/run-log.ts';
import { readSweepPlan, writeSweep } from '../host/sweep-folder.ts';

export function mergeCommand(): Command {
  return new Command('merge')
    .description("makes one table from the runs of a sweep's shards")
    .argument('<dir>', 'the folder that the shards were given as --out')
    .option('--json', 'what was merged as JSON on stdout')
    .addHelpText('after', '\nExample:\n  npx simsup merge results')
    .action(merge);
}

function merge(folder: string, { json }: { json?: boolean }): void {
  const plan = readSweepPlan(folder);
  const { rows, missing } = sweepRows(plan, new FolderRuns(folder));
  const of = rows.length + missing.length;
  if (missing.length > 0) {
    const [{ point, seed }] = missing;
    throw new UserError(
      `${missing.length} of the ${of} runs are not in ${folder} yet, the first: ${pointText({ point }, plan)}, seed ${seed}. Run the shards that are missing, with --out ${folder}, and merge again`,
    );
  }
  const files = writeSweep(folder, plan, rows);
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ runs: rows.length, points: plan.study.points.length, files }, null, 2)}\n`,
    );
    return;
  }
  process.stdout.write(sweepText(sweepReport(plan, rows)));
  process.stdout.write(`Written: ${files.join(', ')}\n`);
}
