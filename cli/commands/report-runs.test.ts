/** Reports that run on threads, as processes. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { builtCli } from '../testing.ts';

const cli = builtCli('report-runs');
const { run: simsup, at } = cli;

const scenario = (pool: string) => `apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  pools: [${pool}]
---
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: '=<i>mine</i>'}
spec: {duration: 2d, policy: runai}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {project: '=<i>p</i>', teams: [{name: t, arrivals: {perDay: 30}, sizes: [{gpus: GPUS}], duration: {exponential: {mean: 3h}}}]}
`;
const GPUS = scenario('{name: h, gpuModel: H100-SXM5, nodes: 1, gpusPerNode: 8, price: $3.78/h}').replace('GPUS', '2');

beforeAll(() => {
  writeFileSync(at('s.yaml'), GPUS);
  writeFileSync(at('free.yaml'), GPUS.replace('$3.78/h', '$0/h'));
  writeFileSync(at('none.yaml'), scenario('{name: login, nodes: 1, price: $1/h}').replace('GPUS', '0'));
});

describe('simsup start', () => {
  it('gives the headline, where the report is, and what to do next', async () => {
    const { code, stdout } = await simsup('start', '--seeds', '1', '--out', 'report.html');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^What would Mission Control buy over vanilla Kubernetes\?/);
    expect(stdout).toMatch(/Mission Control (pays|does not pay)/);
    for (const next of ['report.html', 'simsup init', 'simsup import', 'simsup report break-even'])
      expect(stdout).toContain(next);
    const html = readFileSync(at('report.html'), 'utf8');
    expect(html).toContain('To make it again');
    expect(html).not.toMatch(/<script|NaN|undefined/);
  });

  it('is what npm start runs, and what it writes there is no change of the clone', () => {
    const project = new URL('../../', import.meta.url);
    const { scripts } = JSON.parse(readFileSync(new URL('package.json', project), 'utf8'));
    expect(scripts.start).toBe('node dist/cli/main.js start');
    expect(readFileSync(new URL('.gitignore', project), 'utf8')).toContain('/simsup-report.html');
  });
});

describe('simsup report break-even FILE', () => {
  const two = ['--stack', 'vanilla-kubernetes,mission-control', '--seeds', '2', '--no-sensitivity'];

  it('simulates it: the same twice, in every form, whatever the names', async () => {
    const forms = ['html', 'markdown', 'csv'].flatMap((form) => [`--${form}`, form]);
    const first = await simsup('report', 'break-even', 's.yaml', ...two, ...forms, '--json');
    const second = await simsup('report', 'break-even', 's.yaml', ...two, '--threads', '1', '--json');
    const [one, other] = [first, second].map(({ stdout }) => ({ ...JSON.parse(stdout), timings: null }));
    expect(one).toEqual(other);
    // 8 GPUs × 48 h × $3.78
    expect(one.stacks[0].cost.compute.mean).toBeCloseTo(1451.52, 6);
    for (const form of ['html', 'markdown', 'csv']) {
      const text = readFileSync(at(form), 'utf8');
      expect(text).not.toMatch(/NaN|undefined|Infinity|[^\\]<i>/);
    }
  });

  it.each([
    ['free.yaml', 'No GPU has a price'],
    ['none.yaml', 'The cluster has no GPUs'],
  ])('says plainly what cannot be said: %s', async (file, said) => {
    const { code, stdout } = await simsup('report', 'break-even', file, ...two);
    expect(code).toBe(0);
    expect(stdout).toContain(said);
    expect(stdout).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('takes a price for GPUs that have none', async () => {
    const { stdout } = await simsup('report', 'break-even', 'free.yaml', ...two, '--price', '2.35', '--json');
    expect(JSON.parse(stdout).stacks[0].cost.compute.mean).toBeCloseTo(8 * 48 * 2.35, 6);
  });

  it('refuses stacks that there are not', async () => {
    expect(await simsup('report', 'break-even', 's.yaml', '--stack', 'vanilla,mission-controll')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("did you mean 'mission-control'?"),
    });
  });
});

describe('simsup report reliability and matrix', () => {
  it('answer on a small cluster', async () => {
    const { code, stdout } = await simsup('report', 'reliability', 's.yaml', '--seeds', '2', '--html', 'rel.html');
    expect(code).toBe(0);
    expect(stdout).toContain('Nothing failed in any run');
    expect(existsSync(at('rel.html'))).toBe(true);
  });

  it('compute a cell of the decision matrix', async () => {
    const cell = ['--sizes', '8', '--teams', '1', '--work', 'training', '--days', '3', '--seeds', '2'];
    const { code, stdout } = await simsup('report', 'matrix', ...cell);
    expect(code).toBe(0);
    expect(stdout).toContain('8 GPUs, 1 team, training');
    expect(stdout).toContain('k3s + GPU Operator');
  });
});
