/** The visualizer as its users meet it: the built page in Chromium, by keyboard where a key does it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { builtin } from '../scenarios/index.ts';
import { readScenario } from '../scenarios/read.ts';
import { smallCluster, snapshotJson, zipOf } from '../scenarios/snapshot/testing.ts';
import { POLICIES, simulate } from '../sim/simulate.ts';
import { digestIn, drop, executablePath, runJsonOf, settled, site, TWO_DAYS, until } from './testing.ts';

const web = site();
const it = test.skipIf(executablePath === undefined);
const read = (text: string) => readScenario(text, { file: 'two-days.yaml', policies: POLICIES });
const digestOf = (text: string) => simulate(read(text)).digest;

/** The page with the small scenario instead of the default one. */
async function opened(text = TWO_DAYS) {
  web.opened = [{ name: 'two-days.yaml', bytes: new TextEncoder().encode(text) }];
  const visit = await web.visit('#open');
  expect(digestIn(await settled(visit.page))).toBe(digestOf(text));
  return visit;
}

const cursor = (page: Page) => page.evaluate(() => window.simsup.app.store.state.cursorUs);
const view = (page: Page) => page.getAttribute('.tabs [aria-selected=true]', 'id');

it('opens with the default scenario running, and shows the digest that Node computes', async () => {
  const context = await web.browser.newContext({ serviceWorkers: 'block', viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  // What is asked for before there is something to see; each request waits for that to be looked at.
  let firstLoad = 0;
  await context.route('**/*', async (route) => {
    const path = new URL(route.request().url()).pathname.slice(1) || 'index.html';
    const seen = path !== 'index.html' && (await page.evaluate(() => document.querySelector('.facts.cards') !== null));
    if (!seen) firstLoad += gzipSync(readFileSync(join(web.folder, path)), { level: 9 }).length;
    await route.continue();
  });
  await page.goto(web.url);
  expect(digestIn(await settled(page))).toBe(simulate(await builtin('mission-control')).digest);
  expect(firstLoad).toBeGreaterThan(100_000);
  expect(firstLoad).toBeLessThan(300_000);
  expect(await page.textContent('h1')).toContain('Three teams share 32 H200 and 16 B200');
  expect(await page.locator('.facts.cards dd').first().textContent()).toMatch(/^\d\d\.\d %$/);
  expect(errors).toEqual([]);
  await page.context().close();
});

it('computes what Node computes, for scenarios of each kind', async () => {
  const { page } = await web.visit('?scenario=small-team');
  await settled(page);
  for (const name of ['small-team', 'fault-storm', 'spot-training', 'serve-azure']) {
    const { digest } = await page.evaluate((each) => window.simsup.run(each), name);
    expect(digest, name).toBe(simulate(await builtin(name)).digest);
  }
  await page.context().close();
});

it('shows an error of the text at its line, names the nearest field, and is undone', async () => {
  const { page, errors } = await opened();
  const before = digestIn(await settled(page));
  await page.keyboard.press('e');
  const text = page.getByLabel('The scenario as YAML');
  await text.waitFor();
  await text.getByText('policy', { exact: false }).first().click();
  await page.keyboard.press('Home');
  await page.keyboard.press('End');
  // Behind `policy: runai}`: a letter more in front of the bracket.
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.type('x');
  // The page shows what has changed a frame later, and the editor marks the line when it gets to it.
  await until(page, () => document.querySelector('.status')?.textContent?.includes('two-days.yaml:4:') === true);
  await page.locator('#editor .problems', { hasText: 'line 4:' }).waitFor();
  await page.locator('.cm-lint-marker-error').waitFor();
  const problem = await page.textContent('#editor .problems');
  expect(problem).toContain('line 4:');
  expect(problem).toContain("did you mean 'runai'?");
  expect(await page.locator('.cm-lint-marker-error').count()).toBe(1);
  await page.keyboard.press('Escape');
  await page.keyboard.press('u');
  expect(digestIn(await settled(page))).toBe(before);
  expect(errors).toEqual([]);
  await page.context().close();
});

it('completes fields of the schema where they may stand', async () => {
  const { page } = await opened();
  await page.keyboard.press('e');
  const text = page.getByLabel('The scenario as YAML');
  await text.waitFor();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('---\nkind: Chec');
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Backspace');
  await page.locator('.cm-tooltip-autocomplete').waitFor();
  expect(await page.locator('.cm-tooltip-autocomplete').textContent()).toContain('Cluster');
  await page.context().close();
});

it('runs again at once when a control is changed, and writes the change into the text', async () => {
  const { page } = await opened();
  await page.keyboard.press('e');
  const nodes = page.locator('[data-control="pool/blue/nodes"]');
  await nodes.fill('3');
  await nodes.press('Enter');
  const changed = TWO_DAYS.replace('nodes: 2', 'nodes: 3');
  await until(page, () => window.simsup.app.store.state.source.text.includes('nodes: 3'));
  expect(digestIn(await settled(page))).toBe(digestOf(changed));
  expect(await page.evaluate(() => window.simsup.app.store.state.source.text)).toBe(changed);
  await page.getByRole('button', { name: 'Undo' }).click();
  await until(page, () => window.simsup.app.store.state.source.text.includes('nodes: 2'));
  expect(digestIn(await settled(page))).toBe(digestOf(TWO_DAYS));
  await page.context().close();
});

it('sets two policies beside each other on one cursor, and says what they differ in', async () => {
  const { page, errors } = await opened();
  await page.keyboard.press('c');
  await page.getByLabel('Another policy').selectOption('fifo');
  await page.getByRole('button', { name: 'Compare policies' }).click();
  await until(page, () => window.simsup.app.store.state.slots.length === 2);
  const facts = await settled(page);
  expect(facts).toContain(digestOf(TWO_DAYS));
  expect(facts).toContain(digestOf(TWO_DAYS.replace('policy: runai', 'policy: fifo')));
  expect(await page.locator('.panel h2').allTextContents()).toEqual(['Arunai', 'Bfifo']);
  await page.getByRole('tab', { name: 'Differences' }).click();
  await page.getByRole('table', { name: 'Figures of both runs' }).waitFor();
  await page.getByLabel('Number of seeds').selectOption('3');
  await page.getByRole('button', { name: 'Is it real?' }).click();
  await page.locator('.seeds li').first().waitFor();
  expect(errors).toEqual([]);
  await page.context().close();
});

it('branches from a moment: before it both futures are one, after it a node is gone', async () => {
  const { page, errors } = await opened();
  const at = await cursor(page);
  await page.keyboard.press('w');
  await page.getByRole('button', { name: 'See both futures' }).click();
  await until(page, () => window.simsup.app.store.state.slots.length === 2);
  await settled(page);
  const [same, states] = await page.evaluate((us) => {
    const [a, b] = window.simsup.app.store.state.slots.map(({ model }) => model);
    const until = (model: typeof a) => {
      const { start, values, count } = model.recorded.holds;
      const rows: string[] = [];
      for (let i = 0; i < count && start[i] < us; i++) rows.push(`${start[i]} ${values[0][i]} ${values[1][i]}`);
      return rows.join();
    };
    return [until(a) === until(b), [a.nodeStateAt(0, us + 1e6), b.nodeStateAt(0, us + 1e6)]] as const;
  }, at);
  expect(same).toBe(true);
  expect(states).toEqual([0, 2]);
  expect(await page.locator('.panel h2').allTextContents()).toEqual(['Aas it was', 'Bwithout blue-0']);
  expect(errors).toEqual([]);
  await page.context().close();
});

it('adds nodes and changes a quota from a moment on', async () => {
  const { page } = await opened();
  await page.keyboard.press('w');
  await page.getByLabel('this node breaks down').uncheck();
  await page.getByLabel('Nodes to add').fill('8');
  await page.getByLabel('GPUs it deserves').fill('16');
  await page.getByRole('button', { name: 'See both futures' }).click();
  await until(page, () => window.simsup.app.store.state.slots.length === 2);
  await settled(page);
  const futures = await page.evaluate(() =>
    window.simsup.app.store.state.slots.map(({ model }) => [model.run.nodes.count, model.run.projects[0].deserved]),
  );
  expect(futures).toEqual([
    [2, 8],
    [10, 16],
  ]);
  await page.context().close();
});

it('moves through time by keys, by the scrubber, by playing and by pointing at a chart', async () => {
  const { page } = await opened();
  const moments: number[] = [await cursor(page)];
  const moved = async () => {
    await page.waitForTimeout(60);
    moments.push(await cursor(page));
    return moments[moments.length - 1] - moments[moments.length - 2];
  };
  await page.keyboard.press('ArrowRight');
  expect(await moved()).toBe(0.01 * 2 * 86_400e6);
  await page.keyboard.press(']');
  expect(await moved()).toBeGreaterThan(0);
  await page.keyboard.press('[');
  expect(await moved()).toBeLessThan(0);
  await page.getByLabel('Moment', { exact: true }).fill('2500');
  await moved();
  expect(await cursor(page)).toBe(43_200e6);
  const told = await page.locator('.moment').textContent();
  await page.keyboard.press('Escape');
  await page.locator('body').click({ position: { x: 5, y: 5 } });
  await page.keyboard.press(' ');
  await page.waitForTimeout(400);
  await page.keyboard.press(' ');
  expect(await moved()).toBeGreaterThan(3600e6);
  expect(await page.locator('.moment').textContent()).not.toBe(told);
  const chart = page.getByRole('img', { name: /GPUs by category/ });
  const box = await chart.boundingBox();
  await chart.click({ position: { x: (box?.width ?? 0) - 12, y: 60 } });
  await moved();
  expect(await cursor(page)).toBeGreaterThan(1.99 * 86_400e6);
  await page.keyboard.press('+');
  await page.waitForTimeout(60);
  const range = () => page.evaluate(() => window.simsup.app.store.state.range);
  const [from, to] = await range();
  expect(to - from).toBeCloseTo(86_400e6, -3);
  await page.keyboard.press('Shift+ArrowLeft');
  expect((await range())[0]).toBeCloseTo(from - 0.25 * 86_400e6, -3);
  // By keys alone to a node, to who is on it, and to the sheet of all keys.
  await page.keyboard.press('3');
  await page.locator('#tab-timeline[aria-selected=true]').waitFor();
  await page.locator('.told').waitFor();
  await page.keyboard.press('>');
  expect(await page.textContent('.told')).toContain('Nodes 2 to 2 of 2');
  await page.keyboard.press('Shift+ArrowUp');
  expect(await page.textContent('.told')).toContain('Nodes 1 to 1 of 2');
  await page.keyboard.press('n');
  await until(page, () => document.querySelector('.told')?.textContent?.startsWith('blue-0') === true);
  await page.evaluate(() => window.simsup.app.store.moveTo(43_200e6));
  await page.keyboard.press('j');
  await until(page, () => window.simsup.app.store.state.selection?.kind === 'job');
  expect(await page.textContent('.told')).toMatch(/ of (red|green), \d GPUs?: .* on blue-/);
  await page.keyboard.press('?');
  const sheet = await page.textContent('dialog');
  for (const key of ['space', 'shift ← →', 'shift ↑ ↓', '> <', 'N', 'J', 'ctrl space']) expect(sheet).toContain(key);
  await page.context().close();
});

it('opens what is dropped on it: a scenario, a log, a scheduler’s snapshot, a run of the command line', async () => {
  const { page, errors } = await opened();
  const other = TWO_DAYS.replace('seed: 1', 'seed: 2');
  await drop(page, { name: 'other.yaml', text: other });
  await until(page, () => window.simsup.app.store.state.source.file === 'other.yaml');
  expect(digestIn(await settled(page))).toBe(digestOf(other));

  const rows = Array.from({ length: 50 }, (_, i) => `job-${i},team-${i % 3},${1 + (i % 4)},${i * 600},${3600 + i}`);
  await drop(page, { name: 'log.csv', text: `job_id,project,num_gpu,submit,duration\n${rows.join('\n')}\n` });
  await until(page, () => window.simsup.app.store.state.source.file === 'log.csv.yaml');
  await settled(page);
  expect(await page.textContent('.notes')).toContain('50 rows: 50 taken');
  expect(await page.evaluate(() => window.simsup.app.store.state.slots[0].model.run.jobs.count)).toBe(50);

  await drop(page, { name: 'cluster.zip', text: zipOf(snapshotJson(smallCluster())) });
  await until(page, () => window.simsup.app.store.state.source.file === 'cluster.zip.yaml');
  expect(await settled(page)).toContain('policy runai');
  expect(await page.textContent('.notes')).toContain('5 rows: 5 taken');
  expect(await page.evaluate(() => window.simsup.app.store.state.slots[0].model.run.jobs.count)).toBe(5);

  await drop(page, { name: 'run.json', text: runJsonOf(read(TWO_DAYS)) });
  await until(page, () => window.simsup.app.store.state.source.file === 'run.json');
  expect(digestIn(await settled(page))).toBe(digestOf(TWO_DAYS));
  for (const key of '23456789') {
    await page.keyboard.press(key);
    await page.waitForTimeout(80);
  }
  expect(errors).toEqual([]);

  await drop(page, { name: 'broken.json', text: '{"digest": "1", "ledger": {}}' });
  await page.locator('.note', { hasText: "found a run without 'jobs'" }).waitFor();
  await page.context().close();
});

it('shares the scenario, the moment, the view and what stands beside it in a link', async () => {
  const { page } = await opened();
  await page.keyboard.press('4');
  await page.keyboard.press('ArrowRight');
  await page.waitForTimeout(100);
  await page.keyboard.press('s');
  const link = await page.getByLabel('Link').inputValue();
  expect(link.length).toBeLessThan(2000);
  const there = await web.visit(link.slice(web.url.length));
  expect(digestIn(await settled(there.page))).toBe(digestOf(TWO_DAYS));
  expect(await cursor(there.page)).toBe(Math.round(await cursor(page)));
  expect(await view(there.page)).toBe('tab-queues');
  await there.context.close();
  const broken = await web.visit(`${link.slice(web.url.length, -40)}`);
  await settled(broken.page);
  expect(await broken.page.textContent('.notes')).toContain('cut or changed');
  await broken.context.close();
  await page.context().close();
});

it('says that its worker crashed, and goes on', async () => {
  const { page } = await opened();
  await drop(page, { name: 'long.yaml', text: TWO_DAYS.replace('duration: 2d', 'duration: 3650d') });
  await until(page, () => {
    const { status } = window.simsup.app.store.state;
    return status.kind === 'running' && status.events > 0;
  });
  await page.evaluate(() => window.simsup.crash());
  await until(page, () => window.simsup.app.store.state.status.kind === 'failed');
  expect(await page.textContent('.status')).toContain('worker failed');
  // What was shown is still there.
  expect(digestIn((await page.textContent('.runfacts')) ?? '')).toBe(digestOf(TWO_DAYS));
  await page.getByRole('button', { name: 'Run again' }).click();
  await until(page, () => {
    const { status } = window.simsup.app.store.state;
    return status.kind === 'running' && status.events > 0;
  });
  await drop(page, { name: 'short.yaml', text: TWO_DAYS.replace('seed: 1', 'seed: 3') });
  await until(page, () => window.simsup.app.store.state.source.file === 'short.yaml');
  expect(digestIn(await settled(page))).toBe(digestOf(TWO_DAYS.replace('seed: 1', 'seed: 3')));
  await page.context().close();
});

it('stops a long run where it is when asked to', async () => {
  const { page } = await opened();
  await drop(page, { name: 'long.yaml', text: TWO_DAYS.replace('duration: 2d', 'duration: 3650d') });
  await until(page, () => {
    const { status } = window.simsup.app.store.state;
    return status.kind === 'running' && status.events > 0;
  });
  expect(await page.locator('progress').isVisible()).toBe(true);
  await page.keyboard.press('Escape');
  expect(await settled(page)).toMatch(/two-days: [\d.]+ days;/);
  expect(await page.textContent('.panel')).toContain('stopped before its end');
  await page.context().close();
});
