import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { main } from '../program.ts';
import { commandBench } from './testing.ts';

const CASE = {
  id: 'one',
  actions: ['allocate'],
  mode: 'single',
  nodes: { a: { gpus: 1 } },
  queues: [{ name: 'team', deservedGpus: 1, gpuOverQuotaWeight: 1 }],
  jobs: [{ name: 'job', queue: 'team', priority: 50, gpusPerTask: 1, tasks: [{ state: 'Pending' }] }],
  expect: { jobs: { job: { status: 'Binding', node: 'a', gpusRequired: 1 } }, maxBinds: 1, limitsApply: true },
};
const WRONG = { ...CASE, id: 'two', expect: { jobs: { job: { status: 'Pending' } }, maxBinds: 1, limitsApply: true } };

const bench = commandBench();
const { at } = bench;

const put = (name: string, content: unknown): void => {
  mkdirSync(at('deep'), { recursive: true });
  writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content));
};

describe('simsup conform', () => {
  it('runs every case below a folder and leaves other JSON alone', async () => {
    put('deep/cases.json', [CASE]);
    put('notes.json', { not: 'cases' });
    expect(await main(['conform', at('.'), '--json'])).toBe(0);
    expect(JSON.parse(bench.out)).toEqual({ passed: 1, failed: 0, cases: [{ id: 'one', pass: true, diff: '' }] });
  });

  it('shows state, decision and difference of a failing case', async () => {
    put('cases.json', [CASE, WRONG]);
    expect(await main(['conform', at('.')])).toBe(1);
    expect(bench.out).toContain('FAIL two');
    expect(bench.out).toContain('waits: job of team, priority 50: 1 GPU');
    expect(bench.out).toContain('allocate: bind job-0 to a');
    expect(bench.out).toContain('job-0: Binding on a, expected Pending');
    expect(bench.out).toContain('1 of 2 cases pass');
  });

  it('refuses a broken file with its name and the place in it', async () => {
    put('cases.json', [{ ...CASE, mode: 'twice' }]);
    expect(await main(['conform', at('.')])).toBe(2);
    expect(bench.err).toMatch(/cases\.json: case one: mode: /);
    put('cases.json', '[{"id":');
    expect(await main(['conform', at('.')])).toBe(2);
    expect(bench.err).toMatch(/cases\.json: not JSON/);
  });

  it('runs the other cases of a file in which one cannot be run', async () => {
    put('cases.json', [{ ...CASE, id: 'none', nodes: 5 }, CASE]);
    expect(await main(['conform', at('.'), '--json'])).toBe(2);
    const { passed, failed, cases } = JSON.parse(bench.out);
    expect([passed, failed, cases[0].id]).toEqual([1, 1, 'none']);
    expect(cases[0].diff).toMatch(/^not run: .*cases\.json: case none: nodes: /);
  });

  it('says when there is nothing to run', async () => {
    expect(await main(['conform', at('.')])).toBe(2);
    expect(bench.err).toContain('no .json file here holds an array of conformance cases');
    expect(await main(['conform', at('none')])).toBe(2);
  });
});
