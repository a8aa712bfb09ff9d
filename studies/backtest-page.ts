/** A backtest as one self-contained page, with the waits of all jobs as points and the two distributions. */
import { scaleLinear, scaleSymlog } from 'd3';
import { counted, span } from '../reports/format.ts';
import { escapeHtml, htmlPage, htmlTable } from '../reports/page.ts';
import type { Backtest, Pair } from './backtest.ts';
import { accuracyTable, counts, growthTable, LEGEND, quantileTable } from './backtest-report.ts';

export function backtestHtml(report: Backtest, pairs: readonly Pair[]): string {
  const tables = (title: string, rows: string[][]) =>
    `<h2>${escapeHtml(title)}</h2>\n${htmlTable(
      rows[0].map(escapeHtml),
      rows.slice(1).map((cells) => cells.map(escapeHtml)),
    )}\n`;
  const parts = [
    `<h1>Backtest of ${escapeHtml(report.log)}</h1>
<p class="muted">${escapeHtml(report.format)} on ${counted(report.nodes, 'node')} with ${counted(report.gpus, 'GPU')} under ${escapeHtml(report.policy)}, seed ${escapeHtml(report.seed)}, digest <code>${report.digest}</code>. ${escapeHtml(counts(report))} Cluster: ${escapeHtml(report.clusterRule)}</p>
<h2>Can you trust it on your cluster?</h2>
<p class="warn">${escapeHtml(report.verdict.sentence)}</p>
`,
  ];
  if (pairs.length > 0) {
    parts.push(
      `<h2>Simulated against recorded waits</h2>\n${scatter(pairs)}\n`,
      `<h2>How many waited at most so long</h2>\n${distributions(pairs)}\n`,
      tables('All jobs', accuracyTable('', [report.overall])),
      `<p class="muted">${escapeHtml(LEGEND)}</p>\n`,
      tables('Quantiles', quantileTable(report)),
    );
    if (report.groups.length > 1) parts.push(tables(`By ${report.groupedBy}`, accuracyTable('', report.groups)));
    if (report.sizes.length > 1) parts.push(tables('By size', accuracyTable('', report.sizes)));
  }
  if (report.causes.length > 0) {
    const items = report.causes.map(({ found, sentence }) =>
      found ? `<li><b>${escapeHtml(sentence)}</b></li>` : `<li>${escapeHtml(sentence)}</li>`,
    );
    parts.push(
      `<h2>What a log cannot show</h2>\n<p>In bold what this log's own figures point at.</p>\n<ul>${items.join('\n')}</ul>\n`,
    );
  }
  for (const growth of report.growth)
    parts.push(tables(`With ${growth.what}, simulated against simulated`, growthTable(growth)));
  if (report.assumptions.length > 0)
    parts.push(`<h2>Assumed</h2>\n<ul>${report.assumptions.map((a) => `<li>${escapeHtml(a)}</li>`).join('\n')}</ul>\n`);
  return htmlPage(`Backtest of ${report.log}`, parts.join(''));
}

const TICKS = [0, 60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400];
const [SIDE, LEFT, TOP] = [460, 80, 10];
/** More points than this only make the page slow. */
const MOST_POINTS = 4000;

/** Waits from nothing to years on one axis: linear up to a minute, logarithmic beyond. */
function waitScale(most: number, from: number, to: number) {
  return scaleSymlog()
    .constant(60)
    .domain([0, Math.max(most, 60)])
    .range([from, to]);
}

const largest = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), 0);

function scatter(pairs: readonly Pair[]): string {
  const most = largest(pairs.map(({ recorded, simulated }) => Math.max(recorded, simulated)));
  const x = waitScale(most, LEFT, LEFT + SIDE);
  const y = waitScale(most, TOP + SIDE, TOP);
  const step = Math.max(1, Math.ceil(pairs.length / MOST_POINTS));
  const dots = pairs
    .filter((_, i) => i % step === 0)
    .map(({ recorded, simulated }) => `<circle cx="${x(recorded).toFixed(1)}" cy="${y(simulated).toFixed(1)}" r="2"/>`);
  const grid = TICKS.filter((tick) => tick <= most || tick === 0).map(
    (tick) =>
      `<line x1="${x(tick).toFixed(1)}" x2="${x(tick).toFixed(1)}" y1="${TOP}" y2="${TOP + SIDE}" stroke="#ddd"/><line x1="${LEFT}" x2="${LEFT + SIDE}" y1="${y(tick).toFixed(1)}" y2="${y(tick).toFixed(1)}" stroke="#ddd"/>` +
      `<text x="${x(tick).toFixed(1)}" y="${TOP + SIDE + 16}" font-size="12" text-anchor="middle">${span(tick)}</text><text x="${LEFT - 6}" y="${(y(tick) + 4).toFixed(1)}" font-size="12" text-anchor="end">${span(tick)}</text>`,
  );
  const thinned = step > 1 ? `, one job in ${step} drawn` : '';
  return `<svg viewBox="0 0 ${LEFT + SIDE + 20} ${TOP + SIDE + 44}" style="max-width:36rem" role="img" aria-label="simulated against recorded waits">${grid.join('')}<line x1="${LEFT}" y1="${TOP + SIDE}" x2="${LEFT + SIDE}" y2="${TOP}" stroke="#888" stroke-dasharray="4 4"/><g fill="#1f6f9e" fill-opacity=".35">${dots.join('')}</g><text x="${LEFT + SIDE / 2}" y="${TOP + SIDE + 38}" font-size="13" text-anchor="middle">recorded wait</text><text x="16" y="${TOP + SIDE / 2}" font-size="13" text-anchor="middle" transform="rotate(-90 16 ${TOP + SIDE / 2})">simulated wait</text></svg>
<p class="muted">Each point a job; on the dashed line simulation and log agree${thinned}.</p>`;
}

function distributions(pairs: readonly Pair[]): string {
  const most = largest(pairs.map(({ recorded, simulated }) => Math.max(recorded, simulated)));
  const [width, height] = [860, 240];
  const x = waitScale(most, LEFT, LEFT + width);
  const y = scaleLinear([0, 1], [TOP + height, TOP]);
  const line = (of: (pair: Pair) => number, colour: string) => {
    const waits = Float64Array.from(pairs, of).sort();
    const step = Math.max(1, Math.ceil(waits.length / 500));
    const points: string[] = [];
    for (let i = 0; i < waits.length; i += step)
      points.push(`${x(waits[i]).toFixed(1)},${y((i + 1) / waits.length).toFixed(1)}`);
    points.push(`${x(waits[waits.length - 1]).toFixed(1)},${y(1).toFixed(1)}`);
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`;
  };
  const ticks = TICKS.filter((tick) => tick <= most || tick === 0).map(
    (tick) =>
      `<line x1="${x(tick).toFixed(1)}" x2="${x(tick).toFixed(1)}" y1="${TOP}" y2="${TOP + height}" stroke="#ddd"/><text x="${x(tick).toFixed(1)}" y="${TOP + height + 16}" font-size="12" text-anchor="middle">${span(tick)}</text>`,
  );
  const shares = [0, 0.5, 0.9, 1].map(
    (share) =>
      `<text x="${LEFT - 6}" y="${(y(share) + 4).toFixed(1)}" font-size="12" text-anchor="end">${Math.round(100 * share)} %</text>`,
  );
  return `<svg viewBox="0 0 ${LEFT + width + 30} ${TOP + height + 24}" role="img" aria-label="distributions of waits">${ticks.join('')}${shares.join('')}${line(({ recorded }) => recorded, '#333')}${line(({ simulated }) => simulated, '#1f6f9e')}</svg>
<p class="muted"><span class="key" style="background:#333"></span>recorded <span class="key" style="background:#1f6f9e"></span>simulated</p>`;
}
