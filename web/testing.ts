/** The built page, served as `simsup web` serves it, in a real Chromium: what the browser tests share. */
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll } from 'vitest';
import { resultFiles } from '../cli/host/result-files.ts';
import { type OpenedFile, servePage } from '../cli/host/server.ts';
import { summarise } from '../reports/summary.ts';
import { Lives, Recorder, type Scenario, Simulation } from '../sim/simulate.ts';

/** For people to look at: a picture of each view at two sizes. */
export const PICTURES = fileURLToPath(new URL('../coverage/screenshots/', import.meta.url));
const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url));
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

function findBrowser(): string | undefined {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  for (const name of [process.env.CHROMIUM_PATH, ...names]) {
    if (!name) continue;
    try {
      return execFileSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' }).trim();
    } catch {
      // Not installed under this name.
    }
  }
  return undefined;
}

export const executablePath = findBrowser();
if (executablePath === undefined) {
  const how = 'No Chromium found: run `npm run setup`, or set CHROMIUM_PATH.';
  if (process.env.CI === 'true') throw new Error(how);
  process.stderr.write(`${how} The tests in a browser are skipped.\n`);
}

export interface Site {
  url: string;
  folder: string;
  browser: Browser;
  /** What `simsup web FILE` would have opened. */
  opened: OpenedFile[];
  /** A page of its own profile; what it asks for and what goes wrong in it is kept. */
  visit(address?: string, options?: Parameters<Browser['newContext']>[0]): Promise<Visit>;
}

export interface Visit {
  page: Page;
  context: BrowserContext;
  /** Addresses asked for, and uncaught errors and refusals of the Content-Security-Policy. */
  requests: string[];
  errors: string[];
}

/** Builds, serves and launches once for a file of tests. */
export function site(): Site {
  const made = { opened: [] } as unknown as Site;
  const cleanUp: (() => unknown)[] = [];
  beforeAll(async () => {
    if (executablePath === undefined) return;
    mkdirSync(PICTURES, { recursive: true });
    const folder = mkdtempSync(join(tmpdir(), 'simsup-web-'));
    cleanUp.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
    made.folder = join(folder, 'site');
    // As `npm run build` does: with what only the finished page has.
    const { NODE_ENV } = process.env;
    process.env.NODE_ENV = 'production';
    await build({ configFile, logLevel: 'error', build: { outDir: made.folder, sourcemap: false } });
    process.env.NODE_ENV = NODE_ENV;
    const served = await servePage({ site: made.folder, opened: () => made.opened }, 0);
    cleanUp.push(served.close);
    made.url = served.url;
    made.browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
    cleanUp.push(() => made.browser.close());
  }, 180_000);
  afterAll(async () => {
    for (const step of cleanUp.reverse()) await step();
  });
  made.visit = async (address = '', options = {}) => {
    const context = await made.browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    const visit: Visit = { page, context, requests: [], errors: [] };
    page.on('request', (request) => visit.requests.push(request.url()));
    page.on('pageerror', (error) => visit.errors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') visit.errors.push(message.text());
    });
    await page.goto(made.url + address);
    return visit;
  };
  return made;
}

/** Until nothing runs and what ran is shown, all of it and of the text as it stands. Gives what the head of the page says of it. */
export async function settled(page: Page): Promise<string> {
  await until(page, () => {
    const { slots, status, beside, source } = window.simsup.app.store.state;
    const shown = slots.length === (beside === null ? 1 : 2) && slots.every(({ early }) => early !== true);
    // A run starts a moment after the text has changed; one from a file has no text.
    const current = shown && (slots[0].source ?? source) === source;
    return current && status.kind === 'idle' && document.querySelector('.panel') !== null;
  });
  return (await page.textContent('.runfacts')) ?? '';
}

/** Asks again and again, as the page’s policy allows no code from outside to wait in it. */
export async function until(page: Page, condition: string | (() => boolean), seconds = 60): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!(await page.evaluate(`window.simsup !== undefined && (${condition})()`))) {
    if (Date.now() > end)
      throw new Error(`waited ${seconds} s in vain for ${condition}: ${await page.textContent('.status')}`);
    await page.waitForTimeout(40);
  }
  // The page shows what has changed once a frame: one that is under way may be older, the next one is not.
  for (let frame = 0; frame < 2; frame++)
    await page.evaluate(() => new Promise((shown) => requestAnimationFrame(() => shown(null))));
}

/** The run.json of a scenario, as `run --out` writes it. */
export function runJsonOf(scenario: Scenario): string {
  const keep = { lives: new Lives(scenario), recorder: new Recorder() };
  const simulation = new Simulation(scenario, keep);
  simulation.run();
  const run = simulation.result();
  const files = resultFiles(run, summarise(run, 0), keep.lives, keep.recorder);
  return [...(files['run.json']() as Iterable<string>)].join('');
}

export const digestIn = (text: string): string => /digest ([0-9a-f]{16})/.exec(text)?.[1] ?? 'none';

/** Drops files on the page as a person would. */
export async function drop(page: Page, ...files: { name: string; text: string | Uint8Array }[]): Promise<void> {
  // Bytes do not survive the way into the page as they are.
  const sent = files.map(({ name, text }) => ({ name, base64: Buffer.from(text).toString('base64') }));
  await page.evaluate((list) => {
    const data = new DataTransfer();
    for (const { name, base64 } of list)
      data.items.add(new File([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))], name));
    dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
  }, sent);
}

/** Two days on two nodes: quick, and with something of everything that the views draw. */
export const TWO_DAYS = `apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: two-days}
spec: {title: Two days on two nodes, seed: 1, duration: 2d, policy: runai}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - {name: blue, gpuModel: H100-SXM5, nodes: 2, gpusPerNode: 8, price: $3/h}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlProject
metadata: {name: red}
spec: {deservedGpus: 8}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlProject
metadata: {name: green}
spec: {deservedGpus: 8}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {rateFactor: 500}
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: jobs}
spec:
  teams:
    - name: red
      project: red
      sizes: [{gpus: 4}]
      arrivals: {perDay: 12}
      duration: {quantiles: [1h, 6h]}
    - name: green
      project: green
      sizes: [{gpus: 1}]
      arrivals: {perDay: 40}
      duration: {quantiles: [10m, 4h]}
`;
