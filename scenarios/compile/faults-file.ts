/** Faults from a file, as `run --out` writes them (`faults.csv`) or with just `time,node,gpu,kind`; times in seconds. */

import type { FaultSettings } from '../../sim/scenario.ts';
import { FAULT_KINDS } from '../../sim/world/faults/kinds.ts';
import type { Report } from '../documents.ts';
import { splitCsvLine } from '../jobs-csv.ts';
import { nearestName } from '../problem.ts';
import { quote } from '../units.ts';
import type { SourceDocument } from '../yaml.ts';
import type { CompiledCluster } from './cluster.ts';
import { linesOf, type ReadFile } from './read-file.ts';

const MOST_ROWS = 10_000_000;
const NAMES = FAULT_KINDS.map((kind) => kind.name);
/** Up to 285 years, which is as far as time goes. */
const SECONDS = /^\d{1,10}(\.\d+)?$/;
const MOST_SECONDS = Number.MAX_SAFE_INTEGER / 1e6;

/** Rows that say they had no effect (`effective` = false) are passed over. Problems are reported with their line. */
export function readFaultsFile(
  path: string,
  doc: SourceDocument,
  cluster: CompiledCluster,
  readFile: ReadFile,
  report: Report,
): FaultSettings['listed'] {
  const listed: FaultSettings['listed'] = [];
  const nodes = new Map(cluster.nodes.names.map((name, n) => [name, n]));
  let columns: Map<string, number> | undefined;
  let number = 0;
  const bad = (found: string, expected: string, nearest?: string) =>
    report.add({ file: path, line: number, column: 1, path: '', found, expected, ...(nearest && { nearest }) });
  try {
    for (const line of linesOf(readFile(path))) {
      number++;
      if (line.trim() === '' || line.startsWith('#')) continue;
      const cells = splitCsvLine(line);
      if (columns === undefined) {
        columns = new Map(cells.map((name, i) => [name.trim(), i]));
        const missing = ['time', 'node'].filter((name) => !columns?.has(name));
        if (missing.length === 0 && (columns.has('kind') || columns.has('xid'))) continue;
        bad(
          `columns ${cells.map((c) => c.trim()).join(', ')}`,
          'columns time (seconds), node, gpu, and kind or xid, such as the faults.csv of run --out',
        );
        return [];
      }
      const cell = (name: string) => (cells[columns?.get(name) ?? -1] ?? '').trim();
      if (cell('effective') === 'false') continue;
      const kind = cell('kind') !== '' ? cell('kind') : `xid-${cell('xid')}`;
      const node = nodes.get(cell('node'));
      const gpu = cell('gpu') === '' ? 0 : Number(cell('gpu'));
      if (!SECONDS.test(cell('time')) || Number(cell('time')) > MOST_SECONDS)
        bad(`time ${quote(cell('time'))}`, 'seconds after the start, such as 3600.5');
      else if (node === undefined) {
        bad(`no node ${quote(cell('node'))}`, 'a node of the cluster', nearestName(cell('node'), nodes.keys()));
      } else if (!Number.isInteger(gpu) || gpu < 0 || gpu >= Math.max(1, cluster.nodes.gpus[node])) {
        bad(`GPU ${quote(cell('gpu'))}`, `a GPU of that node, 0 to ${cluster.nodes.gpus[node] - 1}`);
      } else if (!NAMES.includes(kind)) {
        bad(`no fault ${quote(kind)}`, 'a kind of the catalogue, such as xid-79', nearestName(kind, NAMES));
      } else if (listed.length === MOST_ROWS) {
        bad('more rows', `at most ${MOST_ROWS}`);
        return [];
      } else listed.push({ atUs: Math.round(Number(cell('time')) * 1e6), node, gpu, kind });
    }
    if (columns === undefined) bad('nothing', 'a line of columns (time, node, gpu, kind) and a line for each fault');
  } catch (error) {
    report.at(doc, ['spec', 'traceFile'], `${quote(path)}: ${(error as Error).message}`, 'a CSV of faults');
  }
  return listed;
}
