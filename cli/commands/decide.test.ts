/** The commands that read a snapshot, as programs call them: streams, files, refusals. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  bytesOf,
  kubectlJson,
  podGroup,
  SECRET,
  smallCluster,
  snapshotJson,
  zipOf,
} from '../../scenarios/snapshot/testing.ts';
import { decideCommand } from './decide.ts';
import { importCommand } from './import.ts';
import { commandBench, refusalOf, runner } from './testing.ts';

const bench = commandBench(({ at }) => writeFileSync(at('snapshot.zip'), zipOf(snapshotJson(smallCluster()))));
const { at } = bench;
const decide = runner(decideCommand);
const refusal = async (...args: string[]) => {
  const message = await refusalOf(decide(...args));
  expect(bench.out).toBe('');
  return message;
};

test('says what happens next, to whom and why', async () => {
  await decide(at('snapshot.zip'));
  expect(bench.out).toContain(
    'Snapshot of 2026-06-01 12:00:00 UTC, node pool default: 2 nodes, 16 GPUs; 3 workloads running',
  );
  expect(bench.out).toMatch(
    /EVICT {4}team\/train-1 {2}research, 8 GPUs on node-a\n +for team\/urgent; loses 24\.0 GPU-hours/,
  );
  expect(bench.out).toMatch(/PROMISE {2}team\/urgent/);
  expect(bench.out).toMatch(/Waiting\n {2}team\/huge {2}lab, 16 GPUs in 2 pods, for 30 min\n +It may not be displaced/);
  expect(bench.err).toBe('');
});

test('--json is alone on stdout; what was mended goes to stderr', async () => {
  writeFileSync(at('cluster.json'), bytesOf(kubectlJson(smallCluster())));
  await decide(at('cluster.json'), '--json', '--cycles', '3', '--checkpoint-every', '1h');
  const json = JSON.parse(bench.out);
  expect(json.cycles).toHaveLength(2);
  expect(json.totals.lostGpuHours).toBe(0);
  expect(json.warnings).toHaveLength(1);
  expect(bench.err).toContain('names a priority class, and the snapshot holds none');
  expect(bench.out + bench.err).not.toContain(SECRET);
});

test('--at moves the clock, and with it what is lost', async () => {
  await decide(at('snapshot.zip'), '--json', '--at', '2026-06-01T14:00:00Z');
  const json = JSON.parse(bench.out);
  expect(json.snapshot.takenAt).toBe('2026-06-01T14:00:00.000Z');
  expect(json.totals.lostGpuHours).toBe(40);
});

test('refuses what is cut short, of an unknown version, or refers to nothing, naming the object and no secret', async () => {
  const whole = bytesOf(snapshotJson(smallCluster()));
  writeFileSync(at('cut.json'), whole.subarray(0, whole.length - 5000));
  expect(await refusal(at('cut.json'))).toMatch(/^cut\.json is cut short: it ends in rawObjects\./);
  const zip = zipOf(snapshotJson(smallCluster()));
  writeFileSync(at('cut.zip'), zip.subarray(0, zip.length / 2));
  expect(await refusal(at('cut.zip'))).toMatch(/^cut\.zip is no whole ZIP archive/);
  writeFileSync(at('v9.json'), bytesOf({ ...snapshotJson(smallCluster()), version: 'v9' }));
  expect(await refusal(at('v9.json'))).toContain("version: found 'v9'");
  const lost = { ...smallCluster(), podGroups: [...(smallCluster().podGroups ?? []), podGroup('lost', 'gone')] };
  writeFileSync(at('lost.zip'), zipOf(snapshotJson(lost)));
  const message = await refusal(at('lost.zip'));
  expect(message).toContain("PodGroup team/lost: spec.queue: found 'gone', expected the name of a Queue");
  expect(message).not.toContain(SECRET);
  await decide(at('lost.zip'), '--skip-dangling');
  expect(bench.out).toContain("Its queue 'gone' does not exist.");
  expect(bench.err).toContain('left out, as the scheduler would: PodGroup team/lost');
});

test('refuses options and files that make no sense', async () => {
  expect(await refusal(at('none.zip'))).toContain('there is no such file');
  expect(await refusal(at('.'))).toContain('is a folder');
  expect(await refusal(at('snapshot.zip'), '--cycles', '0')).toContain("found '0', expected a whole number from 1");
  expect(await refusal(at('snapshot.zip'), '--at', 'noon')).toContain('expected a time such as');
  expect(await refusal(at('snapshot.zip'), '--node-pool', 'h100')).toContain("snapshot is of the pool 'default'");
});

test('import kai-snapshot writes a scenario, or only checks', async () => {
  const run = runner(importCommand);
  await run('kai-snapshot', at('snapshot.zip'), '--json');
  expect(JSON.parse(bench.out)).toMatchObject({ rows: 5, taken: 5, refused: 0 });
  bench.clear();
  await run('kai-snapshot', at('snapshot.zip'), '--out', at('mine'), '--remaining', '30m');
  expect(readdirSync(at('mine')).sort()).toEqual(['jobs.csv', 'nodes.csv', 'scenario.yaml']);
  expect(readFileSync(at('mine/jobs.csv'), 'utf8')).toContain('team/train-1,research,,0,1800,8');
  expect(bench.out).toContain('kai-snapshot: 5 rows, 5 taken');
  await expect(run('kai-snapshot', at('snapshot.zip'), '--gpu-model', 'nope')).rejects.toThrow(/unknown GPU model/);
});
