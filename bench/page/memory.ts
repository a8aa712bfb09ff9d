/** What a tab holds of a simulated year, and that it does not grow when it runs and plays again and again. */
import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { type Figure, type Seen, settled } from './page.ts';

const AGAIN = 6;

/** `days`: length of the run whose memory is looked at as it goes on. */
export async function memory(browser: Browser, url: string, days: number): Promise<Figure[]> {
  const context = await browser.newContext({ serviceWorkers: 'block' });
  const page = await context.newPage();
  await page.goto(url);
  await settled(page);
  const figures: Figure[] = [];
  const atFirst = await renderersMB(browser);
  figures.push({ name: 'tab after the default month', value: atFirst, unit: 'MB' });
  await page.evaluate((n) => {
    const { app } = (window as unknown as Seen).simsup;
    app.setText(app.store.state.source.text.replace(/duration: \d+d/, `duration: ${n}d`));
  }, days);
  for (const share of [0.25, 0.5, 0.75, 1]) {
    const reached = (least: number) => {
      const { status } = (window as unknown as Seen).simsup.app.store.state;
      return status.kind === 'idle' || (status.share ?? 0) >= least;
    };
    await page.waitForTimeout(500);
    if (share === 1) await settled(page, 1800);
    else while (!(await page.evaluate(reached, share))) await page.waitForTimeout(100);
    const value = await renderersMB(browser);
    figures.push({ name: `tab after ${Math.round(days * share)} of ${days} simulated days`, value, unit: 'MB' });
  }
  figures.push({ name: `columns of ${days} simulated days`, value: await columnsMB(page), unit: 'MB' });
  figures.push(...(await again(page)));
  await context.close();
  return figures;
}

/** The page's heap with its buffers after collection, while the same is run, every view is shown and played through, again and again. */
async function again(page: Page): Promise<Figure[]> {
  const session = await page.context().newCDPSession(page);
  const heap = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize, backingStorageSize } = await session.send('Runtime.getHeapUsage');
    return (usedSize + backingStorageSize) / 1e6;
  };
  const held: number[] = [];
  for (let i = 0; i < AGAIN; i++) {
    await page.evaluate(() => (window as unknown as Seen).simsup.app.run());
    for (const key of '123456789') {
      await page.keyboard.press(key);
      await page.waitForTimeout(100);
    }
    await page.keyboard.press('1');
    await page.evaluate(async () => {
      const { store } = (window as unknown as Seen).simsup.app;
      store.moveTo(0);
      for (let step = 0; step <= 60; step++) {
        store.moveTo((store.endUs * step) / 60);
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
    });
    held.push(await heap());
  }
  return [
    { name: 'page’s heap after the first run again', value: held[0], unit: 'MB' },
    { name: `page’s heap after ${AGAIN} runs, all views and a play each`, value: held[AGAIN - 1], unit: 'MB' },
    {
      name: 'growth of the page’s heap a run',
      value: (held[AGAIN - 1] - held[1]) / (AGAIN - 2),
      unit: 'MB',
      most: 0.2,
    },
  ];
}

function columnsMB(page: Page): Promise<number> {
  return page.evaluate(() => {
    const [slot] = (window as unknown as Seen).simsup.app.store.state.slots;
    const buffers = new Set<ArrayBufferLike>();
    const visit = (value: unknown) => {
      if (ArrayBuffer.isView(value)) buffers.add(value.buffer);
      else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) visit(inner);
    };
    visit(slot.model.run);
    return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0) / 1e6;
  });
}

/** Resident memory of the renderers: the page with its workers. Linux only; 0 elsewhere. */
async function renderersMB(browser: Browser): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  let kB = 0;
  for (const { type, id } of processInfo) {
    if (type !== 'renderer') continue;
    try {
      kB += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It has just ended.
    }
  }
  return kB / 1000;
}
