/** A study of checkpoint intervals as text, JSON and a page. */
import { counted, percent, span } from '../reports/format.ts';
import { escapeHtml, htmlPage, htmlTable } from '../reports/page.ts';
import { SECOND_US } from '../sim/simulate.ts';
import type { CheckpointStudy, CurvePoint, JobCosts } from './checkpoint.ts';
import { bestInterval, longestInterval, longestRestart } from './daly.ts';

export interface CheckpointReport {
  scenario: string;
  job: string;
  costs: JobCosts;
  /** Where the mean time to interrupt comes from. */
  mtbfFrom: string;
  study: CheckpointStudy;
  /** Useful part of the time that is asked for, 0 … 1. */
  target: number;
}

const HEIGHT = 14;
const WIDTH = 72;
const MOST_COLUMNS = 100;

interface Named {
  name: string;
  mark: string;
  point: CurvePoint;
}

function named({ best, young, daly, present }: CheckpointStudy): Named[] {
  return [
    { name: 'simulated best', mark: 'B', point: best },
    { name: 'Daly', mark: 'D', point: daly },
    { name: 'Young', mark: 'Y', point: young },
    ...(present === null ? [] : [{ name: 'as it is now', mark: 'N', point: present }]),
  ];
}

function headline({ job, study }: CheckpointReport): string {
  const { best, goodFromUs, goodToUs, present } = study;
  const now =
    present === null
      ? ''
      : ` Now it is every ${time(present.intervalUs)}: ${percent(present.mean)}, which gives away ${percent(Math.max(0, best.mean - present.mean))} of the GPU time.`;
  return (
    `${job} loses least with a checkpoint after every ${time(best.intervalUs)} of work: ${percent(best.mean)} of its time is useful. ` +
    `Anything from ${time(goodFromUs)} to ${time(goodToUs)} costs less than half a percent of that.${now}`
  );
}

/** What the target needs, by Daly's formula, µs: intervals and restarts up to these; 0 and below = none will do. */
function needed({ target, costs: { stallUs, mtbfUs, restartUs, presentUs } }: CheckpointReport) {
  const best = bestInterval(Math.max(1, stallUs), mtbfUs);
  return {
    target,
    longestIntervalUs: longestInterval(target, Math.max(1, stallUs), mtbfUs, restartUs),
    longestRestartUs: longestRestart(target, best, stallUs, mtbfUs),
    longestRestartNowUs: presentUs > 0 ? longestRestart(target, presentUs, stallUs, mtbfUs) : null,
  };
}

function need(report: CheckpointReport): string {
  const { target, longestIntervalUs, longestRestartUs, longestRestartNowUs } = needed(report);
  const share = `${Number((100 * target).toFixed(2))} %`;
  const often =
    longestIntervalUs > 0
      ? `a checkpoint after at most ${time(longestIntervalUs)} of work`
      : 'more than any interval gives it';
  const best =
    longestRestartUs > 0
      ? `at the best interval a restart may take ${time(longestRestartUs)}`
      : 'at the best interval no restart is short enough';
  const now =
    longestRestartNowUs === null
      ? ''
      : longestRestartNowUs > 0
        ? `, at the present one ${time(longestRestartNowUs)}`
        : longestRestartUs > 0
          ? ', at the present one no restart is short enough'
          : '';
  return `To be useful for ${share} of its time, it needs, with restarts of ${time(report.costs.restartUs)}, ${often}; ${best}${now} (formula).`;
}

function given({ costs, mtbfFrom }: CheckpointReport): string {
  const behind = costs.behindUs > 0 ? `, complete ${time(costs.behindUs)} later` : '';
  const notice = costs.noticeUs > 0 ? `, of them ${time(costs.noticeUs)} until it is noticed and queued again` : '';
  const varies = costs.varies ? ' (restarts differ: this is the fixed time that costs as much)' : '';
  return (
    `${counted(costs.gpus, 'GPU')} on ${counted(costs.nodes, 'node')}; interrupted every ${time(costs.mtbfUs)} on average (${mtbfFrom}); ` +
    `a checkpoint stalls it for ${time(costs.stallUs)}${behind}; a restart takes ${time(costs.restartUs)}${notice}${varies}. ` +
    `Failures strike work, checkpoints and restarts alike.`
  );
}

export function checkpointText(report: CheckpointReport): string {
  const { study } = report;
  const lines = [
    ...wrapped(`${report.scenario}: ${headline(report)}`),
    '',
    ...wrapped(given(report)),
    '',
    ...wrapped(need(report)),
    '',
    ...plot(study),
    '',
  ];
  lines.push(`   ${'interval'.padStart(10)} ${'simulated'.padStart(11)} ${'±'.padStart(7)} ${'formula'.padStart(9)}`);
  for (const { name, mark, point } of named(study)) {
    const formula = point.daly === null ? '–' : percent(point.daly, 2);
    lines.push(
      `${mark}  ${time(point.intervalUs).padStart(10)} ${percent(point.mean, 2).padStart(11)} ${percent(3 * point.error, 2).padStart(7)} ${formula.padStart(9)}  ${name}`,
    );
  }
  lines.push(
    '',
    ...wrapped(
      '± three standard errors; formula: Daly (2006), for checkpoints that are complete when the job goes on.',
    ),
  );
  return `${lines.join('\n')}\n`;
}

/** Efficiency over the logarithm of the interval. */
function plot(study: CheckpointStudy): string[] {
  const points = study.points.filter((p) => p.mean >= study.best.mean / 2);
  const [first, last] = [points[0].intervalUs, points[points.length - 1].intervalUs];
  const least = Math.min(...points.map((p) => p.mean));
  const height = Math.max(1e-9, study.best.mean - least);
  const column = (us: number) =>
    Math.round(((WIDTH - 1) * Math.log(us / first)) / Math.max(1e-9, Math.log(last / first)));
  const row = (mean: number) => Math.round(((HEIGHT - 1) * (study.best.mean - mean)) / height);
  const cells = Array.from({ length: HEIGHT }, () => new Array<string>(WIDTH).fill(' '));
  const put = (point: CurvePoint, mark: string) => {
    const [x, y] = [column(point.intervalUs), row(point.mean)];
    if (x >= 0 && x < WIDTH && y >= 0 && y < HEIGHT) cells[y][x] = mark;
  };
  for (const point of points) put(point, '·');
  for (const { mark, point } of named(study).reverse()) put(point, mark);
  const digits = height < 0.02 ? 2 : 1;
  const label = (y: number) => percent(study.best.mean - (height * y) / (HEIGHT - 1), digits).padStart(7);
  const axis = `${time(first)}${time(last).padStart(WIDTH - time(first).length)}`;
  return [
    ...cells.map((line, y) =>
      `${y % 3 === 0 || y === HEIGHT - 1 ? label(y) : ' '.repeat(7)} |${line.join('')}`.trimEnd(),
    ),
    `${' '.repeat(7)} +${'-'.repeat(WIDTH)}`,
    `${' '.repeat(9)}${axis}`,
    `${' '.repeat(9)}work between checkpoints; useful part of the time`,
  ];
}

export function checkpointHtml(report: CheckpointReport): string {
  const { study } = report;
  const rows = named(study).map(({ name, point }) => [
    escapeHtml(name),
    time(point.intervalUs),
    percent(point.mean, 2),
    percent(3 * point.error, 2),
    point.daly === null ? '–' : percent(point.daly, 2),
  ]);
  const curve = study.points.map((p) => [
    time(p.intervalUs),
    percent(p.mean, 2),
    percent(3 * p.error, 2),
    p.daly === null ? '–' : percent(p.daly, 2),
  ]);
  const body = [
    `<h1>Checkpoints of ${escapeHtml(report.job)}</h1>\n`,
    `<p>${escapeHtml(headline(report))}</p>\n<p class="muted">${escapeHtml(given(report))}</p>\n<p>${escapeHtml(need(report))}</p>\n`,
    picture(study),
    htmlTable(['', 'interval', 'simulated', '± 3 s.e.', 'formula'], rows),
    '\n<h2>The curve</h2>\n',
    htmlTable(['interval', 'simulated', '± 3 s.e.', 'formula'], curve),
    '\n',
  ];
  return htmlPage(`Checkpoints of ${report.job}`, body.join(''));
}

function picture(study: CheckpointStudy): string {
  const [w, h, left, bottom] = [800, 320, 60, 40];
  const points = study.points.filter((p) => p.mean >= study.best.mean / 2);
  const [first, last] = [points[0].intervalUs, points[points.length - 1].intervalUs];
  const least = Math.min(...points.map((p) => p.mean));
  const height = Math.max(1e-9, study.best.mean - least);
  const x = (us: number) => left + ((w - left - 20) * Math.log(us / first)) / Math.max(1e-9, Math.log(last / first));
  const y = (mean: number) => 20 + ((h - bottom - 20) * (study.best.mean - mean)) / height;
  const line = (value: (p: CurvePoint) => number | null) =>
    points
      .flatMap((p) => (value(p) === null ? [] : [`${x(p.intervalUs).toFixed(1)},${y(value(p) as number).toFixed(1)}`]))
      .join(' ');
  const marks = named(study)
    .filter(({ point }) => points.includes(point))
    .map(
      ({ name, mark, point }) =>
        `<circle cx="${x(point.intervalUs).toFixed(1)}" cy="${y(point.mean).toFixed(1)}" r="5" fill="#1f5fa8"><title>${escapeHtml(name)}: ${time(point.intervalUs)}</title></circle>` +
        `<text x="${x(point.intervalUs).toFixed(1)}" y="${(y(point.mean) - 9).toFixed(1)}" text-anchor="middle" font-size="12">${mark}</text>`,
    )
    .join('');
  return (
    `<svg viewBox="0 0 ${w} ${h}" role="img" aria-label="useful part of the time by interval between checkpoints">` +
    `<polyline points="${line((p) => p.daly)}" fill="none" stroke="#bbb" stroke-width="2" stroke-dasharray="5 4"/>` +
    `<polyline points="${line((p) => p.mean)}" fill="none" stroke="#1f5fa8" stroke-width="2"/>${marks}` +
    `<text x="4" y="${y(study.best.mean) + 4}" font-size="12">${percent(study.best.mean)}</text>` +
    `<text x="4" y="${y(least) + 4}" font-size="12">${percent(least)}</text>` +
    `<text x="${left}" y="${h - 12}" font-size="12">${time(first)}</text>` +
    `<text x="${w - 20}" y="${h - 12}" font-size="12" text-anchor="end">${time(last)}</text></svg>\n` +
    `<p class="muted">B simulated best, D Daly, Y Young, N as it is now; dashed: Daly's formula.</p>\n`
  );
}

/** 0 or less: none is enough. */
function targetJson(report: CheckpointReport) {
  const { target, longestIntervalUs, longestRestartUs, longestRestartNowUs } = needed(report);
  return {
    efficiency: target,
    longestIntervalSeconds: longestIntervalUs / SECOND_US,
    longestRestartSeconds: longestRestartUs / SECOND_US,
    longestRestartNowSeconds: longestRestartNowUs === null ? null : longestRestartNowUs / SECOND_US,
  };
}

/** What programs read; seconds and shares. */
export function checkpointJson(report: CheckpointReport) {
  const { study, costs } = report;
  const seconds = (us: number) => us / SECOND_US;
  const point = (p: CurvePoint) => ({
    intervalSeconds: seconds(p.intervalUs),
    efficiency: p.mean,
    standardError: p.error,
    runs: p.runs,
    daly: p.daly,
  });
  return {
    scenario: report.scenario,
    job: report.job,
    gpus: costs.gpus,
    nodes: costs.nodes,
    mtbfSeconds: seconds(costs.mtbfUs),
    mtbfFrom: report.mtbfFrom,
    stallSeconds: seconds(costs.stallUs),
    behindSeconds: seconds(costs.behindUs),
    restartSeconds: seconds(costs.restartUs),
    noticeSeconds: seconds(costs.noticeUs),
    best: point(study.best),
    daly: point(study.daly),
    young: point(study.young),
    present: study.present === null ? null : point(study.present),
    goodFromSeconds: seconds(study.goodFromUs),
    goodToSeconds: seconds(study.goodToUs),
    target: targetJson(report),
    curve: study.points.map(point),
  };
}

/** Finer than `span` where intervals lie close together: `4.7 min`. */
function time(us: number): string {
  const minutes = us / (60 * SECOND_US);
  return minutes >= 2 && minutes < 120 ? `${Number(minutes.toFixed(1))} min` : span(us / SECOND_US);
}

function wrapped(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1];
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length > MOST_COLUMNS) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}
