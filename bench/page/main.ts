/** `npm run speed:web`: the built page in Chromium: what it loads, how soon it shows something, how smoothly it moves, what it holds. */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { toldOrExit } from '../options.ts';
import { frames } from './frames.ts';
import { coldLoads, longTasks } from './load.ts';
import { memory } from './memory.ts';
import { madeUpRun } from './million.ts';
import type { Figure } from './page.ts';

const HELP = `Usage: npm run speed:web -- [--json] [--only load|tasks|frames|memory] [--quick]

Needs npm run build and a Chromium (CHROMIUM_PATH, or /usr/bin/chromium).
Example: npm run speed:web -- --only frames
`;
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];
const INTERVALS = 1_000_000;

async function main(): Promise<number> {
  const told = toldOrExit({ json: { type: 'boolean' }, only: { type: 'string' }, quick: { type: 'boolean' } }, HELP);
  if (typeof told === 'number') return told;
  const { json, quick } = told.values;
  const wanted = (part: string) => told.values.only === undefined || told.values.only === part;
  const site = fileURLToPath(new URL('../../web', import.meta.url));
  const { child, url } = await served();
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
  const results: Figure[] = [];
  try {
    if (wanted('load')) results.push(...(await coldLoads(browser, url, site, quick ? 1 : 5)));
    if (wanted('tasks')) results.push(...(await longTasks(browser, url)));
    if (wanted('frames')) results.push(...(await frames(browser, url, madeUpRun(INTERVALS), INTERVALS)));
    if (wanted('memory')) results.push(...(await memory(browser, url, quick ? 60 : 365)));
  } finally {
    await browser.close();
    child.kill();
  }
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  if (json) process.stdout.write(`${JSON.stringify({ machine, results }, null, 2)}\n`);
  else for (const figure of results) process.stdout.write(`${lineOf(figure)}\n`);
  return 0;
}

function lineOf({ name, value, unit, most, rival }: Figure): string {
  const round = (x: number) => (x < 100 ? x.toFixed(1) : x.toFixed(0));
  const goal = most === undefined ? '' : `  ${value <= most ? 'reaches' : 'misses'} ${most} ${unit}`;
  const against = rival === undefined ? '' : `  (${rival.name}: ${round(rival.value)} ${unit})`;
  return `${name.padEnd(64)} ${round(value).padStart(8)} ${unit}${goal}${against}`;
}

/** `simsup web`, on any port that is free. */
function served(): Promise<{ child: ChildProcess; url: string }> {
  const cli = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
  const child = spawn(process.execPath, [cli, 'web', '--port', '0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  return new Promise((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (data) => {
      said += data;
      const url = /http:\/\/\S+/.exec(said)?.[0];
      if (url !== undefined) resolve({ child, url });
    });
    child.on('exit', () => reject(new Error(`simsup web ended: ${said}`)));
  });
}

process.exitCode = await main();
