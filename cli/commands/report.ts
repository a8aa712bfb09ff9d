/** `simsup report KIND`: answers as documents. */
import { Command } from 'commander';
import { breakEvenCommand } from './report-break-even.ts';
import { chargebackCommand } from './report-chargeback.ts';

export function reportCommand(): Command {
  const report = new Command('report')
    .description('answers as documents: break-even, chargeback')
    .addHelpText('after', '\nExample:\n  npx simsup report break-even --html break-even.html');
  for (const command of [breakEvenCommand(), chargebackCommand()]) report.addCommand(command);
  return report;
}
