import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { explainCommand } from './explain.ts';
import { runCommand } from './run.ts';
import { commandBench, refusalOf, runner } from './testing.ts';

const SCENARIO = `apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: gpus, gpuModel: H100-SXM5, nodes: 1, gpusPerNode: 8}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  jobs:
    - {id: first, gpus: 8, duration: 1h}
    - {id: "second,one", gpus: 4, submit: 10m, duration: 1h}
---
apiVersion: simsup.dev/v1
kind: Simulation
spec: {policy: fifo, duration: 90m}
`;
const bench = commandBench(({ at }) => writeFileSync(at('s.yaml'), SCENARIO));
const { at } = bench;
const explain = runner(explainCommand);
const told = async (...args: string[]) => {
  bench.clear();
  await explain(...args);
  return bench.out;
};
const simulate = () => runner(runCommand)(at('s.yaml'), '--out', at('run'));
const refusal = (...args: string[]) => refusalOf(explain(...args));

test('tells the same from the files of a run as from running the scenario again', async () => {
  await simulate();
  const again = await told(at('s.yaml'), 'second,one');
  expect(again).toMatch(/00:10:00 {2}submitted to project .*: 4 GPUs\./);
  expect(again).toMatch(/01:00:00 {2}starts on gpus-0, after waiting 50 min/);
  expect(again).toMatch(/01:30:00 {2}still runs when the simulation ends, for 30 min so far\./);
  expect(await told(at('run'), 'second,one')).toBe(again);
  expect(await told(at('run/run.json'), 'second,one')).toBe(again);
});

test('--json has the steps with their times', async () => {
  const json = JSON.parse(await told(at('s.yaml'), 'first', '--json'));
  expect(json).toMatchObject({ job: 'first', gpus: 8, policy: 'fifo', status: 'completed' });
  expect(
    json.life.map((step: { seconds: number; event: string; clock: string }) => [step.seconds, step.event, step.clock]),
  ).toEqual([
    [0, 'submit', '00:00:00'],
    [0, 'start', '00:00:00'],
    [3600, 'complete', '01:00:00'],
  ]);
});

test('an unknown job is refused, with the nearest', async () => {
  expect(await refusal(at('s.yaml'), 'frist')).toBe("there is no job 'frist' in this run; the nearest: first");
  await simulate();
  expect(await refusal(at('run'), 'second')).toContain('the nearest: second,one');
  expect(await refusal(at('run'), 'zzz')).toBe("there is no job 'zzz' in this run, but 2 others, such as first");
});

test('what is no run is refused', async () => {
  expect(await refusal(at('.'), 'first')).toContain('it has no run.json');
  writeFileSync(at('run.json'), '{}');
  expect(await refusal(at('.'), 'first')).toContain('has no jobs.csv');
});
