/**
 * FGD's published experiments replayed: placement by placement where an arrival order and a node order are given, and the
 * allocation of ten seeds with arrival orders of our own against the authors' ten.
 */
import { join } from 'node:path';
import { openStream } from '../../sim/engine/random.ts';
import {
  allocationAt,
  capacityOf,
  demandOf,
  drawArrivals,
  drawNodeOrder,
  type Experiment,
  PLACEMENTS,
  readNodes,
  readPods,
  run,
} from './fgd-experiment.ts';
import { findTable, numbersOf, readTable, tableNames } from './files.ts';
import { notRun, type PeerRow } from './rows.ts';

const SEEDS = Array.from({ length: 10 }, (_, i) => 42 + i);
/** Percent of the cluster's GPUs asked for so far, at which allocations are compared. */
const POINTS = [100, 130];
/** "About 10 minutes per experiment on 2 vCPU": the authors' README, hkust-adsl/kubernetes-scheduler-simulator. */
const AUTHORS_WALL_SECONDS = 600;

/** One row a placements file, and one a workload and policy of `expected_allocation`. `dir` holds them, `tracesDir` openb-2023. */
export function fgdRows(dir: string, tracesDir: string): PeerRow[] {
  const openb = join(tracesDir, 'openb-2023');
  const rows: PeerRow[] = [];
  for (const name of tableNames(dir)) {
    const match = /^placements_(.+)_([^_]+)_seed(\d+)$/.exec(name);
    if (match === null) continue;
    const [, workload, policy, seed] = match;
    rows.push(attempt(name, policy, () => replayPlacements(dir, openb, name, workload, policy, seed)));
  }
  const expected = findTable(dir, 'expected_allocation');
  if (expected !== null) rows.push(...curveRows(expected, openb));
  if (rows.length > 0) return rows;
  return [notRun('fgd', dir, '', 'neither placements_WORKLOAD_POLICY_seedN nor expected_allocation is in this folder')];
}

function attempt(name: string, policy: string, work: () => PeerRow): PeerRow {
  try {
    return work();
  } catch (error) {
    return notRun('fgd', name, policy, (error as Error).message);
  }
}

function modulesFor(placement: string): string[] {
  return [
    'sim/policy/replay/ordered',
    `sim/policy/packing/${placement}`,
    'sim/policy/packing/scores',
    ...(placement === 'fgd' ? ['sim/policy/packing/typical'] : []),
    'sim/cluster/cluster',
  ];
}

function placementFor(policy: string): string {
  if (Object.hasOwn(PLACEMENTS, policy)) return PLACEMENTS[policy];
  throw new Error(`there is no policy '${policy}' here; there are ${Object.keys(PLACEMENTS).join(', ')}`);
}

function tracesOf(openb: string, podList: string) {
  const pods = findTable(openb, podList);
  if (pods === null)
    throw new Error(`${join(openb, podList)}.csv is not there (give the traces' folder with --traces)`);
  const nodes = findTable(openb, 'openb_node_list_gpu_node');
  if (nodes === null) throw new Error(`${join(openb, 'openb_node_list_gpu_node')}.csv is not there`);
  return { pods: readPods(pods), nodes: readNodes(nodes) };
}

function numbered(names: readonly string[], what: string): (name: string, where: string) => number {
  const numbers = new Map(names.map((name, i) => [name, i]));
  return (name, where) => {
    const number = numbers.get(name);
    if (number === undefined) throw new Error(`${where}: there is no ${what} '${name}'`);
    return number;
  };
}

/** `placements_default_FGD_seed42` with `node_order_default_seed42` beside it. */
export function replayPlacements(
  dir: string,
  openb: string,
  name: string,
  workload: string,
  policy: string,
  seed: string,
): PeerRow {
  const placement = placementFor(policy);
  const orderPath = findTable(dir, `node_order_${workload}_seed${seed}`);
  if (orderPath === null) throw new Error(`node_order_${workload}_seed${seed}.csv is not beside it`);
  const { pods, nodes } = tracesOf(openb, `openb_pod_list_${workload}`);
  const nodeNumber = numbered(nodes.name, 'node');
  const podNumber = numbered(pods.name, 'pod');
  const order = readTable(orderPath);
  const ranks = numbersOf(order, 'rank');
  const byRank = [...ranks.keys()].sort((a, b) => ranks[a] - ranks[b]);
  const nodeNames = order.column('node');
  const table = readTable(findTable(dir, name) as string);
  const experiment: Experiment = {
    pods,
    nodes,
    arrivals: table.column('trace_pod').map((pod) => podNumber(pod, table.path)),
    nodeOrder: byRank.map((i) => nodeNumber(nodeNames[i], orderPath)),
    placement,
    seed,
  };
  const ours = run(experiment);

  const theirNodes = table.column('node');
  const theirGpus = table.column('gpus');
  let equal = 0;
  let usedByUs = 0;
  let usedByThem = 0;
  let first = '';
  for (let i = 0; i < table.rows; i++) {
    const demand = demandOf(pods, experiment.arrivals[i]);
    if (ours.node[i] >= 0) usedByUs += demand;
    if (theirNodes[i] !== '') usedByThem += demand;
    const theirNode = theirNodes[i] === '' ? -1 : nodeNumber(theirNodes[i], table.path);
    if (ours.node[i] === theirNode && ours.mask[i] === maskOf(theirGpus[i])) equal++;
    else if (first === '') {
      const at = ours.node[i] < 0 ? 'refused' : `${nodes.name[ours.node[i]]} GPUs ${ours.mask[i].toString(2)}b`;
      first = `first difference at arrival ${i}: ours ${at}, theirs ${theirNodes[i] || 'refused'} ${theirGpus[i]}`;
    }
  }
  if (placement === 'random') first = `${first}; Random cannot be the same, its draws are the program's own`;
  const percent = (used: number) => Math.round((10_000 * used) / capacityOf(nodes)) / 100;
  const allocation = `final allocation ${percent(usedByUs)} %, theirs ${percent(usedByThem)} %`;
  return {
    peer: 'fgd',
    case: name,
    policy,
    jobs: table.rows,
    equal,
    maxDifference: Math.abs(percent(usedByUs) - percent(usedByThem)),
    unit: '% of GPUs allocated in the end',
    modules: modulesFor(placement),
    wallSeconds: ours.wallSeconds,
    peerWallSeconds: AUTHORS_WALL_SECONDS,
    pass: equal >= 0.999 * table.rows && table.rows > 0 && percent(usedByUs) >= percent(usedByThem),
    note: first === '' ? allocation : `${allocation}; ${first}`,
  };
}

function maskOf(gpus: string): number {
  return gpus === '' ? 0 : gpus.split('-').reduce((mask, gpu) => mask | (1 << Number(gpu)), 0);
}

interface Band {
  mean: number;
  min: number;
  max: number;
}

function curveRows(path: string, openb: string): PeerRow[] {
  let bands: Map<string, Map<number, Band>>;
  try {
    bands = readBands(path);
  } catch (error) {
    return [notRun('fgd', 'expected_allocation', '', (error as Error).message)];
  }
  return [...bands].map(([key, points]) => {
    const [workload, policy] = key.split(' ');
    return attempt(workload, policy, () => compareCurve(openb, workload, policy, points));
  });
}

function readBands(path: string): Map<string, Map<number, Band>> {
  const table = readTable(path);
  const [workload, policy] = [table.column('workload'), table.column('policy')];
  const [at, mean, min, max] = ['arrived_pct', 'mean', 'min', 'max'].map((name) => numbersOf(table, name));
  const bands = new Map<string, Map<number, Band>>();
  for (let i = 0; i < table.rows; i++) {
    const key = `${workload[i]} ${policy[i]}`;
    const points = bands.get(key) ?? new Map<number, Band>();
    points.set(at[i], { mean: mean[i], min: min[i], max: max[i] });
    bands.set(key, points);
  }
  return bands;
}

/** The mean of ten seeds must lie inside the authors' band, widened by half its width at each end. */
function compareCurve(openb: string, workload: string, policy: string, bands: Map<number, Band>): PeerRow {
  const placement = placementFor(policy);
  const { pods, nodes } = tracesOf(openb, workload);
  const sums = new Map(POINTS.map((point) => [point, 0]));
  let wallSeconds = 0;
  let arrivalsRun = 0;
  for (const seed of SEEDS) {
    const experiment: Experiment = {
      pods,
      nodes,
      arrivals: drawArrivals(pods, nodes, openStream(`${seed}`, `peers/fgd/arrivals/${workload}`)),
      nodeOrder: drawNodeOrder(nodes, openStream(`${seed}`, `peers/fgd/nodes/${workload}`)),
      placement,
      seed: `${seed}`,
    };
    const outcome = run(experiment);
    wallSeconds += outcome.wallSeconds;
    arrivalsRun += experiment.arrivals.length;
    for (const point of POINTS) {
      sums.set(point, (sums.get(point) as number) + allocationAt(experiment, outcome, point));
    }
  }
  let pass = true;
  let maxDifference = 0;
  const notes = POINTS.map((point) => {
    const band = bands.get(point);
    const mean = (sums.get(point) as number) / SEEDS.length;
    if (band === undefined) {
      pass = false;
      return `at ${point} %: ${mean.toFixed(2)}, no expected point`;
    }
    if (Number.isNaN(mean)) {
      pass = false;
      return `at ${point} %: nobody arrives there`;
    }
    const half = (band.max - band.min) / 2;
    pass &&= mean >= band.min - half && mean <= band.max + half;
    maxDifference = Math.max(maxDifference, Math.abs(mean - band.mean));
    return `at ${point} %: ${mean.toFixed(2)}, theirs ${band.mean} (${band.min} to ${band.max})`;
  });
  return {
    peer: 'fgd',
    case: workload,
    policy,
    jobs: arrivalsRun,
    equal: null,
    maxDifference: Math.round(maxDifference * 100) / 100,
    unit: '% of GPUs allocated, mean of 10 seeds',
    modules: modulesFor(placement),
    wallSeconds,
    peerWallSeconds: AUTHORS_WALL_SECONDS * SEEDS.length,
    pass,
    note: notes.join('; '),
  };
}
