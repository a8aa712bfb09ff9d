/** What is left when there is nothing to divide by: no GPUs, no prices, no gain, work that never ends; through every report and study. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { builtCli } from './testing.ts';

const cli = builtCli('edges');
const { run: simsup, at } = cli;

const scenario = (
  pools: string,
  work: string,
  simulation = 'duration: 12h, policy: runai',
) => `apiVersion: simsup.dev/v1
kind: Cluster
spec: {controlPlane: {nodes: 0}, pools: [${pools}]}
---
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: edge}
spec: {${simulation}}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {project: p, ${work}}
---
apiVersion: simsup.dev/v1
kind: Study
metadata: {name: s}
spec: {seeds: 2, grid: {workload.scale: [0.5, 1]}}
`;
const team = (gpus: number) =>
  `teams: [{name: t, arrivals: {perDay: 40}, sizes: [{gpus: ${gpus}}], duration: {exponential: {mean: 1h}}}]`;

const SCENARIOS = {
  'none.yaml': scenario('{name: login, nodes: 1, price: $1/h}', team(0)),
  'free.yaml': scenario('{name: h, gpuModel: H100, nodes: 2, gpusPerNode: 8, price: $0/h}', team(2)),
  'one.yaml': scenario('{name: h, gpuModel: H100, nodes: 1, gpusPerNode: 1, price: $2/h}', team(1)),
  // Two gangs get a node each of the two, one worker at a time (sim/policy/kubernetes/kubernetes.test.ts says how).
  'stuck.yaml': scenario(
    '{name: h, gpuModel: H100, nodes: 2, gpusPerNode: 8, price: $2/h}, {name: i, gpuModel: H100, nodes: 1, gpusPerNode: 4, price: $2/h}',
    `jobs: [{gpus: 8, duration: 15s}, {gpus: 8, duration: 15200ms}, {gpus: 1, duration: 6s}, {gpus: 1, duration: 11500ms},
  {id: a, gpus: 16, workers: 2, submit: 1s, duration: 100s}, {id: b, gpus: 16, workers: 2, submit: 12s, duration: 100s}]`,
    'duration: until-done, policy: kubernetes',
  ),
};
type File = keyof typeof SCENARIOS;

/** Commands by name; where it can, each writes all its forms. */
const COMMANDS: Record<string, (file: File) => string[]> = {
  run: (file) => ['run', file, '--out', `${file}.run`],
  compare: (file) => [
    'compare',
    file,
    '--policy',
    'kubernetes,runai',
    '--seeds',
    '2',
    ...forms(file, 'compare', false),
  ],
  stacks: (file) => ['compare', file, '--stack', 'vanilla-kubernetes,mission-control', '--seeds', '2', '--json'],
  sweep: (file) => ['sweep', file, '--out', `${file}.sweep`],
  plan: (file) => ['plan', file, '--target', 'p95 wait <= 2h', '--target', 'cost <= 5000', ...forms(file, 'plan')],
  'break-even': (file) => [
    ...['report', 'break-even', file, '--stack', 'vanilla-kubernetes,mission-control', '--seeds', '2'],
    ...['--no-sensitivity', ...forms(file, 'break-even')],
  ],
  reliability: (file) => ['report', 'reliability', file, '--seeds', '2', ...forms(file, 'reliability')],
  chargeback: (file) => [
    ...['report', 'chargeback', file, '--focus', `${file}.focus`, '--metrics', `${file}.prom`],
    ...forms(file, 'chargeback'),
  ],
  slo: (file) => ['report', 'slo', file, ...forms(file, 'slo')],
  checkpoint: (file) => ['checkpoint', file],
};
const forms = (file: string, what: string, csv = true) =>
  ['html', 'markdown', ...(csv ? ['csv'] : [])].flatMap((form) => [`--${form}`, `${file}.${what}.${form}`]);

beforeAll(() => {
  for (const [name, text] of Object.entries(SCENARIOS)) writeFileSync(at(name), text);
});

/** Everything that was written for it, and what was said. */
function* written(folder: string, prefix: string): Generator<[string, string]> {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix) || name.endsWith('.yaml') || name.endsWith('.parquet')) continue;
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* written(path, '');
    else yield [name, readFileSync(path, 'utf8')];
  }
}

/** Half a number, or the wrong number of one. */
const NO_FIGURE =
  /\bNaN\b|\bInfinity\b|\bundefined\b|\[object|−\$0\b|\b1 (GPUs|jobs|nodes|seeds|runs|months|points|candidates|stacks|cells)\b/;

const CASES: [File, string, string | RegExp][] = [
  ['none.yaml', 'run', 'Cost $12.00'],
  ['none.yaml', 'compare', 'cost: the same in every run ($12.00)'],
  ['none.yaml', 'stacks', 'cost per useful GPU-hour: not every run has it'],
  ['none.yaml', 'sweep', '2 points × 2 seeds = 4 runs'],
  ['none.yaml', 'plan', 'Cheapest that meets all targets'],
  ['none.yaml', 'break-even', 'The cluster has no GPUs: there is nothing to license and nothing to gain.'],
  ['none.yaml', 'reliability', 'The cluster has no GPUs: there is nothing that could fail.'],
  ['none.yaml', 'chargeback', 'who pays $12.00'],
  ['none.yaml', 'slo', 'no request was served and no target judged'],
  ['none.yaml', 'checkpoint', 'edge has no training job'],
  ['free.yaml', 'break-even', 'No GPU has a price, so useful work has no value in dollars'],
  ['free.yaml', 'plan', 'for $0.00'],
  ['free.yaml', 'reliability', 'With faults noticed in half the time: the same work.'],
  ['free.yaml', 'chargeback', 'who pays $0.00'],
  ['one.yaml', 'break-even', /does not pay here at any licence price: .* gives \$0 of useful work/],
  ['stuck.yaml', 'run', 'Stalled: 2 jobs wait for GPUs, and nothing can happen any more'],
  ['stuck.yaml', 'compare', 'kubernetes never finishes its work in 2 of 2 seeds'],
  ['stuck.yaml', 'sweep', 'In 2 of 2 points some jobs never run'],
  ['stuck.yaml', 'plan', 'None of the 2 candidates runs every job'],
  ['stuck.yaml', 'break-even', 'vanilla Kubernetes never finishes its work in 2 of 2 seeds'],
  ['stuck.yaml', 'reliability', 'edge never finishes its work in 2 of 2 seeds'],
];

describe('said plainly, without a figure that is none:', () => {
  it.each(CASES)('%s, %s', async (file, command, said) => {
    const { code, stdout, stderr } = await simsup(...COMMANDS[command](file));
    const text = stdout + stderr;
    if (typeof said === 'string') expect(text).toContain(said);
    else expect(text).toMatch(said);
    expect(code).toBe(command === 'checkpoint' ? 2 : command === 'plan' && file === 'stuck.yaml' ? 1 : 0);
    for (const [name, content] of [['printed', text], ...written(cli.folder, file)] as [string, string][]) {
      const found = NO_FIGURE.exec(content);
      expect([name, found === null ? null : content.slice(Math.max(0, found.index - 60), found.index + 40)]).toEqual([
        name,
        null,
      ]);
    }
  });
});
