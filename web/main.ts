/** The page: asks the worker for a run and draws it. */
import { wrap } from 'comlink';
import type { RunSummary } from '../reports/index.ts';
import { drawLedger } from './ledger.ts';
import type { SimulationWorker } from './worker.ts';

const DEFAULT_SCENARIO = 'mission-control';

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const simulation = wrap<SimulationWorker>(worker);

declare global {
  interface Window {
    /** For the console and for tests: runs a built-in scenario in the page's worker. */
    simsup: { run(name: string): Promise<RunSummary> };
  }
}
window.simsup = { run: (name) => simulation.run(name) };

worker.addEventListener('error', (event) => fail(event.message || 'the simulation could not be loaded'));
show(new URLSearchParams(location.search).get('scenario') ?? DEFAULT_SCENARIO);

async function show(name: string): Promise<void> {
  try {
    draw(await simulation.run(name));
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

function draw(run: RunSummary): void {
  document.title = `${run.scenario} – simsup`;
  byId('title').textContent = run.title || run.scenario;
  const rows: [string, string][] = [
    ['Allocation (of installed)', percent(run.figures.allocation.value)],
    ['Utilisation (of installed)', percent(run.figures.utilisation.value)],
    ['Goodput (of installed)', percent(run.figures.goodput.value)],
    ['Policy', run.policy],
    ['Simulated', `${(run.simulatedSeconds / 86_400).toFixed(1)} days, ${run.events.toLocaleString()} events`],
    ['Digest', run.digest],
  ];
  byId('facts').replaceChildren(
    ...rows.map(([term, value]) => {
      const row = document.createElement('div');
      row.append(element('dt', term), element('dd', value));
      return row;
    }),
  );
  drawLedger(byId('ledger'), run);
  drawWaits(byId('waits'), run);
  byId('status').textContent = run.stalled
    ? 'The run stopped early: jobs still waited, but nothing more could start.'
    : '';
  byId('result').hidden = false;
}

function drawWaits(container: HTMLElement, run: RunSummary): void {
  if (run.queues.every((queue) => queue.jobs === 0)) {
    container.replaceChildren(element('p', 'No jobs were submitted.'));
    return;
  }
  const table = document.createElement('table');
  const head = table.createTHead().insertRow();
  for (const title of ['Project', 'Jobs', 'Half waited at most', '95 % waited at most'])
    head.append(heading(title, 'col'));
  const body = table.createTBody();
  for (const { project, jobs, queueingDelay } of run.queues) {
    const row = body.insertRow();
    row.append(heading(project, 'row'));
    for (const cell of [jobs.toLocaleString(), wait(queueingDelay.p50), wait(queueingDelay.p95)])
      row.insertCell().textContent = cell;
  }
  container.replaceChildren(table);
}

function fail(message: string): void {
  const status = byId('status');
  status.textContent = `The simulation failed: ${message}`;
  status.classList.add('error');
}

function wait(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return seconds < 3600 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function heading(text: string, scope: 'col' | 'row'): HTMLElement {
  const th = element('th', text);
  th.setAttribute('scope', scope);
  return th;
}

function element(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function byId(id: string): HTMLElement {
  return document.getElementById(id)!;
}
