/** `simsup web`: what it opens, and to whom it answers. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { expect, test } from 'vitest';
import { UserError } from '../../scenarios/import/import.ts';
import { servePage } from '../host/server.ts';
import { commandBench } from './testing.ts';
import { whatToOpen } from './web.ts';

const SCENARIO = `apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: p, nodes: 1}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {jobsFile: ./jobs.csv}
`;
const JOBS = 'job_id,submit,duration,num_gpu\na,0,60,1\n';

const bench = commandBench(({ at }) => {
  mkdirSync(at('site/assets'), { recursive: true });
  writeFileSync(at('site/index.html'), '<!doctype html>');
  writeFileSync(at('secret.json'), '{}');
  writeFileSync(at('mine.yaml'), SCENARIO);
  writeFileSync(at('jobs.csv'), JOBS);
});

/** Status, headers and body of a request as it is written, without any tidying of its path. */
function asked(url: string, path: string, options: { host?: string; method?: string } = {}) {
  const { hostname, port } = new URL(url);
  return new Promise<{ status?: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const headers = options.host === undefined ? {} : { host: options.host };
    request({ hostname, port, path, method: options.method ?? 'GET', headers }, (response) => {
      let body = '';
      response.on('data', (data) => {
        body += data;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    })
      .on('error', reject)
      .end();
  });
}

test('opens a scenario with the files it names, as they are when the page asks', () => {
  const { fragment, opened } = whatToOpen(bench.at('mine.yaml'));
  expect(fragment).toBe('#open');
  const told = () => opened().map(({ name, bytes }) => [name, Buffer.from(bytes).toString()]);
  expect(told()).toEqual([
    ['mine.yaml', SCENARIO],
    ['jobs.csv', JOBS],
  ]);
  writeFileSync(bench.at('mine.yaml'), 'kind: Nonsense\n');
  expect(told()).toEqual([['mine.yaml', 'kind: Nonsense\n']]);
});

test('opens a built-in scenario by its name and a run by its folder, and refuses what is not there', () => {
  expect(whatToOpen('small-team').fragment).toBe('?scenario=small-team');
  mkdirSync(bench.at('results'));
  expect(() => whatToOpen(bench.at('results'))).toThrow('is a folder without run.json or scenario.yaml');
  writeFileSync(bench.at('results/run.json'), '{}');
  expect(whatToOpen(bench.at('results')).opened()[0].name).toBe('run.json');
  expect(() => whatToOpen('small-teem')).toThrow(UserError);
  expect(() => whatToOpen('small-teem')).toThrow("did you mean 'small-team'?");
});

test('answers to this machine’s names alone, from its folder alone, with a strict policy', async () => {
  const opened = () => [{ name: 'a.yaml', bytes: Buffer.from('x: 1') }];
  const { url, close } = await servePage({ site: bench.at('site'), opened }, 0);
  try {
    const page = await asked(url, '/');
    expect(page.body).toBe('<!doctype html>');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'");
    expect((await asked(url, '/opened.json')).body).toBe('["a.yaml"]');
    expect((await asked(url, '/opened/0')).body).toBe('x: 1');
    expect((await asked(url, '/opened/1')).status).toBe(404);
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example:80'])
      expect((await asked(url, '/opened/0', { host })).status).toBe(421);
    for (const path of ['/../secret.json', '/%2e%2e/secret.json', '/assets/..%2f..%2fsecret.json', '/%00', '/%'])
      expect([400, 404]).toContain((await asked(url, path)).status);
    expect((await asked(url, '/', { method: 'POST' })).status).toBe(405);
  } finally {
    await close();
  }
});
