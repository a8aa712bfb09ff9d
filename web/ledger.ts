/** The ledger as one stacked bar with its figures below. */
import { scaleLinear, select } from 'd3';
import type { RunSummary } from '../reports/index.ts';
import { CATEGORIES, type Category } from '../sim/simulate.ts';

/** Useful work is green, waste warm, what was never asked for grey. */
const COLOUR: Record<Category, string> = {
  reclaimed: '#8c6d31',
  unhealthy: '#b5179e',
  provisioning: '#7b61c9',
  productive: '#2da44e',
  lost: '#cf222e',
  checkpoint: '#bf8700',
  restart: '#d9730d',
  detecting: '#a40e26',
  degraded: '#e3b341',
  serving: '#1f9e89',
  'serving-idle': '#8fd3c7',
  'idle-allocated': '#4393c3',
  terminating: '#b08080',
  reserved: '#2166ac',
  draining: '#6e7781',
  free: '#afb8c1',
};

const WIDTH = 1000;
const HEIGHT = 48;

export function drawLedger(container: HTMLElement, run: RunSummary): void {
  const root = select(container);
  root.selectAll('*').remove();
  const { gpuHours } = run.ledger;
  if (gpuHours.capacity === 0) {
    root.append('p').text('No GPU time was simulated.');
    return;
  }
  const x = scaleLinear([0, gpuHours.capacity], [0, WIDTH]);
  let end = 0;
  const parts = CATEGORIES.filter((category) => gpuHours[category] !== 0).map((category) => {
    const hours = gpuHours[category];
    const start = end;
    end += hours;
    return { category, hours, start, share: `${((100 * hours) / gpuHours.capacity).toFixed(1)} %` };
  });
  const svg = root
    .append('svg')
    .attr('viewBox', `0 0 ${WIDTH} ${HEIGHT}`)
    .attr('preserveAspectRatio', 'none')
    .attr('role', 'img')
    .attr('aria-label', parts.map((p) => `${p.category} ${p.share}`).join(', '));
  svg
    .selectAll('rect')
    .data(parts)
    .join('rect')
    .attr('x', (p) => x(p.start))
    .attr('width', (p) => x(p.hours))
    .attr('height', HEIGHT)
    .attr('fill', (p) => COLOUR[p.category])
    .append('title')
    .text((p) => `${p.category}: ${p.share}`);

  const table = root.append('table');
  table
    .append('thead')
    .append('tr')
    .selectAll('th')
    .data(['Category', 'GPU-hours', 'Share of installed'])
    .join('th')
    .attr('scope', 'col')
    .text(String);
  const rows = table.append('tbody').selectAll('tr').data(parts).join('tr');
  const name = rows.append('th').attr('scope', 'row');
  name
    .append('span')
    .attr('class', 'swatch')
    .style('background', (p) => COLOUR[p.category]);
  name.append('span').text((p) => p.category);
  rows.append('td').text((p) => p.hours.toLocaleString(undefined, { maximumFractionDigits: 1 }));
  rows.append('td').text((p) => p.share);
}
