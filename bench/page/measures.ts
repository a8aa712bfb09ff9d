/** What is measured of the built page in Chromium. All in the page's own clock; a figure is a number with its unit. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from 'playwright-core';

export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** What it must reach; undefined = it is only told. */
  most?: number;
  rival?: { name: string; value: number };
}

/** As far as this bench uses the page's own object. */
interface Simsup {
  app: {
    store: {
      state: {
        slots: { early?: boolean; model: { run: { simulatedUs: number }; recorded: { holds: Holds } } }[];
        status: { kind: string };
        cursorUs: number;
        range: [number, number];
      };
      endUs: number;
      set(topic: string, change: object): void;
      moveTo(us: number): void;
      show(from: number, to: number): void;
    };
    run(): Promise<void>;
    setText(text: string): void;
    openFiles(files: { name: string; bytes: Uint8Array }[]): Promise<boolean>;
  };
}
interface Holds {
  count: number;
  start: Float64Array;
  end: Float64Array;
  values: Int32Array[];
}
type Seen = { simsup: Simsup; first: number; done: number; tasks: { at: number; ms: number }[] };

export async function settled(page: Page, seconds = 300): Promise<void> {
  const end = Date.now() + seconds * 1000;
  const done = () => {
    const { simsup } = window as unknown as Seen;
    const { slots, status } = simsup?.app.store.state ?? { slots: [], status: { kind: '' } };
    return slots.length > 0 && !slots[0].early && status.kind === 'idle';
  };
  while (!(await page.evaluate(done))) {
    if (Date.now() > end) throw new Error(`the page is not done after ${seconds} s`);
    await page.waitForTimeout(50);
  }
}

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

const median = (list: number[]) => [...list].sort((a, b) => a - b)[list.length >> 1];
const quantile = (list: number[], q: number) =>
  [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(q * list.length))];

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

/** Tasks over 50 ms while the default scenario runs again in a page that is warm. */
export async function whileSimulating(browser: Browser, url: string): Promise<Figure[]> {
  const context = await browser.newContext();
  const page = await watched(context);
  await page.goto(url);
  await settled(page);
  const longest = await page.evaluate(async () => {
    const seen = window as unknown as Seen;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    seen.tasks.length = 0;
    await seen.simsup.app.run();
    await new Promise((resolve) => setTimeout(resolve, 500));
    return Math.max(0, ...seen.tasks.map(({ ms }) => ms));
  });
  await context.close();
  return [{ name: 'longest task of the page’s thread, running again', value: longest, unit: 'ms', most: 50 }];
}

const FRAMES = 180;

/** Times between frames in ms while the timeline of a run is scrubbed and zoomed, and while the same is drawn the naive way. */
export async function frames(browser: Browser, url: string, run: string, count: number): Promise<Figure[]> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, serviceWorkers: 'block' });
  const page = await context.newPage();
  await page.route('**/made-up.json', (route) => route.fulfill({ body: run, contentType: 'application/json' }));
  await page.goto(url);
  await settled(page);
  await page.evaluate(async () => {
    const { app } = (window as unknown as Seen).simsup;
    const bytes = new Uint8Array(await (await fetch('./made-up.json')).arrayBuffer());
    await app.openFiles([{ name: 'made-up.json', bytes }]);
    app.store.set('view', { view: 'timeline' });
    await new Promise((resolve) => setTimeout(resolve, 3000));
  });
  const found = await page.evaluate(() => {
    const [slot] = (window as unknown as Seen).simsup.app.store.state.slots;
    return slot.model.recorded.holds.count;
  });
  if (found !== count) throw new Error(`the page shows ${found} intervals, expected ${count}`);
  const measured = async (how: 'scrub' | 'zoom' | 'naive') =>
    page.evaluate(
      async ([kind, n]) => {
        const { store } = (window as unknown as Seen).simsup.app;
        const end = store.endUs;
        store.show(0, end);
        const naive = document.createElement('canvas');
        naive.width = 1360;
        naive.height = 440;
        const pen = naive.getContext('2d') as CanvasRenderingContext2D;
        const { holds } = store.state.slots[0].model.recorded;
        const drawAll = (from: number, to: number) => {
          pen.clearRect(0, 0, naive.width, naive.height);
          const perUs = naive.width / (to - from);
          for (let i = 0; i < holds.count; i++) {
            if (holds.end[i] < from || holds.start[i] > to) continue;
            pen.fillStyle = ['#0072b2', '#e69f00', '#009e73'][holds.values[0][i] % 3];
            const gpu = holds.values[1][i] * 8 + (31 - Math.clz32(holds.values[2][i]));
            pen.fillRect(
              (holds.start[i] - from) * perUs,
              (gpu * naive.height) / 10_000,
              Math.max(1, (holds.end[i] - holds.start[i]) * perUs),
              1,
            );
          }
          pen.getImageData(0, 0, 1, 1);
        };
        if (kind === 'naive') document.body.append(naive);
        const times: number[] = [];
        let last = 0;
        for (let i = 0; i < n; i++) {
          const now = await new Promise<number>((resolve) => requestAnimationFrame(resolve));
          if (i > 5) times.push(now - last);
          last = now;
          // In to a fortieth of everything, and out again.
          const width = end * (1 - 0.975 * Math.sin((Math.PI * i) / n));
          const from = (end - width) * 0.4;
          if (kind === 'scrub') store.moveTo((end * i) / n);
          else if (kind === 'zoom') store.show(from, from + width);
          else drawAll(from, from + width);
        }
        naive.remove();
        return times;
      },
      [how, how === 'naive' ? 24 : FRAMES] as const,
    );
  const scrub = await measured('scrub');
  const zoom = await measured('zoom');
  const naive = await measured('naive');
  await context.close();
  const told = (name: string, list: number[], q: number, most?: number): Figure => ({
    ...{ name: `${name}, ${count.toLocaleString('en')} intervals, ${q === 0.5 ? 'median' : 'p95'}`, unit: 'ms', most },
    value: quantile(list, q),
    rival: { name: 'every interval drawn, each frame', value: quantile(naive, q) },
  });
  return [
    told('frame while scrubbing', scrub, 0.5, 17),
    told('frame while scrubbing', scrub, 0.95),
    told('frame while zooming', zoom, 0.5, 17),
    told('frame while zooming', zoom, 0.95),
  ];
}

/** What the page holds of runs of growing length, and how much the renderer grows when the same is run again and again. */
export async function memory(browser: Browser, url: string, days: readonly number[]): Promise<Figure[]> {
  const context = await browser.newContext({ serviceWorkers: 'block' });
  const page = await context.newPage();
  await page.goto(url);
  await settled(page);
  const held = async () =>
    page.evaluate(() => {
      const [slot] = (window as unknown as Seen).simsup.app.store.state.slots;
      const buffers = new Set<ArrayBufferLike>();
      const visit = (value: unknown) => {
        if (ArrayBuffer.isView(value)) buffers.add(value.buffer);
        else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) visit(inner);
      };
      visit(slot.model.run);
      return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
    });
  const figures: Figure[] = [];
  for (const length of days) {
    await page.evaluate((n) => {
      const { app } = (window as unknown as Seen).simsup;
      const { text } = (app.store.state as unknown as { source: { text: string } }).source;
      app.setText(text.replace(/duration: \d+d/, `duration: ${n}d`));
    }, length);
    await page.waitForTimeout(300);
    await settled(page, 900);
    figures.push({ name: `columns of ${length} simulated days`, value: (await held()) / 1e6, unit: 'MB' });
  }
  await context.close();
  return figures;
}
