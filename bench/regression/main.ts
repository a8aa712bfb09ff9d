/** `npm run bench-power`: does the bench flag what it should, and nothing else? Minutes on one core. */
import { toldOrExit } from '../options.ts';
import { EXPECTED, FULL_PLAN, measurePower, type PowerResult } from './power.ts';

const HELP = `Measures how well simsup bench tells a regression from chance.

  npm run bench-power                 100 trials with a 5 % longer p95 wait, 1,000 with nothing
  npm run bench-power -- --quick      a tenth of it
  npm run bench-power -- --json       for programs

Exit code: 0 at least 95 % flagged and at most 7 % false alarms, 1 not so, 2 bad arguments.
`;

function main(): number {
  const told = toldOrExit({ json: { type: 'boolean' }, quick: { type: 'boolean' } }, HELP);
  if (typeof told === 'number') return told;
  const quick = { ...FULL_PLAN, powerTrials: 10, alarmTrials: 100, pool: 150, tiesPool: 50 };
  const result = measurePower(told.values.quick ? quick : FULL_PLAN, (what) => {
    if (process.stderr.isTTY) console.error(`${what} …`);
  });
  console.log(told.values.json ? JSON.stringify(result, null, 2) : textOf(result));
  return holds(result) ? 0 : 1;
}

function falseAlarms({ alarms }: PowerResult): { trials: number; anything: number } {
  const kinds = Object.values(alarms);
  const sum = (of: 'trials' | 'anything') => kinds.reduce((total, kind) => total + kind[of], 0);
  return { trials: sum('trials'), anything: sum('anything') };
}

function holds(result: PowerResult): boolean {
  const { trials, anything } = falseAlarms(result);
  return result.flagged >= EXPECTED.flagged * result.plan.powerTrials && anything <= EXPECTED.alarms * trials;
}

function textOf(result: PowerResult): string {
  const { plan, injected, spread, flagged, alarms } = result;
  const ratio = (100 * (Math.exp(injected) - 1)).toFixed(1);
  const kind = (name: 'seeds' | 'ties') => {
    const { trials, regression, anything } = alarms[name];
    return `${anything} of ${trials} (${regression} with exit code 1)`;
  };
  return [
    `injected: p95 wait ${ratio} % longer, spread of the ratio from seed to seed ${(100 * spread).toFixed(1)} %`,
    `flagged: ${flagged} of ${plan.powerTrials} trials of ${plan.seeds} seeds (${2 * plan.seeds} runs)`,
    `false alarms at ${plan.alarmSeeds} seeds, anything called better or worse: other seeds ${kind('seeds')}, other tie-breaks ${kind('ties')}`,
  ].join('\n');
}

process.exitCode = main();
