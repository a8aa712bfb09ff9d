/** `simsup report KIND`: answers as documents. */
import { Command } from 'commander';
import { type BreakEven, breakEven } from '../../reports/break-even.ts';
import { dollars, percent } from '../../reports/format.ts';
import { UserError } from '../../scenarios/import/import.ts';

interface BreakEvenFlags {
  gpus: string;
  price: string;
  hours: string;
  utilisation: string;
  licence?: string;
  json?: boolean;
}

export function reportCommand(): Command {
  const report = new Command('report').description('answers as documents: break-even').addHelpText('after', EXAMPLE);
  report.addCommand(breakEvenCommand());
  return report;
}

const EXAMPLE =
  '\nExample:\n  npx simsup report break-even --gpus 32 --price 5.92 --hours 720 --utilisation 0.60,0.80 --licence 4500';

function breakEvenCommand(): Command {
  return new Command('break-even')
    .description('up to which licence price a higher utilisation pays, from the assumptions typed in')
    .requiredOption('--gpus <n>', 'GPUs that are paid for')
    .requiredOption('--price <usd>', '$ per GPU-hour')
    .option('--hours <h>', 'hours that are paid for (a month as the guide rounds it: 720)', '720')
    .requiredOption('--utilisation <shares>', 'useful share of the GPU-hours without and with it, such as 0.60,0.80')
    .option('--licence <usd>', '$ per GPU-year that is asked')
    .option('--json', 'the figures as JSON')
    .addHelpText('after', EXAMPLE)
    .action(({ json, utilisation, ...flags }: BreakEvenFlags) => {
      let result: BreakEven;
      try {
        result = breakEven({ ...flags, utilisation: utilisation.split(',') });
      } catch (error) {
        if (error instanceof RangeError) throw new UserError(`--${error.message}`);
        throw error;
      }
      process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : breakEvenText(result, flags));
    });
}

function breakEvenText(
  result: BreakEven,
  { gpus, price, hours }: Pick<BreakEvenFlags, 'gpus' | 'price' | 'hours'>,
): string {
  const lines = [
    `${gpus} GPUs × $${price} × ${hours} h = ${dollars(result.computeCost)}`,
    ...result.useful.map((usd, i) => `useful at ${percent(result.utilisation[i], 0)}: ${dollars(usd)}`),
    result.uplift < 0
      ? `That is ${dollars(-result.uplift)} less useful work, so no licence price pays.`
      : `Uplift ${dollars(result.uplift)}: a licence pays up to ${dollars(result.licenceBreakEvenPerGpuYear)} per GPU-year (8,760 h).`,
  ];
  if (result.licence !== null && result.licenceCost !== null && result.net !== null) {
    const verdict = result.pays ? `leaves ${dollars(result.net)}` : `costs ${dollars(-result.net)} more than it gives`;
    lines.push(
      `At ${dollars(result.licence)} per GPU-year it costs ${dollars(result.licenceCost)} over these hours and ${verdict}.`,
    );
  }
  lines.push(
    'Utilisation is assumed here, not simulated: npx simsup compare shows what a scheduler changes on your own work.',
  );
  return `${lines.join('\n')}\n`;
}
