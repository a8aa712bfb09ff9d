/** Sweeps as processes: the same tables however they are made, killed, gone on with or divided. */
import { execFile } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parquetReadObjects } from 'hyparquet';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { openStream } from '../../sim/engine/random.ts';
import { builtCli, PROJECT } from '../testing.ts';

const cli = builtCli('sweep');
const { run: simsup, start, at } = cli;
const TABLES = ['sweep.csv', 'sweep.html', 'sweep.md', 'sweep.parquet'];

/** Four points, one of which cannot be, on three days of the small team. */
const STUDY = `apiVersion: simsup.dev/v1
kind: Study
metadata: {name: load}
spec:
  grid:
    workload.scale: [0.8, 1.2]
    pools.h100.gpusPerNode: [8, 2]
  seeds: 3
`;
const sweep = (out: string, ...more: string[]) => [
  'sweep',
  'small-team',
  '--study',
  'study.yaml',
  '--duration',
  '3d',
  '--out',
  out,
  ...more,
];
const tables = (out: string) => Object.fromEntries(TABLES.map((name) => [name, readFileSync(at(`${out}/${name}`))]));

beforeAll(async () => {
  writeFileSync(at('study.yaml'), STUDY);
  expect(await simsup(...sweep('whole'))).toMatchObject({ code: 0 });
});

describe('simsup sweep', () => {
  it('makes one Parquet table with the hash of the scenario, and the same as CSV', async () => {
    const file = readFileSync(at('whole/sweep.parquet'));
    const rows = await parquetReadObjects({ file: new Uint8Array(file).buffer });
    expect(rows).toHaveLength(12);
    const plan = JSON.parse(readFileSync(at('whole/sweep.json'), 'utf8'));
    expect(plan.scenario).toMatch(/^[0-9a-f]{32}$/);
    for (const row of rows) expect(row).toMatchObject({ scenario: 'small-team', scenario_hash: plan.scenario });
    expect(rows[0]).toMatchObject({
      point: 1,
      'workload.scale': 0.8,
      'pools.h100.gpusPerNode': 8,
      seed: '1',
      status: 'done',
    });
    const csv = readFileSync(at('whole/sweep.csv'), 'utf8');
    expect(csv.trimEnd().split('\n')).toHaveLength(13);
    expect(Object.keys(rows[0]).join(',')).toBe(csv.slice(0, csv.indexOf('\n')));
    for (const name of TABLES) expect(String(tables('whole')[name])).not.toMatch(/\bNaN\b|Infinity|undefined/);
  });

  it('is the same table byte for byte when it is killed at random moments and gone on with', async () => {
    const chance = openStream('1', 'kill');
    let kills = 0;
    for (let code: number | null = null; code !== 0; ) {
      const { child, outcome } = start(sweep('killed'));
      // Not before anything is done, not always after everything is.
      const timer = setTimeout(() => child.kill('SIGKILL'), kills < 4 ? 300 + 2500 * chance.next() : 600_000);
      ({ code } = await outcome);
      clearTimeout(timer);
      if (code !== 0) kills++;
    }
    expect(tables('killed')).toEqual(tables('whole'));
    expect(readdirSync(at('killed')).filter((name) => name.includes('.part'))).toEqual([]);
  });

  it('passes over a torn line and one that is no run, and makes what is missing', async () => {
    const log = readFileSync(at('whole/runs.jsonl'), 'utf8').trimEnd().split('\n');
    mkdirSync(at('torn'));
    writeFileSync(
      at('torn/runs.jsonl'),
      `${log.slice(0, 5).join('\n')}\n{"scenario":1}\nnull\n${log[5].slice(0, 100)}`,
    );
    expect(await simsup(...sweep('torn'))).toMatchObject({ code: 0 });
    expect(tables('torn')).toEqual(tables('whole'));
    // Each of the others was made once.
    const lines = readFileSync(at('torn/runs.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.slice(8).map((line) => JSON.parse(line).digest ?? 'refused')).toHaveLength(7);
  });

  it('makes a run once only, whoever asks again', async () => {
    const before = readFileSync(at('whole/runs.jsonl'), 'utf8');
    expect(await simsup(...sweep('whole'))).toMatchObject({ code: 0 });
    expect(readFileSync(at('whole/runs.jsonl'), 'utf8')).toBe(before);
  });

  it('in shards, merged, is the same table; and says which are missing', async () => {
    expect(await simsup(...sweep('shards', '--shard', '1/3'))).toMatchObject({ code: 0 });
    expect(await simsup('merge', 'shards')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/8 of the 12 runs are not in shards yet/),
    });
    expect(existsSync(at('shards/sweep.csv'))).toBe(false);
    const rest = await Promise.all(['2/3', '3/3'].map((shard) => simsup(...sweep('shards', '--shard', shard))));
    expect(rest.map(({ code }) => code)).toEqual([0, 0]);
    expect(await simsup('merge', 'shards')).toMatchObject({ code: 0 });
    expect(tables('shards')).toEqual(tables('whole'));
    const other = await simsup(...sweep('shards', '--shard', '1/3', '--seeds', '2'));
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('holds another sweep') });
  });

  it('stops at Ctrl-C, keeps what was made, and says how to go on', async () => {
    const { child, outcome } = start(sweep('stopped', '--seeds', '200'));
    while (!existsSync(at('stopped/runs.jsonl')) || readFileSync(at('stopped/runs.jsonl')).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    expect(await outcome).toMatchObject({
      code: 130,
      stderr: expect.stringMatching(
        /^Stopped: \d+ of 800 runs are made and kept in stopped; the same command again goes on/,
      ),
    });
    expect(existsSync(at('stopped/sweep.csv'))).toBe(false);
  });

  it('lists what can be varied and the points of a study, and refuses what cannot be', async () => {
    expect((await simsup('sweep', 'small-team', '--paths')).stdout).toMatch(/^pools\.h100\.nodes +1$/m);
    expect((await simsup(...sweep('none', '--dry-run'))).stdout).toContain('4 points × 3 seeds = 12 runs');
    expect(existsSync(at('none'))).toBe(false);
    appendFileSync(at('bad.yaml'), STUDY.replace('workload.scale', 'workload.scal').replace('[8, 2]', '[0]'));
    expect(await simsup('sweep', 'small-team', '--study', 'bad.yaml')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/bad\.yaml:6:5: .*did you mean 'workload\.scale'/),
    });
  });
});

describe('the example manifests', () => {
  const SCENARIO = `apiVersion: simsup.dev/v1
kind: Cluster
spec: {controlPlane: {nodes: 0}, pools: [{name: a, gpuModel: H100, nodes: 1, gpusPerNode: 8, price: $2/h}]}
---
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: shards}
spec: {duration: 6h, policy: fifo}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {project: p, teams: [{name: t, arrivals: {perDay: 40}, sizes: [{gpus: 1}], duration: {exponential: {mean: 1h}}}]}
`;
  const GRID = `apiVersion: simsup.dev/v1
kind: Study
metadata: {name: scale}
spec: {seeds: 4, grid: {workload.scale: [0.5, 2]}}
`;
  const example = (name: string) => readFileSync(join(PROJECT, 'docs/examples', name), 'utf8');

  /** Commands `simsup` and `npx simsup` that run what was built here. */
  beforeAll(() => {
    mkdirSync(at('bin'));
    for (const [name, skipped] of [
      ['simsup', ''],
      ['npx', 'shift\n'],
    ]) {
      writeFileSync(at(`bin/${name}`), `#!/bin/sh\n${skipped}exec "${process.execPath}" "${cli.program}" "$@"\n`);
      chmodSync(at(`bin/${name}`), 0o755);
    }
  });
  const shell = (script: string, variables: Record<string, string>) =>
    promisify(execFile)('bash', ['-c', script], {
      cwd: at('study'),
      env: { ...process.env, PATH: `${at('bin')}:${process.env.PATH}`, ...variables },
    });
  it('make the tables of one sweep together: half of the shards in an Indexed Job, the others in a Slurm array', async () => {
    mkdirSync(at('study'), { recursive: true });
    writeFileSync(at('study/scenario.yaml'), SCENARIO);
    writeFileSync(at('study/study.yaml'), GRID);
    const [job, merge] = parseAllDocuments(example('sweep-kubernetes.yaml')).map((document) => document.toJS());
    expect(job.spec).toMatchObject({ completionMode: 'Indexed', completions: 8, parallelism: 8 });
    const [shard] = job.spec.template.spec.containers;
    const mounted = shard.volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath);
    expect(mounted).toEqual(['/study', '/results']);
    // Where the array's files are: a shard is known by the paths it was given, too.
    const here = (text: string) => text.replaceAll('/study/', '').replaceAll('/results', 'results');
    expect(shard.command).toEqual(['sh', '-c']);
    const array = example('sweep-slurm.sh');
    expect(array).toContain('#SBATCH --array=0-7');
    await Promise.all(
      ['0', '1', '2', '3', '4', '5', '6', '7'].map((index) =>
        index < '4'
          ? shell(here(shard.args[0]), { JOB_COMPLETION_INDEX: index })
          : shell(array, { SLURM_ARRAY_TASK_ID: index, SLURM_CPUS_PER_TASK: '1' }),
      ),
    );
    const [merger] = merge.spec.template.spec.containers;
    await shell(here(merger.command.join(' ')), {});
    const merged = readFileSync(at('study/results/sweep.csv'), 'utf8');
    expect(merged.trimEnd().split('\n')).toHaveLength(1 + 2 * 4);
    const [, wrapped] = /--wrap '(.*)'/.exec(array) ?? [];
    await shell(wrapped, {});
    expect(readFileSync(at('study/results/sweep.csv'), 'utf8')).toBe(merged);
  }, 180_000);
});
