import { writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { runCommand } from './run.ts';
import { serveMetricsCommand } from './serve-metrics.ts';
import { commandBench, refusalOf, runner } from './testing.ts';

const bench = commandBench();
const serve = runner(serveMetricsCommand);

/** Serves while `act` is at it, then stops it as Ctrl-C does. */
async function served(args: string[], act: (base: string) => Promise<void>): Promise<void> {
  const before = process.listenerCount('SIGTERM');
  const running = serve(...args, '--port', '0');
  await vi.waitFor(() => expect(bench.err).toMatch(/on http:\/\/\S+\/metrics/), { timeout: 30_000 });
  const [, base] = /on (http:\/\/127\.0\.0\.1:\d+)\/metrics/.exec(bench.err) ?? [];
  try {
    await act(base);
  } finally {
    process.emit('SIGTERM');
    await running;
  }
  expect(process.listenerCount('SIGTERM')).toBe(before);
  await expect(fetch(base)).rejects.toThrow();
}

const get = async (url: string, init?: RequestInit) => {
  const response = await fetch(url, init);
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
};

describe('a scenario, simulated as it plays', () => {
  it('is scraped, moves on, and stops', () =>
    served(['small-team', '--speed', '1000000'], async (base) => {
      const first = await get(`${base}/metrics`);
      expect(first.status).toBe(200);
      expect(first.type).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
      expect(first.text).toMatch(/^# TYPE DCGM_FI_DEV_GPU_UTIL gauge\n/);
      expect(first.text).toMatch(/\n# EOF\n$/);
      await vi.waitFor(async () => expect((await get(`${base}/metrics`)).text).not.toBe(first.text), 20_000);
    }));

  it('answers nothing else', () =>
    served(['small-team'], async (base) => {
      expect((await get(`${base}/`)).status).toBe(200);
      expect((await get(`${base}/etc/passwd`)).status).toBe(404);
      expect((await get(`${base}/metrics`, { method: 'POST' })).status).toBe(405);
      expect((await get(`${base}/metrics`, { method: 'HEAD' })).text).toBe('');
      // Several at once: one after the other.
      const all = await Promise.all(Array.from({ length: 8 }, () => get(`${base}/metrics`)));
      expect(all.every(({ status, text }) => status === 200 && text.endsWith('# EOF\n'))).toBe(true);
    }));
});

it('a file of run --metrics is played from its first reading', async () => {
  const file = bench.at('day.om');
  await runner(runCommand)('small-team', '--duration', '1d', '--metrics', file, '--metrics-step', '60s');
  bench.clear();
  await served([file, '--speed', '1'], async (base) => {
    const { text } = await get(`${base}/metrics`);
    expect(text).toContain('runai_project_pending_jobs');
    // Without timestamps: the scraper gives its own.
    expect(text).not.toMatch(/ 17802\d{5}\n/);
  });
});

it('at the end the last readings stay, or with --loop it begins again', async () => {
  const file = bench.at('short.om');
  writeFileSync(file, '# TYPE a gauge\na 1 100\na 2 101\n# EOF\n');
  await served([file, '--speed', '1000'], async (base) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await get(`${base}/metrics`)).text).toContain('a 2');
  });
  bench.clear();
  await served([file, '--speed', '2', '--loop'], async (base) => {
    for (const seen of ['a 2', 'a 1'])
      await vi.waitFor(async () => expect((await get(`${base}/metrics`)).text).toContain(seen), 10_000);
  });
});

it.each([
  ['a file cut short', ['cut.om'], 'cut short'],
  ['a folder', ['.'], 'is a folder'],
  ['a speed', ['small-team', '--speed', '0'], '--speed'],
  ['a port', ['small-team', '--port', '70000'], '--port'],
  ['a step that is none', ['nowhere.yaml'], 'nowhere.yaml'],
])('refuses %s', async (_, [run, ...rest], said) => {
  writeFileSync(bench.at('cut.om'), '# TYPE a gauge\na 1 100\n');
  const name = /^(cut|\.$)/.test(run) ? bench.at(run) : run;
  expect(await refusalOf(serve(name, '--port', '0', ...rest))).toContain(said);
});

it('says that the port is taken', () =>
  served(['small-team'], async (base) => {
    const port = new URL(base).port;
    expect(await refusalOf(serve('small-team', '--port', port))).toContain('in use');
  }));
