/** A run as one page that needs nothing else: no script, no font, no address outside. */
import { CATEGORIES, type Category, type Run, SECOND_US } from '../sim/simulate.ts';
import { counted, decimal, dollars, percent, span } from './format.ts';
import { escapeHtml, htmlPage, htmlTable } from './page.ts';
import { type ProvisioningSummary, provisioningSentences, weekCells } from './provisioning.ts';
import type { Distribution } from './quantiles.ts';
import type { RunSummary } from './summary.ts';
import { faultSentence, surroundingSentences, warnings } from './text.ts';

/** Useful work in greens, waste in reds, waiting in yellows, nothing in greys. */
export const COLOURS: Record<Category, string> = {
  productive: '#3f9142',
  serving: '#1f8f9e',
  'serving-idle': '#8fd0d8',
  'idle-allocated': '#8aa7d6',
  checkpoint: '#e6b33d',
  restart: '#d98f2b',
  reserved: '#a779c9',
  terminating: '#c9b458',
  lost: '#c8402f',
  detecting: '#e07a6b',
  degraded: '#a3564c',
  draining: '#9c8f86',
  provisioning: '#7d6fa8',
  unhealthy: '#5b3a3a',
  reclaimed: '#3c3c46',
  free: '#e4e4e0',
};

export function htmlReport(run: Run, summary: RunSummary): string {
  const { figures, cost, jobs, ledger } = summary;
  const present = CATEGORIES.filter((category) => ledger.gpuHours[category] > 0);
  const name = summary.title === '' ? summary.scenario : summary.title;
  const body = `<h1>${escapeHtml(name)}</h1>
<p class="muted">${escapeHtml(summary.scenario)}: ${span(summary.simulatedSeconds)} simulated, policy ${escapeHtml(summary.policy)}, seed ${escapeHtml(summary.seed)}, digest <code>${summary.digest}</code></p>
${warnings(summary)
  .map((text) => `<p class="warn">${escapeHtml(text)}</p>`)
  .join('\n')}
<div class="figures">
${figure('Allocation', percent(figures.allocation.value), summary.legend.allocation)}
${figure('Utilisation', percent(figures.utilisation.value), summary.legend.utilisation)}
${figure('Goodput', percent(figures.goodput.value), summary.legend.goodput)}
${figure('Cost', dollars(cost.total), summary.legend.cost)}
</div>
<h2>Where ${decimal(ledger.gpuHours.capacity)} GPU-hours went</h2>
${ledgerBar(present, summary)}
${htmlTable(
  ['category', 'GPU-hours', 'share'],
  [
    ...present.map((category) => [
      `<span class="key" style="background:${COLOURS[category]}"></span>${category}`,
      decimal(ledger.gpuHours[category], 1),
      percent(ratio(ledger.gpuHours[category], ledger.gpuHours.capacity)),
    ]),
    [
      'of the free, fragmented',
      decimal(ledger.gpuHours.fragmented, 1),
      percent(ratio(ledger.gpuHours.fragmented, ledger.gpuHours.capacity)),
    ],
  ],
)}
<h2>Over time</h2>
${stackedArea(run, present)}
<h2>Jobs</h2>
<p>${counted(jobs.counts.total, 'job')}: ${(['completed', 'failed', 'running', 'pending', 'unschedulable'] as const).map((status) => `${decimal(jobs.counts[status])} ${status}`).join(', ')}; ${counted(jobs.preemptions, 'preemption')}, ${counted(jobs.restarts, 'restart')}.${jobs.counts.notSubmitted > 0 ? ` Of the pending, ${decimal(jobs.counts.notSubmitted)} had not been submitted by the end.` : ''}</p>
${htmlTable(
  ['', 'jobs', 'mean', 'p50', 'p90', 'p95', 'p99', 'max'],
  [
    ['completion time', ...distributionCells(jobs.jct, span)],
    ['queueing delay', ...distributionCells(jobs.queueingDelay, span)],
    ['slowdown', ...distributionCells(jobs.slowdown, (x) => (x === null ? '–' : `${decimal(x, 2)} ×`))],
  ],
)}
<h2>Projects</h2>
${htmlTable(
  [
    'project',
    'department',
    'jobs',
    'deserves',
    'GPU-hours in quota',
    'over quota',
    'GPUs on average',
    'wait p50',
    'wait p95',
  ],
  summary.queues.map((queue) => [
    escapeHtml(queue.project),
    escapeHtml(queue.department),
    decimal(queue.jobs),
    queue.deservedGpus === null ? '–' : decimal(queue.deservedGpus),
    decimal(queue.gpuHours.inQuota, 1),
    decimal(queue.gpuHours.overQuota, 1),
    decimal(queue.meanAllocatedGpus, 1),
    span(queue.queueingDelay.p50),
    span(queue.queueingDelay.p95),
  ]),
)}
<h2>Cost</h2>
${htmlTable(
  ['', 'GPU-hours', 'price', 'cost'],
  [
    ...cost.byPool.map((pool) => [
      escapeHtml(`${pool.pool} (${pool.gpuModel || 'no GPUs'})`),
      decimal(pool.gpuHours, 1),
      `$${pool.usdPerGpuHour}/h`,
      dollars(pool.usd),
    ]),
    ...cost.byFixedCost.map((fixed) => [escapeHtml(fixed.name), '', `$${fixed.usdPerHour}/h`, dollars(fixed.usd)]),
    ['<b>total</b>', '', '', `<b>${dollars(cost.total)}</b>`],
  ],
)}
${surroundings(summary)}${summary.provisioning === undefined ? '' : provisioning(summary.provisioning)}
<h2>Assumed</h2>
<ul>
${summary.assumptions.map((assumption) => `<li>${escapeHtml(assumption)}</li>`).join('\n')}
</ul>
<h2>What the words mean</h2>
<dl>
${Object.entries(summary.legend)
  .map(([word, means]) => `<dt><b>${escapeHtml(word)}</b></dt><dd>${escapeHtml(means)}</dd>`)
  .join('\n')}
</dl>
`;
  return htmlPage(summary.scenario, body);
}

function surroundings(summary: RunSummary): string {
  const sentences = surroundingSentences(summary);
  if (summary.faults.candidates > 0) sentences.push(`Faults: ${faultSentence(summary)}`);
  const items = sentences.map((text) => `<li>${escapeHtml(text)}</li>`).join('\n');
  return items === '' ? '' : `<h2>Energy, storage, faults</h2>\n<ul>\n${items}\n</ul>\n`;
}

function provisioning(summary: ProvisioningSummary): string {
  const { head, rows, more } = weekCells(summary);
  return `<h2>Provisioning</h2>
<ul>
${provisioningSentences(summary)
  .map((text) => `<li>${escapeHtml(text)}</li>`)
  .join('\n')}
</ul>
<h2>Week by week</h2>
${htmlTable(
  head,
  rows.map((cells) => cells.map(escapeHtml)),
)}
${more > 0 ? `<p class="muted">… and ${decimal(more)} more: weeks.csv has them all.</p>` : ''}`;
}

function figure(name: string, value: string, means: string): string {
  return `<div title="${escapeHtml(means)}"><b>${value}</b>${name}</div>`;
}

function distributionCells(of: Distribution, show: (x: number | null) => string): string[] {
  return [decimal(of.count), ...[of.mean, of.p50, of.p90, of.p95, of.p99, of.max].map(show)];
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function ledgerBar(present: readonly Category[], { ledger: { gpuHours } }: RunSummary): string {
  let x = 0;
  const parts = present.map((category) => {
    const width = ratio(gpuHours[category], gpuHours.capacity) * 1000;
    const rect = `<rect x="${x.toFixed(2)}" width="${width.toFixed(2)}" height="36" fill="${COLOURS[category]}"><title>${category}: ${decimal(gpuHours[category], 1)} GPU-hours</title></rect>`;
    x += width;
    return rect;
  });
  return `<svg viewBox="0 0 1000 36" role="img" aria-label="GPU-hours by category">${parts.join('')}</svg>`;
}

/** GPUs in each category over the run, free ones on top, and the GPUs that jobs wait for as a line. */
function stackedArea(run: Run, present: readonly Category[]): string {
  const { samples, simulatedUs } = run;
  const n = samples.pendingGpus.length;
  if (n === 0) return '<p class="muted">Nothing was simulated.</p>';
  const [width, height] = [1000, 300];
  let top = 0;
  for (let i = 0; i < n; i++)
    top = Math.max(
      top,
      present.reduce((sum, category) => sum + samples.categories[category][i], 0),
    );
  const x = (us: number) => ((us / simulatedUs) * width).toFixed(1);
  const y = (gpus: number) => (height - ratio(gpus, top) * height).toFixed(1);
  const edge = (i: number) => Math.min(i * samples.bucketUs, simulatedUs);
  // A step for each bucket, as each is a mean.
  const steps = (level: (i: number) => number) =>
    Array.from({ length: n }, (_, i) => [`${x(edge(i))},${y(level(i))}`, `${x(edge(i + 1))},${y(level(i))}`]).flat();
  const below = new Float64Array(n);
  const areas = present.map((category) => {
    const bottom = below.slice();
    for (let i = 0; i < n; i++) below[i] += samples.categories[category][i];
    const points = [...steps((i) => below[i]), ...steps((i) => bottom[i]).reverse()];
    return `<polygon points="${points.join(' ')}" fill="${COLOURS[category]}"><title>${category}</title></polygon>`;
  });
  const days = `<text x="0" y="318" font-size="14">0</text><text x="1000" y="318" font-size="14" text-anchor="end">${span(simulatedUs / SECOND_US)}</text>`;
  const scale = `<text x="4" y="16" font-size="14">${decimal(top)} GPUs</text>`;
  return `<svg viewBox="0 0 1000 324" role="img" aria-label="GPUs by category over time">${areas.join('')}${days}${scale}</svg>
${waitingLine(run, n, x, edge)}`;
}

function waitingLine(run: Run, n: number, x: (us: number) => string, edge: (i: number) => number): string {
  const { pendingGpus } = run.samples;
  const most = pendingGpus.reduce((a, b) => Math.max(a, b), 0);
  const points = Array.from({ length: n }, (_, i) => {
    const y = (100 - ratio(pendingGpus[i], most) * 100).toFixed(1);
    return `${x(edge(i))},${y} ${x(edge(i + 1))},${y}`;
  });
  return `<p class="muted">GPUs that jobs waited for, at most ${decimal(most, 1)}:</p>
<svg viewBox="0 0 1000 100" role="img" aria-label="GPUs waited for over time"><polyline points="${points.join(' ')}" fill="none" stroke="#c8402f" stroke-width="1.5"/></svg>`;
}
