import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOUR_US, JOB_CLASSES, SECOND_US } from '../sim/scenario.ts';
import { POLICIES } from '../sim/simulate.ts';
import { builtins, memoryReader } from './builtin/index.ts';
import { ScenarioError } from './problem.ts';
import { readDocuments, readScenario } from './read.ts';
import { starterScenario } from './starter.ts';

const policies = POLICIES.filter(({ name }) => ['fifo', 'fifo-backfill', 'sjf'].includes(name));

function messageOf(text: string, files: Record<string, string> = {}): string {
  try {
    readScenario(text, { file: 's.yaml', policies, readFile: memoryReader(files) });
  } catch (error) {
    expect(error).toBeInstanceOf(ScenarioError);
    return (error as Error).message;
  }
  return 'no error';
}

const doc = (kind: string, spec: string) => `apiVersion: simsup.dev/v1\nkind: ${kind}\nspec: ${spec}\n`;
const simulation = (spec: string) => doc('Simulation', spec);
const workload = (spec: string) => doc('Workload', spec);
const pool = '{name: p, gpuModel: H200, nodes: 2}';
const cluster = (pools: string) => doc('Cluster', `{pools: [${pools}]}`);
const project = (name: string, spec: string) =>
  `---\napiVersion: mission-control.nvidia.com/v1\nkind: MissionControlProject\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
const department = (name: string, parent: string) =>
  `---\napiVersion: mission-control.nvidia.com/v1\nkind: MissionControlDepartment\nmetadata: {name: ${name}}\nspec: {parent: ${parent}}\n`;
const jobs = (...list: string[]) => `${cluster(pool)}---\n${workload(`{jobs: [${list.join(', ')}]}`)}`;

describe('bad input', () => {
  it.each([
    [
      'a binary file',
      'PK\u0003\u0004\0',
      's.yaml: found a binary file, expected text: a scenario in YAML, or an sbatch script',
    ],
    [
      'a value where fields belong',
      'apiVersion: mission-control.nvidia.com/v1\nkind: InferenceDeployment\nspec: {model: llama-4-maverick}\n',
      "s.yaml:3:15: spec.model: found 'llama-4-maverick', expected fields (registry, name, precision), such as {name: llama-4-maverick}",
    ],
    [
      'a wrong unit',
      simulation('{duration: 30x}'),
      "s.yaml:3:18: spec.duration: found '30x', expected a duration with a unit, such as 150ms, 60s, 2h30m, 30d or 1w; 'x' is no unit of time",
    ],
    [
      'no unit',
      simulation('{warmUp: 60}'),
      "s.yaml:3:16: spec.warmUp: found '60', expected a duration with a unit, such as 150ms, 60s, 2h30m, 30d or 1w",
    ],
    [
      'an unknown stack',
      simulation('{stack: mission-controll}'),
      /spec\.stack: found 'mission-controll', expected one of kubernetes, kueue, slurm, runai, mission-control; did you mean 'mission-control'\?$/,
    ],
    [
      'an unknown field',
      simulation('{polcy: fifo}'),
      "s.yaml:3:8: spec: found unknown field 'polcy', expected one of title, seed, duration, warmUp, start, utcOffset, timeZone, policy, stack, telemetry, spares; did you mean 'policy'?",
    ],
    [
      'an unknown kind',
      doc('Simulaton', '{}'),
      /s\.yaml:2:7: kind: found 'Simulaton', expected one of Cluster, .*; did you mean 'Simulation'\?/,
    ],
    [
      'a wrong version',
      'apiVersion: simsup.dev/v2\nkind: Cluster\n',
      "s.yaml:1:13: apiVersion: found 'simsup.dev/v2', expected simsup.dev/v1 for a Cluster",
    ],
    [
      'an unknown policy',
      simulation('{policy: fifo-backfil}'),
      "s.yaml:3:16: spec.policy: found unknown policy 'fifo-backfil', expected one of fifo, fifo-backfill, sjf; did you mean 'fifo-backfill'?",
    ],
    [
      'a negative count',
      cluster('{name: p, gpuModel: H200, nodes: -4}'),
      "s.yaml:3:49: spec.pools[0].nodes: found '-4', expected a whole number from 1 to 2000000",
    ],
    [
      'NaN',
      cluster('{name: p, gpuModel: H200, nodes: .nan}'),
      "s.yaml:3:49: spec.pools[0].nodes: found '.nan', expected a whole number from 1 to 2000000",
    ],
    [
      'an unknown GPU model',
      cluster('{name: p, gpuModel: H220, nodes: 1}'),
      /spec\.pools\[0\]\.gpuModel: found unknown GPU model 'H220', expected one of .*; did you mean/,
    ],
    [
      'a wrong price',
      cluster('{name: p, gpuModel: H200, nodes: 1, price: cheap}'),
      "s.yaml:3:59: spec.pools[0].price: found 'cheap', expected a price per hour in US dollars, such as $5.92/h or 5.92",
    ],
    [
      'a pool twice',
      cluster(`${pool}, ${pool}`),
      "s.yaml:3:60: spec.pools[1].name: found pool 'p' a second time, expected each pool once",
    ],
    [
      'a field twice',
      simulation('{seed: 1, seed: 2}'),
      "s.yaml:3:17: spec.seed: found field 'seed' a second time, expected each field once",
    ],
    [
      'a missing field',
      cluster('{name: p, gpuModel: H200}'),
      's.yaml:3:16: spec.pools[0].nodes: found no nodes, expected a whole number from 1 to 2000000',
    ],
    [
      'a job twice',
      jobs('{id: a}', '{id: a}'),
      "s.yaml:7:29: spec.jobs[1].id: found job 'a' a second time, expected each job once",
    ],
    [
      'an unknown job to wait for',
      jobs('{id: prep}', '{id: b, after: pre}'),
      "s.yaml:7:42: spec.jobs[1].after: found unknown job 'pre', expected the id of a job in this scenario; did you mean 'prep'?",
    ],
    [
      'jobs in a circle',
      jobs('{id: a, after: b}', '{id: b, after: a}'),
      's.yaml:7:49: spec.jobs[1].after: found a circle of jobs (a, b, a), expected jobs that do not wait for themselves',
    ],
    [
      'a job larger than the cluster',
      jobs('{id: a, gpus: 24}'),
      's.yaml:7:29: spec.jobs[0].gpus: found a job of 24 GPUs, 3 workers of up to 8, expected a job that fits one of its pools when it is empty: p (2 nodes, 16 GPUs)',
    ],
    [
      'more workers than GPUs',
      jobs('{gpus: 2, workers: 4}'),
      's.yaml:7:34: spec.jobs[0].workers: found 4 workers for 2 GPUs, expected at least one GPU for each worker',
    ],
    [
      'an unknown pool',
      jobs('{id: a, pools: [q]}'),
      "s.yaml:7:30: spec.jobs[0].pools: found unknown pool 'q', expected one of p",
    ],
    [
      'an unknown project',
      `${jobs('{project: modls}')}${project('models', '{deservedGpus: 8}')}`,
      "s.yaml:7:25: spec.jobs[0].project: found unknown project 'modls', expected one of models; did you mean 'models'?",
    ],
    [
      'a project twice',
      `${jobs('{}')}${project('m', '{}')}${project('m', '{}')}`,
      "s.yaml:16:18: metadata.name: found project 'm' a second time, expected each MissionControlProject once",
    ],
    [
      'more quota than GPUs',
      `${jobs('{}')}${project('m', '{deservedGpus: 17}')}`,
      "s.yaml:12:22: spec.deservedGpus: found 17 GPUs deserved by 'm', expected at most the 16 that its pools have and others are not promised",
    ],
    [
      'departments in a circle',
      `${jobs('{}')}${department('a', 'b')}${department('b', 'a')}`,
      's.yaml:12:7: spec: found a circle of departments (a → b → a), expected each department under one that is not beneath it',
    ],
    [
      'no work in a Workload',
      workload('{}'),
      's.yaml:3:7: spec: found no work, expected jobs, jobsFile, manifestFiles, teams or requests',
    ],
    ['an empty file', '', 's.yaml: found an empty file, expected at least one document, such as kind: Simulation'],
    ['a list', '- a\n', 's.yaml:1:1: found a list, expected a document with apiVersion, kind and spec'],
    [
      'a key too many',
      '__proto__: {a: 1}\napiVersion: simsup.dev/v1\nkind: Cluster\nspec: {__proto__: 1}\n',
      /found unknown field '__proto__'/,
    ],
    ['bad YAML', 'a: [1\nb: 2\n', /^s\.yaml:2:\d+: found bad YAML \(.*\), expected well-formed YAML/],
  ])('%s', (_, text, expected) => {
    if (typeof expected === 'string') expect(messageOf(text)).toBe(expected);
    else expect(messageOf(text)).toMatch(expected);
  });

  it('names the line and column of a jobs file', () => {
    const text = `${cluster(pool)}---\n${workload('{jobsFile: jobs.csv}')}`;
    expect(
      messageOf(text, { 'jobs.csv': 'job_id,submit,duration,num_gpu\na,0,60,1\nb,1,x,1\nc,2,60,99\na,3,1,1\n' }),
    ).toBe(
      [
        "jobs.csv:3:3: found duration 'x', expected a number of seconds that is not negative",
        'jobs.csv:4:1: num_gpu: found a job of 99 GPUs, 13 workers of up to 8, expected a job that fits one of its pools when it is empty: p (2 nodes, 16 GPUs)',
        "jobs.csv:5:1: job_id: found job 'a' a second time, expected each job once",
      ].join('\n'),
    );
    expect(messageOf(text, { 'jobs.csv': '' })).toBe(
      'jobs.csv: found an empty file, expected a header line and at least one job',
    );
    expect(messageOf(text, { 'jobs.csv': 'submit,duration\n' })).toBe(
      'jobs.csv: found a file without jobs, expected at least one job',
    );
    expect(messageOf(text, { 'jobs.csv': 'submit,duraton\n0,1\n' })).toMatch(
      /^jobs\.csv:1:2: found column 'duraton', .*did you mean 'duration'\?$/,
    );
    expect(messageOf(text)).toMatch(
      /spec\.jobsFile: found a file that cannot be read \(there is no jobs\.csv beside the scenario\)/,
    );
    const skip = text.replace('{jobsFile: jobs.csv}', '{jobsFile: jobs.csv, whenTooLarge: skip}');
    const read = readScenario(skip, { readFile: () => 'submit,duration,num_gpu\n0,60,99\n0,60,1\n' });
    expect(read.jobs.count).toBe(1);
    expect(read.assumptions.join(' ')).toContain('1 jobs that fit none of their pools were left out');
  });

  it('stays within its limits', () => {
    expect(messageOf(`a: ${'x'.repeat(10_000_000)}`)).toBe(
      's.yaml:1:1: found a very long line, expected lines of at most 100000 characters',
    );
    expect(messageOf('# x\n'.repeat(9_000_000))).toBe(
      's.yaml: found 36000000 characters, expected a scenario file of at most 33554432',
    );
    expect(messageOf('x: y\n'.repeat(2_000_000))).toBe(
      's.yaml: found very many lines or list items, expected fewer in one file; a long list of jobs belongs in a jobsFile',
    );
    expect(messageOf('['.repeat(50_000))).toMatch(/very deep nesting, expected at most 64 levels/);
    expect(messageOf('- '.repeat(40_000))).toMatch(/very deep nesting, expected at most 64 levels/);
    expect(messageOf('---\na\n'.repeat(20_000))).toMatch(/too many documents, expected at most 10000 in one file/);
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 10; i++) {
      const [now, last] = [String.fromCharCode(97 + i), String.fromCharCode(96 + i)];
      bomb.push(`${now}: &${now} [${Array(9).fill(`*${last}`).join(', ')}]`);
    }
    expect(messageOf(bomb.join('\n'))).toMatch(/too many aliases, expected at most 100 uses/);
    expect(messageOf('a: &a [*a]')).toMatch(/alias '\*a', expected the name of an anchor that stands before it/);
    expect(messageOf(cluster('{name: p, gpuModel: H200, nodes: 2000000}'))).toBe(
      's.yaml:3:15: spec.pools: found 16000000 GPUs, expected at most 2000000',
    );
    const team = '{name: t, arrivals: {perDay: 1000000000}}';
    expect(messageOf(workload(`{teams: [${team}]}`))).toMatch(
      /perDay: found about 30000000000 jobs, expected at most 20000000/,
    );
  });
});

describe('good input', () => {
  it('runs on five lines', () => {
    const s = readScenario('apiVersion: simsup.dev/v1\nkind: Simulation\nspec:\n  duration: 7d\n  policy: sjf\n', {
      policies,
    });
    expect(s.policy).toEqual({ name: 'sjf', args: {} });
    expect(s.pools.map((p) => p.gpuModel)).toEqual(['H200-SXM5', 'B200-SXM6']);
    expect(s.jobs.count).toBeGreaterThan(100);
    expect(s.assumptions.join(' ')).toMatch(/No Cluster is given.*No Workload is given/);
  });

  it('reads names that look like numbers as names', () => {
    const text = `${cluster('{name: 6214e9, gpuModel: H200, nodes: 1}')}---\n${workload('{jobs: [{project: 103959, pools: 6214e9}, {project: 007}]}')}`;
    const s = readScenario(text);
    expect(s.pools[0].name).toBe('6214e9');
    expect(s.projects.map((p) => p.name)).toEqual(['103959', '007']);
  });

  it('gives policy arguments their types', () => {
    const s = readScenario(simulation('{policy: {name: las, args: {queues: [1, 2.5], preempt: true, mode: gpus}}}'));
    expect(s.policy).toEqual({ name: 'las', args: { queues: [1, 2.5], preempt: true, mode: 'gpus' } });
  });

  it('resolves after in any order, splits wide jobs into full nodes and a rest', () => {
    const s = readScenario(
      jobs(
        '{id: b, after: {job: a, condition: started}, submit: 1h}',
        '{id: a, gpus: 12}',
        '{id: c, gpus: 8, workers: 3}',
      ),
    );
    const at = (id: string) => s.jobs.ids.indexOf(id);
    const tasks = (j: number) => [...s.jobs.taskGpus.subarray(s.jobs.taskStart[j], s.jobs.taskStart[j + 1])];
    expect(tasks(at('a'))).toEqual([8, 4]);
    expect(tasks(at('c'))).toEqual([3, 3, 2]);
    const b = at('b');
    expect([...s.jobs.afterJob.subarray(s.jobs.afterStart[b], s.jobs.afterStart[b + 1])]).toEqual([at('a')]);
    expect(s.jobs.submitUs[b]).toBe(HOUR_US);
  });

  it('repeats and thins a log by scale', () => {
    const rows = Array.from({ length: 1000 }, (_, i) => `${i},60,1`).join('\n');
    const count = (scale: number) =>
      readScenario(`${cluster(pool)}---\n${workload(`{jobsFile: j, scale: ${scale}}`)}`, {
        readFile: () => `submit,duration,num_gpu\n${rows}\n`,
      }).jobs.count;
    expect(count(1)).toBe(1000);
    expect(count(3)).toBe(3000);
    expect(Math.abs(count(0.5) - 500)).toBeLessThan(80);
  });

  it('reads a Study beside the scenario, which a single run does not need', () => {
    const text = `${simulation('{duration: 1d}')}---\n${doc('Study', '{seeds: 20}')}`;
    expect(readDocuments(text).map((d) => d.kind)).toEqual(['Simulation', 'Study']);
    expect(readScenario(text).durationUs).toBe(86_400e6);
  });

  it('draws the same work from the same seed, and leaves one team alone when another changes', () => {
    const team = (name: string, perDay: number) =>
      `{name: ${name}, arrivals: {perDay: ${perDay}, pattern: diurnal, weekend: 0.5}, duration: {lognormal: {median: 1h, sigma: 1}}}`;
    const read = (a: number) => {
      const s = readScenario(`${cluster(pool)}---\n${workload(`{teams: [${team('a', a)}, ${team('b', 20)}]}`)}`);
      return s.jobs.ids.flatMap((id, j) =>
        id.startsWith('b/') ? [`${id} ${s.jobs.submitUs[j]} ${s.jobs.durationUs[j]}`] : [],
      );
    };
    expect(read(10)).toEqual(read(40));
    expect(read(10).length).toBeGreaterThan(300);
  });
});

describe('any text', () => {
  const whole = [...builtins.slice(0, 2).map((b) => b.text), starterScenario()];
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.integer({ min: 0, max: 30 }),
    put: fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom(
        '-1',
        '&a',
        '*a',
        '{',
        ']',
        '\n- ',
        ': ',
        '1e400',
        '\n---\n',
        '__proto__',
        '\u0000',
        '!!js/function',
        '99999999999d',
        '"',
        '|',
        '<<: ',
      ),
    ),
  });

  it('gives a scenario or a ScenarioError', () => {
    fc.assert(
      fc.property(fc.constantFrom(...whole), fc.array(edit, { minLength: 1, maxLength: 6 }), (text, edits) => {
        let t = text;
        for (const e of edits) {
          const at = Math.floor(e.at * t.length);
          t = t.slice(0, at) + e.put + t.slice(at + e.cut);
        }
        try {
          const s = readScenario(t);
          expect(s.jobs.count).toBeGreaterThanOrEqual(0);
          expect([...s.jobs.class].every((c) => c < JOB_CLASSES.length)).toBe(true);
          expect([...s.jobs.durationUs].every((d) => d >= 0)).toBe(true);
          expect([...s.jobs.submitUs].every((d) => Number.isSafeInteger(d))).toBe(true);
        } catch (error) {
          if (!(error instanceof ScenarioError)) throw error;
          expect(error.problems.length).toBeGreaterThan(0);
          expect(error.message).not.toContain('something that cannot be read');
        }
      }),
      { numRuns: 150, seed: 42 },
    );
  }, 120_000);

  it('of lines that mean nothing is refused', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        try {
          readScenario(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ScenarioError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

it('counts seconds in µs', () => {
  const s = readScenario(jobs('{duration: 1.5s}'));
  expect(s.jobs.durationUs[0]).toBe(1.5 * SECOND_US);
});
