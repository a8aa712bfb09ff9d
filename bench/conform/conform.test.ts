/** The open behaviour tables of Run:ai's scheduler and what we read in its source, one test a case: the policy decides as they say. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CaseError, type ConformanceCase, readCases } from './cases.ts';
import { draw } from './draw.ts';
import { runCase } from './run.ts';

const FOLDER = new URL('data/', import.meta.url);
const files = ['kai', 'own'].flatMap((folder) =>
  readdirSync(new URL(folder, FOLDER))
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => `${folder}/${file}`),
);

describe.each(files)('%s', (file) => {
  it.each(
    readCases(readFileSync(new URL(file, FOLDER), 'utf8'), file).map((one): [string, ConformanceCase] => [one.id, one]),
  )('%s', (_, given) => {
    const replay = runCase(given);
    expect(replay.result.diff, draw(given, replay)).toEqual([]);
  });
});

const SMALL: ConformanceCase = {
  id: 'one-job',
  actions: ['allocate'],
  mode: 'single',
  nodes: { 'node-a': { gpus: 2 } },
  queues: [{ name: 'team', deservedGpus: 1, gpuOverQuotaWeight: 1 }],
  jobs: [{ name: 'train', queue: 'team', priority: 50, gpusPerTask: 1, tasks: [{ state: 'Pending' }] }],
  expect: {
    jobs: { train: { status: 'Binding', node: 'node-a', gpusRequired: 1 } },
    maxBinds: 1,
    limitsApply: true,
  },
};

describe('a case', () => {
  it('passes when everything holds', () => {
    expect(runCase(SMALL).result).toEqual({ id: 'one-job', pass: true, diff: [] });
  });

  it('fails with what was expected and what came', () => {
    const wrong = structuredClone(SMALL);
    wrong.expect = { jobs: { train: { status: 'Pending' } } };
    const replay = runCase(wrong);
    expect(replay.result.diff).toEqual([
      'round 1: 1 of kind bind, at most 0 expected',
      'train-0: Binding on node-a, expected Pending',
    ]);
    const drawn = draw(wrong, replay);
    expect(drawn).toContain('node-a  [..]');
    expect(drawn).toContain('waits: train of team, priority 50: 1 GPU');
    expect(drawn).toContain('round 1, allocate: bind train-0 to node-a');
  });

  it('flaps when a stable cluster does not stay as it is', () => {
    const rounds = structuredClone(SMALL);
    rounds.mode = 'rounds';
    rounds.actions = ['allocate', 'consolidation', 'reclaim', 'preempt', 'stalegangeviction'];
    rounds.expect = { jobs: { train: { status: 'Running', node: 'node-a' } }, maxBinds: 1, limitsApply: true };
    expect(runCase(rounds).result.diff).toEqual([]);
    expect(runCase(rounds).rounds).toHaveLength(2 + 5);
  });
});

describe('a file that cannot be run', () => {
  const refused = (text: string): string => {
    try {
      readCases(text, 'cases.json');
    } catch (error) {
      if (error instanceof CaseError) return error.message;
      throw error;
    }
    return 'nothing';
  };

  it('is named with the case and the place in it', () => {
    expect(refused('[')).toMatch(/^cases\.json: not JSON/);
    expect(refused('{}')).toBe('cases.json: found an object, expected an array of cases');
    expect(refused('[5]')).toMatch(/^cases\.json: case number 1: the case: /);
    const broken = structuredClone(SMALL) as unknown as { nodes: Record<string, { gpus: unknown }> };
    broken.nodes['node-a'].gpus = 'many';
    expect(refused(JSON.stringify([broken]))).toMatch(/^cases\.json: case one-job: nodes\.node-a\.gpus: /);
  });

  it('says which name does not exist', () => {
    const lost = structuredClone(SMALL);
    lost.expect.jobs = { gone: { status: 'Pending' } };
    expect(refused(JSON.stringify([lost]))).toBe(
      "cases.json: case one-job: expect.jobs names 'gone', which does not exist",
    );
    const circle = structuredClone(SMALL);
    circle.noDefaultDepartment = true;
    circle.queues = [
      { name: 'a', parent: 'b', deservedGpus: 1 },
      { name: 'b', parent: 'a', deservedGpus: 1 },
    ];
    expect(refused(JSON.stringify([circle]))).toBe("cases.json: case one-job: queue 'a' is above itself");
  });

  it('may not use a name that every JavaScript object has', () => {
    const hostile = JSON.stringify([SMALL]).replaceAll('"node-a"', '"constructor"');
    expect(refused(hostile)).toMatch(/^cases\.json: case one-job: nodes/);
  });
});
