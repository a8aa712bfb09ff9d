/** The same scenario in Node and in Chromium must give the same digest: different hosts, one run. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build, preview } from 'vite';
import { expect, test } from 'vitest';
import { builtin, builtins } from '../scenarios/index.ts';
import { simulate } from '../sim/simulate.ts';

const SCENARIO = 'mission-control';
const configFile = fileURLToPath(new URL('../vite.config.ts', import.meta.url));
const browserPath = findBrowser();

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

test('Node and Chromium compute the same digest', { timeout: 240_000 }, async ({ skip }) => {
  if (!browserPath) {
    const how = 'No Chromium found: run `npm run setup`, or set CHROMIUM_PATH.';
    if (process.env.CI === 'true') throw new Error(how);
    skip(how);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'simsup-browser-'));
  const cleanUp: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })];
  try {
    const outDir = join(folder, 'site');
    await build({ configFile, logLevel: 'error', build: { outDir } });
    const server = await preview({
      configFile,
      logLevel: 'error',
      build: { outDir },
      preview: { host: '127.0.0.1', port: 0, strictPort: false, open: false },
    });
    cleanUp.push(() => server.close());
    const context = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath: browserPath,
      headless: true,
      args: [
        ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
        ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ],
    });
    cleanUp.push(() => context.close());
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    const address = server.httpServer.address();
    if (address === null || typeof address === 'string') throw new Error('the preview server has no port');
    await page.goto(`http://127.0.0.1:${address.port}/`);

    for (const { name } of builtins) {
      const { digest } = await page.evaluate((each) => window.simsup.run(each), name);
      expect(digest, name).toBe(simulate(await builtin(name)).digest);
    }
    const inBrowser = await page.evaluate((name) => window.simsup.run(name), SCENARIO);

    await page.waitForSelector('#result:not([hidden])');
    expect(await page.textContent('#facts')).toContain(inBrowser.digest);
    expect(await page.locator('#ledger rect').count()).toBe(
      Object.values(inBrowser.ledger.categories).filter((amount) => amount !== '0').length,
    );
    expect(errors).toEqual([]);
  } finally {
    for (const step of cleanUp.reverse()) await step();
  }
});
