/** Sweeps as processes: the same tables however they are made, killed, gone on with or divided. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parquetReadObjects } from 'hyparquet';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStream } from '../../sim/engine/random.ts';
import { builtCli } from '../testing.ts';

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
