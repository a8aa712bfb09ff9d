/** What the page loads until there is something to see, when that is, and how long its thread is held up. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type Figure, median, type Seen, settled, tasksWhile } from './page.ts';

/** Notes when there is a result to see, when it is whole, and every task of the page's thread over 50 ms. */
async function watched(context: BrowserContext): Promise<Page> {
  const page = await context.newPage();
  await page.addInitScript(() => {
    const seen = window as unknown as Seen;
    Object.assign(seen, { first: 0, done: 0, tasks: [] });
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) seen.tasks.push({ at: startTime, ms: duration });
    }).observe({ type: 'longtask', buffered: true });
    const look = () => {
      const { slots = [], status } = seen.simsup?.app.store.state ?? {};
      if (seen.first === 0 && document.querySelector('.facts.cards') !== null) seen.first = performance.now();
      if (seen.done === 0 && slots.length > 0 && !slots[0].early && status?.kind === 'idle')
        seen.done = performance.now();
      if (seen.done === 0) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  return page;
}

/** Cold loads, each in a profile of its own: bytes until there is something to see, and when that is. */
export async function coldLoads(browser: Browser, url: string, site: string, times: number): Promise<Figure[]> {
  const first: number[] = [];
  const done: number[] = [];
  const tasks: number[] = [];
  let bytes = 0;
  for (let i = 0; i < times; i++) {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const page = await watched(context);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(url);
    while ((await page.evaluate(() => (window as unknown as Seen).first)) === 0) await page.waitForTimeout(10);
    bytes = [...new Set(asked)].reduce((sum, path) => {
      const file = join(site, path === '/' ? 'index.html' : path);
      return path.startsWith('/opened') ? sum : sum + gzipSync(readFileSync(file), { level: 9 }).length;
    }, 0);
    await settled(page);
    await page.waitForTimeout(100);
    const seen = await page.evaluate(() => {
      const { first: at, done: whole, tasks: long } = window as unknown as Seen;
      return { at, whole, long };
    });
    first.push(seen.at);
    done.push(seen.whole);
    tasks.push(Math.max(0, ...seen.long.map(({ ms }) => ms)));
    await context.close();
  }
  return [
    { name: 'first load, gzipped', value: bytes / 1000, unit: 'kB', most: 300 },
    { name: 'first result, cold', value: median(first), unit: 'ms', most: 2000 },
    { name: 'whole result of the default scenario, cold', value: median(done), unit: 'ms' },
    { name: 'longest task of the page’s thread, loading and simulating', value: median(tasks), unit: 'ms', most: 50 },
  ];
}

/** The longest tasks: while the page loads and runs the default scenario, while it runs again, and while the editor opens. */
export async function longTasks(browser: Browser, url: string): Promise<Figure[]> {
  const context = await browser.newContext({ serviceWorkers: 'block' });
  const page = await context.newPage();
  const parts: [string, () => Promise<void>][] = [
    [
      'loading and simulating',
      async () => {
        await page.goto(url);
        await settled(page);
        await page.waitForTimeout(500);
      },
    ],
    [
      'running again',
      async () => {
        await page.evaluate(() => (window as unknown as Seen).simsup.app.run());
        await page.waitForTimeout(500);
      },
    ],
    [
      'running again after a key in the editor, just opened',
      async () => {
        await page.keyboard.press('e');
        await page.getByLabel('The scenario as YAML').click();
        await page.keyboard.press('ControlOrMeta+Home');
        await page.keyboard.type('# changed\n');
        await page.waitForTimeout(600);
        await settled(page);
        await page.waitForTimeout(500);
      },
    ],
  ];
  const figures: Figure[] = [];
  for (const [what, work] of parts) {
    const tasks = await tasksWhile(browser, page, work);
    const longest = (of: (task: (typeof tasks)[number]) => number) => Math.max(0, ...tasks.map(of));
    figures.push({ name: `longest task, ${what}`, value: longest(({ ms }) => ms), unit: 'ms', most: 50 });
    figures.push({
      name: `longest task, ${what}: processor time`,
      value: longest(({ cpuMs }) => cpuMs),
      unit: 'ms',
      most: 50,
    });
  }
  await context.close();
  return figures;
}
