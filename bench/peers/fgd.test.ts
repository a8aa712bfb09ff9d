import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStream } from '../../sim/engine/random.ts';
import { fgdRows } from './fgd.ts';
import {
  allocationAt,
  capacityOf,
  demandOf,
  drawArrivals,
  drawNodeOrder,
  type Nodes,
  type Pods,
  readNodes,
  readPods,
  run,
} from './fgd-experiment.ts';
import { markdownOf } from './table.ts';

const DATA = fileURLToPath(new URL('data', import.meta.url));
const FGD = join(DATA, 'fgd');
const TRACES = join(DATA, 'traces');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'simsup-peers-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the published run of FGD, default, seed 42', () => {
  const [published, ...others] = fgdRows(FGD, TRACES);

  it('is the same placement by placement, node and GPUs', () => {
    expect(others).toEqual([]);
    expect(published).toMatchObject({ policy: 'FGD', jobs: 10_866, equal: 10_866, maxDifference: 0, pass: true });
    expect(published.note).toBe('final allocation 95.29 %, theirs 95.29 %');
    expect(published.modules).toContain('sim/policy/packing/fgd');
  });

  it('is in docs/peers.md as it comes out', () => {
    const page = readFileSync(fileURLToPath(new URL('../../docs/peers.md', import.meta.url)), 'utf8');
    expect(page).toContain(markdownOf([published]).split('\n')[2]);
  });

  it('fails, and says where, when another policy is said to have made it', () => {
    const dir = join(folder, 'other');
    mkdirSync(dir);
    copyFileSync(join(FGD, 'node_order_default_seed42.csv.gz'), join(dir, 'node_order_default_seed42.csv.gz'));
    copyFileSync(
      join(FGD, 'placements_default_FGD_seed42.csv.gz'),
      join(dir, 'placements_default_BestFit_seed42.csv.gz'),
    );
    const [row] = fgdRows(dir, TRACES);
    expect(row.pass).toBe(false);
    expect(row.equal).toBeLessThan(5000);
    expect(row.note).toMatch(/first difference at arrival \d+: ours/);
  });
});

describe('what cannot be run', () => {
  it('is a row with the reason', () => {
    const dir = join(folder, 'broken');
    mkdirSync(dir);
    const placements = 'i,pod,trace_pod,node,gpus\n0,a,openb-pod-0001,openb-node-0000,0\n';
    writeFileSync(join(dir, 'placements_default_FGD_seed1.csv'), placements);
    writeFileSync(join(dir, 'placements_default_Tetris_seed1.csv'), placements);
    writeFileSync(join(dir, 'placements_nowhere_FGD_seed1.csv'), placements);
    writeFileSync(join(dir, 'node_order_nowhere_seed1.csv'), 'rank,node\n0,openb-node-0000\n');
    writeFileSync(join(dir, 'placements_default_FGD_seed2.csv'), 'i,pod,trace_pod,node,gpus\n0,a,mars,,\n');
    writeFileSync(join(dir, 'node_order_default_seed2.csv'), 'rank,node\n0,openb-node-0000\n');
    writeFileSync(join(dir, 'placements_default_FGD_seed3.csv.gz'), 'not gzipped');
    writeFileSync(join(dir, 'node_order_default_seed3.csv'), 'rank,node\n0,openb-node-0000\n');
    const rows = fgdRows(dir, TRACES);
    expect(rows.every(({ pass }) => !pass)).toBe(true);
    const notes = Object.fromEntries(rows.map((row) => [row.case, row.note]));
    expect(notes.placements_default_FGD_seed1).toBe('node_order_default_seed1.csv is not beside it');
    expect(notes.placements_default_FGD_seed2).toMatch(/there is no pod 'mars'/);
    expect(notes.placements_default_FGD_seed3).toMatch(/is no gzip file/);
    expect(notes.placements_default_Tetris_seed1).toMatch(
      /there is no policy 'Tetris' here; there are Random, DotProd/,
    );
    expect(notes.placements_nowhere_FGD_seed1).toMatch(/openb_pod_list_nowhere\.csv is not there/);
  });
});

describe('the allocation of ten seeds', () => {
  it("passes inside the authors' band widened by half its width, at both points", () => {
    const dir = join(folder, 'curves');
    const openb = join(folder, 'openb-2023');
    mkdirSync(dir);
    mkdirSync(openb);
    // Ten pods of one GPU, and three drawn again (13 GPUs are 130 %), arrive at two nodes of five GPUs.
    const pod = (i: number) => `pod-${i},1000,1,1,1000`;
    const header = 'name,cpu_milli,memory_mib,num_gpu,gpu_milli';
    writeFileSync(
      join(openb, 'openb_pod_list_ten.csv'),
      [header, ...Array.from({ length: 10 }, (_, i) => pod(i))].join('\n'),
    );
    writeFileSync(
      join(openb, 'openb_node_list_gpu_node.csv'),
      'sn,cpu_milli,memory_mib,gpu,model\na,8000,100,5,T4\nb,8000,100,5,P100\n',
    );
    const band = (policy: string, at: number, min: number, max: number) =>
      `openb_pod_list_ten,${policy},${at},${(min + max) / 2},${min},${max}`;
    writeFileSync(
      join(dir, 'expected_allocation.csv'),
      [
        'workload,policy,arrived_pct,mean,min,max',
        ...[band('FGD', 100, 97, 99), band('FGD', 130, 97, 99)],
        ...[band('BestFit', 100, 97, 99), band('BestFit', 130, 97, 98.9)],
        ...[band('Random', 100, 100, 100), band('Tetris', 100, 0, 1)],
      ].join('\n'),
    );
    const rows = fgdRows(dir, folder);
    expect(rows.map(({ policy, pass }) => [policy, pass])).toEqual([
      ['FGD', true],
      ['BestFit', false],
      ['Random', false],
      ['Tetris', false],
    ]);
    expect(rows[0]).toMatchObject({ jobs: 130, equal: null, maxDifference: 2 });
    expect(rows[2].note).toBe('at 100 %: 100.00, theirs 100 (100 to 100); at 130 %: 100.00, no expected point');
  });
});

const pods = (): Pods => readPods(join(TRACES, 'openb-2023/openb_pod_list_default.csv.gz'));
const nodes = (): Nodes => readNodes(join(TRACES, 'openb-2023/openb_node_list_gpu_node.csv.gz'));

describe('an arrival order of our own', () => {
  it('is the trace shuffled, then pods drawn again up to 130 % of the cluster', () => {
    const [trace, cluster] = [pods(), nodes()];
    const arrivals = drawArrivals(trace, cluster, openStream('42', 'test'));
    expect(arrivals.slice(0, trace.name.length).sort((a, b) => a - b)).toEqual([...trace.name.keys()]);
    const asked = arrivals.reduce((sum, pod) => sum + demandOf(trace, pod), 0) / capacityOf(cluster);
    expect(asked).toBeGreaterThan(1.2985);
    expect(asked).toBeLessThan(1.3012);
    expect(drawNodeOrder(cluster, openStream('42', 'test')).sort((a, b) => a - b)).toEqual([...cluster.name.keys()]);
  });

  it('leaves pods out where the trace asks for more than that', () => {
    const [trace, cluster] = [pods(), nodes()];
    const small: Nodes = { ...cluster, gpus: cluster.gpus.map((gpus) => Math.min(gpus, 4)) };
    const arrivals = drawArrivals(trace, small, openStream('42', 'test'));
    const asked = arrivals.reduce((sum, pod) => sum + demandOf(trace, pod), 0) / capacityOf(small);
    expect(new Set(arrivals).size).toBe(arrivals.length);
    expect(asked).toBeLessThanOrEqual(1.3);
    expect(asked).toBeGreaterThan(1.296);
  });
});

describe('the curve', () => {
  const cluster: Nodes = {
    name: ['a', 'b'],
    cpuMilli: Float64Array.of(8000, 8000),
    memoryMiB: Float64Array.of(100, 100),
    gpus: Float64Array.of(2, 2),
    model: ['T4', 'P100'],
  };
  const trace: Pods = {
    name: ['share', 'pair', 'picky'],
    cpuMilli: Float64Array.of(1000, 1000, 1000),
    memoryMiB: Float64Array.of(1, 1, 1),
    gpus: Float64Array.of(1, 2, 1),
    milli: Float64Array.of(500, 1000, 1000),
    spec: ['', '', 'P100|V100M32'],
  };

  it('averages the arrivals whose percentage rounds to the point, and lets models in that a pod names', () => {
    const experiment = {
      pods: trace,
      nodes: cluster,
      // 25 % picky, 37.5 % share, 87.5 % pair (38 and 88 rounded half to even), 137.5 % a pair that no longer fits.
      arrivals: [2, 0, 1, 1],
      nodeOrder: [0, 1],
      placement: 'bestfit-weighted',
      seed: '1',
    };
    const outcome = run(experiment);
    expect([...outcome.node]).toEqual([1, 1, 0, -1]);
    expect([...outcome.mask]).toEqual([1, 2, 3, 0]);
    expect([25, 38, 88, 138].map((percent) => allocationAt(experiment, outcome, percent))).toEqual([
      25, 37.5, 87.5, 87.5,
    ]);
    // Nobody arrives at 87 or 24: their neighbours stand in.
    expect(allocationAt(experiment, outcome, 87)).toBe(87.5);
    expect(allocationAt(experiment, outcome, 24)).toBe(25);
  });
});
