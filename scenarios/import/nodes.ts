/** Lists of nodes: nodes per virtual cluster (`vc,node num`), or a row a node (`sn,cpu_milli,memory_mib,gpu,model`). */

import { gpuModel, gpuModelNames } from '../catalogue/gpus.ts';
import { splitCsvLine } from '../jobs-csv.ts';
import { MAX_GPUS } from '../schema.ts';
import { pseudonym } from './anonymise.ts';
import { columnsOf, type ImportOptions, UserError, unknownName } from './importer.ts';
import { MAX_NAME } from './names.ts';
import { decimal } from './values.ts';

export interface Pool {
  /** Virtual cluster, '' for jobs of any. */
  key: string;
  nodes: number;
  gpusPerNode: number;
}

/** Like nodes beside each other. CPU and memory that the list does not state are without bound. */
export interface NodeKind {
  /** Catalogue name; empty for nodes without GPUs. */
  model: string;
  gpus: number;
  cpuMilli: number;
  memoryMiB: number;
  count: number;
}

/** Nodes as given: pools of like nodes, or a CSV for the scenario's nodesFile. */
export interface NodeList {
  pools: Pool[];
  csv: string;
  /** GPUs altogether. */
  gpus: number;
  /** What each pool has: by virtual cluster, or by GPU model as the scenario's reader makes pools. */
  rooms: Map<string, NodeKind[]>;
}

/** Names of virtual clusters as they will be written. */
export function renamePools(list: NodeList, rename: (key: string) => string): NodeList {
  if (list.csv !== '') return list;
  const pools = list.pools.map((p) => ({ ...p, key: rename(p.key) }));
  const names = pools.map((p) => p.key);
  const twice = names.find((n, i) => names.indexOf(n) !== i);
  if (twice !== undefined) throw new UserError(`list of nodes: two virtual clusters would both be named '${twice}'`);
  return { ...list, pools, rooms: new Map([...list.rooms].map(([key, kinds]) => [rename(key), kinds])) };
}

/** The most nodes or GPUs that a scenario may have. */
const MAX_NODES = MAX_GPUS;

export function readNodes(text: string, options: ImportOptions): NodeList {
  const lines = text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((line, i) => ({ line, number: i + 1 }))
    .filter((l) => l.line.trim() !== '');
  const long = lines.find((l) => l.line.length > 10_000);
  if (long !== undefined)
    throw new UserError(
      `list of nodes, line ${long.number} is longer than 10,000 characters: this is no list of nodes`,
    );
  if (lines.length < 2) throw new UserError('the list of nodes is empty');
  const columns = columnsOf(splitCsvLine(lines[0].line));
  const [vc, nodes] = [columns.at('vc', 'cluster', 'pool'), columns.at('node num', 'node_num', 'nodes', 'num')];
  const rows = lines.slice(1).map(({ line, number }) => ({ cells: splitCsvLine(line).map((c) => c.trim()), number }));
  for (const { cells, number } of rows) {
    if (cells.length !== columns.names.length)
      throw new UserError(
        `list of nodes, line ${number}: ${cells.length} fields, the header has ${columns.names.length}`,
      );
  }
  const whole = (cells: string[], at: number, number: number, max: number): number => {
    const n = decimal(cells[at]);
    if (n === undefined || !Number.isInteger(n) || n < 0 || n > max) {
      throw new UserError(
        `list of nodes, line ${number}: '${cells[at].slice(0, 40)}' is not a whole number from 0 to ${max}`,
      );
    }
    return n;
  };
  if (vc >= 0 && nodes >= 0) {
    const gpusPerNode = options.gpusPerNode ?? 8;
    const pools: Pool[] = [];
    const seen = new Set<string>();
    for (const { cells, number } of rows) {
      if (cells[vc] === '' || cells[vc].length > MAX_NAME)
        throw new UserError(
          `list of nodes, line ${number}: a virtual cluster has a name of 1 to ${MAX_NAME} characters`,
        );
      if (seen.has(cells[vc]))
        throw new UserError(`list of nodes, line ${number}: '${cells[vc].slice(0, 40)}' a second time`);
      seen.add(cells[vc]);
      const count = whole(cells, nodes, number, MAX_NODES);
      if (count > 0) pools.push({ key: cells[vc], nodes: count, gpusPerNode });
    }
    if (pools.length === 0) throw new UserError('the list of nodes holds no nodes');
    const gpus = pools.reduce((sum, p) => sum + p.nodes * p.gpusPerNode, 0);
    if (gpus > MAX_GPUS) throw new UserError(`the list of nodes has ${gpus} GPUs, a scenario at most ${MAX_GPUS}`);
    const model = gpuModel(options.gpuModel ?? 'unknown')?.name ?? '';
    const rooms = new Map(
      pools.map((p) => [
        p.key,
        [{ model, gpus: gpusPerNode, cpuMilli: Infinity, memoryMiB: Infinity, count: p.nodes }],
      ]),
    );
    return { pools, csv: '', gpus, rooms };
  }
  const name = columns.at('sn', 'node_name', 'name', 'node');
  const gpus = columns.at('gpu', 'gpus', 'gpu_capacity_num', 'num_gpu');
  const [model, cpu, cpus, memory] = [
    columns.at('model', 'gpu_model'),
    columns.at('cpu_milli'),
    columns.at('cpu_num', 'cpus'),
    columns.at('memory_mib'),
  ];
  if (gpus < 0 || model < 0) {
    throw new UserError(
      `the list of nodes begins '${lines[0].line.slice(0, 80)}': expected 'vc,node num' or 'sn,cpu_milli,memory_mib,gpu,model'`,
    );
  }
  let total = 0;
  const labels = new Set<string>();
  const rooms = new Map<string, NodeKind[]>();
  const out = ['sn,cpu_milli,memory_mib,gpu,model'];
  for (const [i, { cells, number }] of rows.entries()) {
    const count = whole(cells, gpus, number, 32);
    const known = gpuModel(cells[model]);
    if (count > 0 && known === undefined) {
      const e = unknownName('GPU model', cells[model], gpuModelNames());
      throw new UserError(`list of nodes, line ${number}: ${e.message}`);
    }
    total += count;
    // '#' would begin a comment, and a comma or a quote another cell.
    const given = name < 0 || cells[name] === '' ? `node-${i}` : cells[name].replace(/[\s,"#]+/g, '-');
    const label = options.anonymiseSalt === undefined ? given : pseudonym('node', given, options.anonymiseSalt);
    if (labels.has(label))
      throw new UserError(`list of nodes, line ${number}: node '${given.slice(0, 40)}' a second time`);
    labels.add(label);
    const cores = cpus >= 0 && cells[cpus] !== '' ? 1000 * whole(cells, cpus, number, 1e6) : '';
    const cpuMilli = cpu >= 0 && cells[cpu] !== '' ? whole(cells, cpu, number, 1e9) : cores;
    const mib = memory >= 0 && cells[memory] !== '' ? whole(cells, memory, number, 1e12) : '';
    out.push([label, cpuMilli, mib, count, count > 0 ? cells[model] : ''].join(','));
    const poolKey = count > 0 && known !== undefined ? known.name : '';
    let pool = rooms.get(poolKey);
    if (pool === undefined) rooms.set(poolKey, (pool = []));
    pool.push({
      model: poolKey,
      gpus: count,
      cpuMilli: cpuMilli === '' ? Infinity : cpuMilli,
      memoryMiB: mib === '' ? Infinity : mib,
      count: 1,
    });
  }
  if (total > MAX_GPUS) throw new UserError(`the list of nodes has ${total} GPUs, a scenario at most ${MAX_GPUS}`);
  return { pools: [], csv: `${out.join('\n')}\n`, gpus: total, rooms };
}
