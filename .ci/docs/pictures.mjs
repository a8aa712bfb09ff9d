/**
 * `npm run docs:pictures`: the pictures of docs/concepts.md, cut out of the reports that the product writes, and that of the page.
 * Needs `npm run build` and a Chromium.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const project = fileURLToPath(new URL('../..', import.meta.url));

/** Name of the picture, the command, the report it writes, and the label of the drawing in it. */
const PICTURES = [
  ['where-time-goes', ['run', 'mission-control', '--out', 'mc'], 'mc/report.html', 'GPU-hours by category'],
  ['over-time', ['run', 'fault-storm', '--out', 'storm'], 'storm/report.html', 'GPUs by category over time'],
  [
    'checkpoint-curve',
    ['checkpoint', 'llama3-405b', '--html', 'checkpoint.html'],
    'checkpoint.html',
    'useful part of the time',
  ],
];

const folder = mkdtempSync(join(tmpdir(), 'simsup-pictures-'));
mkdirSync(join(project, 'docs/pictures'), { recursive: true });
for (const [name, args, file, label] of PICTURES) {
  execFileSync(process.execPath, [join(project, 'dist/cli/main.js'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const html = readFileSync(join(folder, file), 'utf8');
  const svg = [...html.matchAll(/<svg[\s\S]*?<\/svg>/g)]
    .map(([text]) => text)
    .find((text) => text.includes(`aria-label="${label}`));
  if (svg === undefined) throw new Error(`${file} has no drawing '${label}'`);
  // On its own it needs its name space, a font and a ground that is white whatever the reader's is.
  const alone = svg
    .replace('<svg ', '<svg xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" ')
    .replace('>', '><rect width="100%" height="100%" fill="#fff"/>');
  // A picture in a page shows no tool tips, and whole pixels do.
  writeFileSync(
    join(project, `docs/pictures/${name}.svg`),
    `${alone.replaceAll(/<title>[\s\S]*?<\/title>/g, '').replaceAll(/ points="([^"]*)"/g, (_, points) => ` points="${corners(points)}"`)}\n`,
  );
}
rmSync(folder, { recursive: true, force: true });
await pictureOfPage(join(project, 'docs/web.png'));

/** The page with the default scenario, in the light. */
async function pictureOfPage(path) {
  const server = spawn(process.execPath, [join(project, 'dist/cli/main.js'), 'web', '--port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const url = await new Promise((resolve) => {
    server.stderr.on('data', (said) => {
      const found = /http:\/\/\S+/.exec(String(said))?.[0];
      if (found !== undefined) resolve(found);
    });
  });
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, headless: true, args: ['--no-sandbox', '--disable-gpu'] });
  const page = await browser.newPage({ viewport: { width: 1200, height: 860 }, colorScheme: 'light' });
  await page.goto(url);
  const whole = () => {
    const { slots, status } = window.simsup?.app.store.state ?? { slots: [] };
    return slots.length > 0 && !slots[0].early && status.kind === 'idle';
  };
  while (!(await page.evaluate(whole))) await page.waitForTimeout(200);
  await page.waitForTimeout(1000);
  await page.screenshot({ path });
  await browser.close();
  server.kill();
}

/** @param {string} points `x,y x,y …` */
function corners(points) {
  const all = points.split(' ').map((point) => point.split(',').map((n) => Math.round(Number(n))));
  const level = (i) => all[i - 1]?.[1] === all[i][1] && all[i + 1]?.[1] === all[i][1];
  return all
    .filter((_, i) => !level(i))
    .map((point) => point.join(','))
    .join(' ');
}
