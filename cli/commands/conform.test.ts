import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../program.ts';

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

let folder = '';
let out = '';
let errors = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conform-'));
  out = '';
  errors = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
  process.exitCode = 0;
});

const put = (name: string, content: unknown): void => {
  mkdirSync(join(folder, 'deep'), { recursive: true });
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
};

describe('simsup conform', () => {
  it('runs every case below a folder and leaves other JSON alone', async () => {
    put('deep/cases.json', [CASE]);
    put('notes.json', { not: 'cases' });
    expect(await main(['conform', folder, '--json'])).toBe(0);
    expect(JSON.parse(out)).toEqual({ passed: 1, failed: 0, cases: [{ id: 'one', pass: true, diff: '' }] });
  });

  it('shows state, decision and difference of a failing case', async () => {
    put('cases.json', [CASE, WRONG]);
    expect(await main(['conform', folder])).toBe(1);
    expect(out).toContain('FAIL two');
    expect(out).toContain('waits: job of team, priority 50: 1 GPU');
    expect(out).toContain('allocate: bind job-0 to a');
    expect(out).toContain('job-0: Binding on a, expected Pending');
    expect(out).toContain('1 of 2 cases pass');
  });

  it('refuses a broken file with its name and the place in it', async () => {
    put('cases.json', [{ ...CASE, mode: 'twice' }]);
    expect(await main(['conform', folder])).toBe(2);
    expect(errors).toMatch(/cases\.json: case one: mode: /);
    put('cases.json', '[{"id":');
    expect(await main(['conform', folder])).toBe(2);
    expect(errors).toMatch(/cases\.json: not JSON/);
  });

  it('says when there is nothing to run', async () => {
    expect(await main(['conform', folder])).toBe(2);
    expect(errors).toContain('no .json file here holds an array of conformance cases');
    expect(await main(['conform', join(folder, 'none')])).toBe(2);
  });
});
