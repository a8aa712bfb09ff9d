/** `simsup report KIND`: answers as documents. */
import { Command } from 'commander';
import { breakEvenCommand } from './report-break-even.ts';
import { chargebackCommand } from './report-chargeback.ts';
import { matrixCommand } from './report-matrix.ts';
import { reliabilityCommand } from './report-reliability.ts';
import { sloCommand } from './report-slo.ts';

export function reportCommand(): Command {
  const report = new Command('report')
    .description('answers as documents: break-even, matrix, chargeback, slo, reliability')
    .addHelpText('after', '\nExample:\n  npx simsup report break-even --html break-even.html');
  for (const command of [breakEvenCommand(), matrixCommand(), chargebackCommand(), sloCommand(), reliabilityCommand()])
    report.addCommand(command);
  return report;
}
