/** Lists of nodes: nodes per virtual cluster (`vc,node num`), or a row a node (`sn,cpu_milli,memory_mib,gpu,model`). */

import { gpuModel, gpuModelNames } from '../catalogue/gpus.ts';
import { columnsOf, type ImportOptions, unknownName, UserError } from './importer.ts';
import { pseudonym } from './anonymise.ts';
import { decimal } from './values.ts';

export interface Pool {
  /** Virtual cluster, '' for jobs of any. */
  key: string;
  nodes: number;
  gpusPerNode: number;
}

/** Nodes as given: pools of like nodes, or a CSV for the scenario's nodesFile. */
export interface NodeList {
  pools: Pool[];
  csv: string;
  /** GPUs altogether, and of the largest node. */
  gpus: number;
}

export function readNodes(text: string, options: ImportOptions): NodeList {
  const lines = text.replace(/^\ufeff/, '').split(/\r?\n/).map((line, i) => ({ line, number: i + 1 })).filter((l) => l.line.trim() !== '');
  if (lines.length < 2) throw new UserError('the list of nodes is empty');
  if (lines[0].line.length > 10_000) throw new UserError('the first line of the list of nodes is no header');
  const columns = columnsOf(lines[0].line.split(','));
  const [vc, nodes] = [columns.at('vc', 'cluster', 'pool'), columns.at('node num', 'node_num', 'nodes', 'num')];
  const rows = lines.slice(1).map(({ line, number }) => ({ cells: line.split(',').map((c) => c.trim()), number }));
  for (const { cells, number } of rows) {
    if (cells.length !== columns.names.length) throw new UserError(`list of nodes, line ${number}: ${cells.length} fields, the header has ${columns.names.length}`);
  }
  const whole = (cells: string[], at: number, number: number, max: number): number => {
    const n = decimal(cells[at]);
    if (n === undefined || !Number.isInteger(n) || n < 0 || n > max) {
      throw new UserError(`list of nodes, line ${number}: '${cells[at].slice(0, 40)}' is not a whole number from 0 to ${max}`);
    }
    return n;
  };
  if (vc >= 0 && nodes >= 0) {
    const gpusPerNode = options.gpusPerNode ?? 8;
    const pools: Pool[] = [];
    for (const { cells, number } of rows) {
      if (pools.some((p) => p.key === cells[vc])) throw new UserError(`list of nodes, line ${number}: '${cells[vc].slice(0, 40)}' a second time`);
      const count = whole(cells, nodes, number, 1_000_000);
      if (count > 0) pools.push({ key: cells[vc], nodes: count, gpusPerNode });
    }
    if (pools.length === 0) throw new UserError('the list of nodes holds no nodes');
    return { pools, csv: '', gpus: pools.reduce((sum, p) => sum + p.nodes * p.gpusPerNode, 0) };
  }
  const name = columns.at('sn', 'node_name', 'name', 'node');
  const gpus = columns.at('gpu', 'gpus', 'gpu_capacity_num', 'num_gpu');
  const [model, cpu, cpus, memory] = [columns.at('model', 'gpu_model'), columns.at('cpu_milli'), columns.at('cpu_num', 'cpus'), columns.at('memory_mib')];
  if (gpus < 0 || model < 0) {
    throw new UserError(`the list of nodes begins '${lines[0].line.slice(0, 80)}': expected 'vc,node num' or 'sn,cpu_milli,memory_mib,gpu,model'`);
  }
  let total = 0;
  const out = ['sn,cpu_milli,memory_mib,gpu,model'];
  for (const [i, { cells, number }] of rows.entries()) {
    const count = whole(cells, gpus, number, 32);
    const known = gpuModel(cells[model]);
    if (count > 0 && known === undefined) {
      const e = unknownName('GPU model', cells[model], gpuModelNames());
      throw new UserError(`list of nodes, line ${number}: ${e.message}`);
    }
    total += count;
    const given = name < 0 || cells[name] === '' ? `node-${i}` : cells[name].replace(/\s+/g, '-');
    const label = options.anonymiseSalt === undefined ? given : pseudonym('node', given, options.anonymiseSalt);
    const cpuMilli = cpu >= 0 ? cells[cpu] && whole(cells, cpu, number, 1e9) : cpus >= 0 ? cells[cpus] && 1000 * whole(cells, cpus, number, 1e6) : '';
    const mib = memory >= 0 && cells[memory] !== '' ? whole(cells, memory, number, 1e12) : '';
    out.push([label, cpuMilli, mib, count, count > 0 ? cells[model] : ''].join(','));
  }
  return { pools: [], csv: `${out.join('\n')}\n`, gpus: total };
}
