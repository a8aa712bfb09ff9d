/** A CSV of nodes, as openb's: `sn,cpu_milli,memory_mib,gpu,model`. */

import { type GpuModel, gpuModel, gpuModelSpellings } from '../catalogue/gpus.ts';
import type { Report } from '../documents.ts';
import { splitCsvLine } from '../jobs-csv.ts';
import { nearestName } from '../problem.ts';
import { MAX_GPUS, MAX_GPUS_PER_NODE } from '../schema.ts';
import { parseCount, quote, UnitError } from '../units.ts';
import type { SourceDocument } from '../yaml.ts';
import { linesOf, type ReadFile } from './read-file.ts';

export interface NodeRow {
  name: string;
  cpuMilli: number;
  memoryMiB: number;
  gpus: number;
  /** Undefined for a node without GPUs. */
  model: GpuModel | undefined;
}
export interface NodeFile {
  rows: NodeRow[];
}

/** Column → the names it goes by. Only `gpu` and `model` are needed. */
const COLUMNS = {
  name: ['sn', 'node_name', 'name', 'node'],
  cpuMilli: ['cpu_milli'],
  cpuNum: ['cpu_num', 'cpus'],
  memoryMiB: ['memory_mib'],
  gpus: ['gpu', 'gpus', 'gpu_capacity_num', 'num_gpu'],
  model: ['model', 'gpu_model'],
} as const;

const MAX_LINE = 10_000;

export function readNodesFile(
  path: string,
  doc: SourceDocument,
  readFile: ReadFile,
  report: Report,
): NodeFile | undefined {
  const rows: NodeRow[] = [];
  const names = new Set<string>();
  let columns: Record<keyof typeof COLUMNS, number> | undefined;
  let lineNumber = 0;
  let gpuTotal = 0;
  const bad = (column: number, found: string, expected: string, nearest?: string) =>
    report.add({ file: path, line: lineNumber, column, path: '', found, expected, ...(nearest && { nearest }) });
  try {
    for (const line of linesOf(readFile(path))) {
      lineNumber++;
      if (line.length > MAX_LINE) {
        bad(1, 'a very long line', `lines of at most ${MAX_LINE} characters`);
        return undefined;
      }
      if (line.trim() === '' || line.startsWith('#')) continue;
      const cells = splitCsvLine(line);
      if (columns === undefined) {
        columns = header(cells);
        if (columns.gpus < 0 || columns.model < 0) {
          bad(
            1,
            `columns ${quote(line)}`,
            'a header with at least gpu and model, such as sn,cpu_milli,memory_mib,gpu,model',
          );
          return undefined;
        }
        continue;
      }
      const cols = columns;
      const cell = (key: keyof typeof COLUMNS) => (cols[key] < 0 ? '' : (cells[cols[key]] ?? '').trim());
      try {
        const gpus = parseCount(cell('gpus'), 0, MAX_GPUS_PER_NODE);
        const modelName = cell('model');
        const model = gpuModel(modelName);
        if (gpus > 0 && model === undefined) {
          bad(
            cols.model + 1,
            `unknown GPU model ${quote(modelName)}`,
            'a GPU model of the catalogue',
            nearestName(modelName, gpuModelSpellings()),
          );
          continue;
        }
        const name = cell('name') || `node-${rows.length}`;
        if (names.has(name)) {
          bad(cols.name + 1, `node ${quote(name)} a second time`, 'each node once');
          continue;
        }
        names.add(name);
        const cpuNum = cell('cpuNum');
        const cpuMilli =
          cell('cpuMilli') !== '' ? parseCount(cell('cpuMilli')) : cpuNum === '' ? Infinity : 1000 * parseCount(cpuNum);
        const memoryMiB = cell('memoryMiB') === '' ? Infinity : parseCount(cell('memoryMiB'));
        rows.push({ name, cpuMilli, memoryMiB, gpus, model: gpus > 0 ? model : undefined });
        gpuTotal += Math.max(1, gpus);
        if (gpuTotal > MAX_GPUS) {
          bad(1, `more than ${MAX_GPUS} GPUs`, `at most ${MAX_GPUS}`);
          return undefined;
        }
      } catch (error) {
        if (!(error instanceof UnitError)) throw error;
        bad(1, error.found, error.expected);
      }
    }
  } catch (error) {
    report.at(doc, ['spec', 'nodesFile'], `a file that cannot be read (${(error as Error).message})`, 'a CSV of nodes');
    return undefined;
  }
  if (rows.length === 0 && report.problems.length === 0) {
    report.at(doc, ['spec', 'nodesFile'], 'a file without nodes', 'at least one node');
  }
  return rows.length === 0 ? undefined : { rows };
}

function header(cells: string[]): Record<keyof typeof COLUMNS, number> {
  const names = cells.map((c) => c.trim().toLowerCase());
  const find = (aliases: readonly string[]) => names.findIndex((n) => aliases.includes(n));
  return Object.fromEntries(Object.entries(COLUMNS).map(([k, v]) => [k, find(v)])) as Record<
    keyof typeof COLUMNS,
    number
  >;
}
