/** What nobody asks for and everybody needs: hostile files, accessibility, narrow screens, no network, any path; and pictures to look at. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { encodeNames, type Names } from '../reports/columns.ts';
import { packed, unpacked } from '../reports/packed.ts';
import { SERVE_AND_TRAIN } from '../scenarios/builtin/serve-and-train.ts';
import { builtin } from '../scenarios/index.ts';
import { readScenario } from '../scenarios/read.ts';
import { POLICIES, type Scenario } from '../sim/simulate.ts';
import { digestIn, drop, executablePath, PICTURES, runJsonOf, settled, site, TWO_DAYS, until } from './testing.ts';
import { VIEWS } from './views/all.ts';

const web = site();
const it = test.skipIf(executablePath === undefined);
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function opened(options: Parameters<typeof web.visit>[1] = {}) {
  web.opened = [{ name: 'two-days.yaml', bytes: new TextEncoder().encode(TWO_DAYS) }];
  const visit = await web.visit('#open', options);
  await settled(visit.page);
  return visit;
}

/** Shows each view in turn. */
async function eachView(page: Page, look: (id: string) => Promise<void>): Promise<void> {
  for (const { id } of VIEWS) {
    await page.evaluate((view) => window.simsup.app.store.set('view', { view }), id);
    await page.waitForTimeout(150);
    await look(id);
  }
}

/** Names have no spaces, which markup does not need either. */
const EVIL = '<img/src="https://evil.example/x"/onerror="alert(1)">';

/** A run.json in which every text is hostile, and so is every name of a node and a job. */
function evilRun(scenario: Scenario): string {
  const evil = (value: unknown, key = ''): unknown => {
    if (typeof value === 'string') return `${EVIL}${value}`;
    if (Array.isArray(value)) return value.map((item) => evil(item));
    if (typeof value !== 'object' || value === null) return value;
    const { array, data, offsets } = value as { array?: unknown; data?: unknown; offsets?: unknown };
    if (typeof array === 'string' && typeof data === 'string') return value;
    if (offsets !== undefined) {
      const { length } = (unpacked(value) as Names).offsets;
      return packed(encodeNames(Array.from({ length: length - 1 }, (_, i) => `${EVIL}${key}-${i}`)));
    }
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, evil(inner, name)]));
  };
  return JSON.stringify(evil(JSON.parse(runJsonOf(scenario))));
}

it('lets no name of a scenario, a log or a run become markup, run or ask for anything', async () => {
  const { page, requests, errors } = await opened();
  const dialogs: string[] = [];
  page.on('dialog', (each) => {
    dialogs.push(each.message());
    void each.dismiss();
  });
  const named = (name: string) => JSON.stringify(`${EVIL}${name}`);
  const evil = TWO_DAYS.replace('name: two-days', `name: ${named('s')}`)
    .replace('title: Two days on two nodes', `title: ${named('t')}`)
    .replace('name: blue', `name: ${named('p')}`)
    .replace('gpuModel: H100-SXM5', `gpuModel: ${named('g')}`)
    .replaceAll('name: red', `name: ${named('r')}`)
    .replace('project: red', `project: ${named('r')}`);
  await drop(page, { name: `${EVIL}.yaml`, text: evil });
  // There is no such model: the refusal quotes it.
  await until(page, () => window.simsup.app.store.state.status.kind === 'problems');
  expect(await page.textContent('.status')).toContain(EVIL);
  const cell = EVIL.replaceAll('"', '""');
  const rows = Array.from({ length: 9 }, (_, i) => `"${cell}${i}","${cell}team",1,${i * 60},3600`);
  const check = async () => {
    expect(await page.locator('img, iframe, object, embed, svg, [onerror]').count()).toBe(0);
    expect(await page.locator('script').count()).toBe(1);
  };
  const everywhere = async () => {
    await eachView(page, check);
    for (const key of ['c', 'w', 'x', 'e']) {
      await page.keyboard.press(key);
      await page.waitForTimeout(150);
      await check();
      await page.keyboard.press('Escape');
      await page.keyboard.press('Escape');
    }
  };
  await everywhere();
  await drop(page, { name: 'evil.yaml', text: evil.replace(named('g'), 'H100-SXM5') });
  await until(page, () => window.simsup.app.store.state.source.file === 'evil.yaml');
  expect(await settled(page)).toContain(EVIL);
  await everywhere();
  // Departments, users, deployments and models of a scenario; then whatever text there is in saved runs, names of nodes included.
  const serving = SERVE_AND_TRAIN.replace('duration: 3d', 'duration: 3h')
    .replaceAll(/name: (product|training)\b/g, (_, name) => `name: ${named(name)}`)
    .replaceAll(/name: chat\b/g, `name: ${named('c')}`)
    .replaceAll(/(project|deployment): chat\b/g, (_, field) => `${field}: ${named('c')}`)
    .replaceAll(/project: training\b/g, `project: ${named('training')}`);
  await drop(page, { name: 'serving.yaml', text: serving });
  await until(page, () => window.simsup.app.store.state.source.file === 'serving.yaml');
  await settled(page);
  await everywhere();
  for (const [name, text] of [
    ['serving.json', evilRun(builtin('serve-and-train', { overrides: { durationUs: 3 * 3600e6 } }))],
    ['faults.json', evilRun(readScenario(TWO_DAYS, { file: 'two-days.yaml', policies: POLICIES }))],
  ]) {
    await drop(page, { name, text });
    await until(page, `() => window.simsup.app.store.state.source.file === '${name}'`);
    expect(await settled(page)).toContain(EVIL);
    await everywhere();
    expect(await page.textContent('main')).not.toContain('cannot be drawn');
  }
  await drop(page, { name: `${EVIL}.csv`, text: `job_id,project,num_gpu,submit,duration\n${rows.join('\n')}\n` });
  await until(page, () => window.simsup.app.store.state.source.file.endsWith('.csv.yaml'));
  await settled(page);
  await everywhere();
  const pictures = await page.evaluate(() =>
    [...document.querySelectorAll('.plate')].map((each) => each.getAttribute('aria-label')),
  );
  expect(pictures.length).toBeGreaterThan(0);
  expect(dialogs).toEqual([]);
  expect(errors).toEqual([]);
  expect(requests.filter((address) => !address.startsWith(web.url) && !address.startsWith('blob:'))).toEqual([]);
  await page.context().close();
});

it('has no serious finding of axe in any view or dialog, light or dark', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page } = await opened({ colorScheme });
    await page.evaluate(axeSource);
    const findings = async (where: string) => {
      const found = await page.evaluate(async () => {
        const { axe } = window as unknown as { axe: typeof import('axe-core') };
        const { violations } = await axe.run(document, { resultTypes: ['violations'] });
        return violations
          .filter(({ impact }) => impact === 'serious' || impact === 'critical')
          .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
      });
      expect(found, `${where}, ${colorScheme}`).toEqual([]);
    };
    await eachView(page, findings);
    for (const key of ['c', 'w', 's', 'x', '?']) {
      await page.keyboard.press(key);
      await page.locator('dialog').waitFor();
      await findings(`dialog ${key}`);
      await page.keyboard.press('Escape');
    }
    await page.keyboard.press('e');
    await page.getByLabel('The scenario as YAML').waitFor();
    await findings('editor');
    await page.context().close();
  }
});

it('fits a phone, and leaves a picture of each view at two sizes', async () => {
  for (const [width, height] of [
    [1440, 900],
    [390, 844],
  ]) {
    const { page } = await web.visit('?scenario=fault-storm', { viewport: { width, height } });
    await settled(page);
    await eachView(page, async (id) => {
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide, `${id} at ${width}`).toBeLessThanOrEqual(width);
      await page.screenshot({ path: join(PICTURES, `${id}-${width}x${height}.png`), fullPage: true });
    });
    await page.context().close();
  }
});

it('shifts nothing while it loads and runs', async () => {
  const context = await web.browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.addInitScript(() => {
    const seen = window as unknown as { shifts: number };
    seen.shifts = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.shifts += (entry as unknown as { value: number }).value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  web.opened = [{ name: 'two-days.yaml', bytes: new TextEncoder().encode(TWO_DAYS) }];
  await page.goto(`${web.url}#open`);
  await settled(page);
  await page.waitForTimeout(200);
  // “Good” by web.dev/cls.
  expect(await page.evaluate(() => (window as unknown as { shifts: number }).shifts)).toBeLessThan(0.1);
  await context.close();
});

it('works without a network once it was loaded', async () => {
  const { page, context } = await web.visit('?scenario=small-team');
  const digest = digestIn(await settled(page));
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  await context.setOffline(true);
  await page.reload();
  expect(digestIn(await settled(page))).toBe(digest);
  await page.keyboard.press('e');
  await page.getByLabel('The scenario as YAML').waitFor();
  await eachView(page, async (id) => {
    expect(await page.getAttribute('.tabs [aria-selected=true]', 'id')).toBe(`tab-${id}`);
  });
  await context.close();
});

it('works under any path of any host', async () => {
  const context = await web.browser.newContext();
  await context.route('**/*', async (route) => {
    const { pathname } = new URL(route.request().url());
    const path = pathname.replace('/tools/rehearse/', '');
    await route.fulfill({ path: join(web.folder, path === '' ? 'index.html' : path) });
  });
  const page = await context.newPage();
  await page.goto('http://host.example/tools/rehearse/?scenario=small-team');
  expect(await settled(page)).toContain('small-team');
  await context.close();
});

it('exports pictures, tables and the report of what is shown', async () => {
  const { page } = await opened();
  const saved = async (name: string, row: string) => {
    const waiting = page.waitForEvent('download');
    await page.locator('.exports').locator(`.what:has-text("${row}") ~ button:has-text("${name}")`).first().click();
    const file = await waiting;
    return { name: file.suggestedFilename(), bytes: readFileSync((await file.path()) as string) };
  };
  await page.keyboard.press('x');
  await page.locator('dialog').waitFor();
  const svg = await saved('SVG', 'Jobs on');
  expect(svg.name).toBe('two-days-overview-3.svg');
  expect(svg.bytes.toString()).toMatch(/^<svg .*<\/svg>$/s);
  const png = await saved('PNG', 'Map of');
  expect([...png.bytes.subarray(1, 4)].map((c) => String.fromCharCode(c)).join('')).toBe('PNG');
  expect((await saved('CSV', 'figures')).bytes.toString()).toContain('Allocation');
  expect((await saved('Parquet', 'figures')).bytes.subarray(0, 4).toString()).toBe('PAR1');
  expect((await saved('jobs.csv', 'one row a job')).bytes.toString()).toMatch(/^job_id,project,/);
  expect((await saved('report.html', 'a page that needs')).bytes.toString()).toMatch(/^<!doctype html>/i);
  const run = JSON.parse((await saved('run.json', 'all that this page')).bytes.toString());
  expect(run.digest).toBe(digestIn((await page.textContent('.runfacts')) ?? ''));
  await page.keyboard.press('Escape');
  await drop(page, { name: 'again.json', text: JSON.stringify(run) });
  await until(page, () => window.simsup.app.store.state.source.file === 'again.json');
  expect(digestIn(await settled(page))).toBe(run.digest);
  await page.context().close();
});
