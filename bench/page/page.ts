/** What all measures of the page share: a figure, what they use of the page's own object, and when it is done. */
import type { Browser, Page } from 'playwright-core';

export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** What it must reach; undefined = it is only told. */
  most?: number;
  rival?: { name: string; value: number };
}

/** As far as this bench uses the page's own object. */
export interface Simsup {
  app: {
    store: {
      state: {
        slots: { early?: boolean; model: { run: { simulatedUs: number }; recorded: { holds: Holds } } }[];
        status: { kind: string; share?: number };
        cursorUs: number;
        range: [number, number];
        source: { text: string };
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
export interface Holds {
  count: number;
  start: Float64Array;
  end: Float64Array;
  values: Int32Array[];
}
export type Seen = { simsup: Simsup; first: number; done: number; tasks: { at: number; ms: number }[] };

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

export const median = (list: number[]) => [...list].sort((a, b) => a - b)[list.length >> 1];
export const quantile = (list: number[], q: number) =>
  [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(q * list.length))];

/**
 * The tasks of the page's thread while it does something: how long by the clock, and of the processor's time, which on a busy machine is
 * what the page itself is to blame for. From Chromium's trace.
 */
export async function tasksWhile(
  browser: Browser,
  page: Page,
  work: () => Promise<void>,
): Promise<{ ms: number; cpuMs: number }[]> {
  await browser.startTracing(page, { categories: ['toplevel', 'blink.user_timing'] });
  await work();
  // Tells the page's thread from all others.
  await page.evaluate(() => performance.mark('simsup-bench'));
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: { name: string; pid: number; tid: number; ph: string; dur?: number; tdur?: number }[];
  };
  const mark = traceEvents.find(({ name }) => name === 'simsup-bench');
  if (mark === undefined) throw new Error('the trace of the browser has no mark of the page');
  return traceEvents
    .filter(({ name, pid, tid, ph }) => name.endsWith('RunTask') && ph === 'X' && pid === mark.pid && tid === mark.tid)
    .map(({ dur = 0, tdur = 0 }) => ({ ms: dur / 1000, cpuMs: tdur / 1000 }));
}
