/** A forecast as whoever waits reads it. */
import { counted, percent, span } from '../reports/format.ts';
import type { Alternative, Band, When } from './when.ts';

export function whenText(found: When): string {
  const { wait, start } = found;
  const workers = found.workers === 1 ? '' : ` in ${found.workers} workers`;
  const lines = [`${found.job}  ${found.queue}, ${counted(found.gpus, 'GPU')}${workers}`, ''];
  if (wait.p50 === null) {
    const share = found.startedWithin[found.startedWithin.length - 1].share;
    lines.push(
      `It starts within ${span(found.horizonSeconds)} in ${percent(share, 0)} of ${found.samples} simulated futures: more likely than not it waits longer.`,
    );
  } else {
    lines.push(
      `It starts in ${span(wait.p50)} (as likely sooner as later), between ${span(wait.p10)} and ${late(wait, found)} in four cases of five.`,
    );
    if (start.p50 !== null)
      lines.push(`That is ${clock(start.p50)}, between ${clock(start.p10)} and ${clock(start.p90)} UTC.`);
  }
  lines.push(
    `Chances: ${found.startedWithin.map(({ seconds, share }) => `${percent(share, 0)} within ${span(seconds)}`).join(', ')}.`,
  );
  if (found.correction !== null) {
    const { simulated, pastForecasts } = found.correction;
    lines.push(
      `The band is corrected by how ${pastForecasts} forecasts of past jobs turned out; uncorrected it is ${span(simulated.p10)}, ${late50(simulated)}, ${late(simulated, found)}.`,
    );
  }
  if (found.blockedBy) lines.push('', 'What blocks it', `  ${found.blockedBy}`);
  if (found.waitsFor.length > 0) {
    lines.push('', 'Whose end lets it start');
    for (const { job, queue, gpus, ranSeconds, share } of found.waitsFor) {
      const ran = ranSeconds === null ? 'waits itself' : `has run ${span(ranSeconds)}`;
      lines.push(`  ${job}  ${queue}, ${counted(gpus, 'GPU')}, ${ran}: in ${percent(share, 0)} of the futures`);
    }
  }
  const sooner = found.alternatives.filter((a) => helps(a, found));
  lines.push('', 'What would make it start sooner');
  if (sooner.length === 0)
    lines.push(
      `  nothing of what was tried: ${found.alternatives.map(({ what }) => what).join('; ') || 'there is nothing to try'}`,
    );
  for (const { what, band, soonerSeconds } of sooner.sort((a, b) => (b.soonerSeconds ?? 0) - (a.soonerSeconds ?? 0)))
    lines.push(
      `  ${what}: in ${late50(band)} (${span(band.p10)} to ${late(band, found)}), ${span(soonerSeconds)} sooner`,
    );
  if (found.warnings.length > 0) lines.push('', 'Warnings', ...found.warnings.map((w) => `  - ${w}`));
  lines.push('', 'Assumed', ...found.assumptions.map((a) => `  - ${a}`));
  return `${lines.join('\n')}\n`;
}

/** Sooner by a minute, and by more than a twentieth of the wait. */
const helps = ({ soonerSeconds }: Alternative, { wait }: When): boolean =>
  soonerSeconds !== null && soonerSeconds >= 60 && soonerSeconds > 0.05 * (wait.p50 ?? 0);

const late = ({ p90 }: Band, { horizonSeconds }: When) => (p90 === null ? `over ${span(horizonSeconds)}` : span(p90));
const late50 = ({ p50 }: Band) => (p50 === null ? 'longer than is looked ahead' : span(p50));
const clock = (iso: string | null) =>
  iso === null ? 'later than is looked ahead' : iso.slice(0, 16).replace('T', ' ');
