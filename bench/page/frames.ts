/** How smoothly a run of many intervals is scrubbed and zoomed. */
import type { Browser } from 'playwright-core';
import { type Figure, quantile, type Seen, settled, tasksWhile } from './page.ts';

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
  /** Of the longest tasks, one a frame, how much of the processor's time nearly all of them take. */
  const processor = async (how: 'scrub' | 'zoom') => {
    let times: number[] = [];
    const tasks = await tasksWhile(browser, page, async () => {
      times = await measured(how);
    });
    const own = tasks.map(({ cpuMs }) => cpuMs).sort((a, b) => b - a);
    return { times, cpuMs: quantile(own.slice(0, FRAMES), 0.95) };
  };
  const scrub = await processor('scrub');
  const zoom = await processor('zoom');
  const naive = await measured('naive');
  await context.close();
  const told = (name: string, list: number[], q: number, most?: number): Figure => ({
    ...{ name: `${name}, ${count.toLocaleString('en')} intervals, ${q === 0.5 ? 'median' : 'p95'}`, unit: 'ms', most },
    value: quantile(list, q),
    rival: { name: 'every interval drawn, each frame', value: quantile(naive, q) },
  });
  const part = (name: string, { times, cpuMs }: typeof scrub): Figure[] => [
    told(name, times, 0.5, 17),
    told(name, times, 0.95, 17),
    { name: `${name}: processor time, p95`, value: cpuMs, unit: 'ms', most: 17 },
  ];
  return [...part('frame while scrubbing', scrub), ...part('frame while zooming', zoom)];
}
