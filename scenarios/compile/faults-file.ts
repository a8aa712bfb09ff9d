/**
 * Faults from a file: as `run --out` writes them (`faults.csv`), so that they strike again as they did, or with just
 * `time,node,gpu,kind`; times in seconds.
 */

import { OUT_OF_SERVICE } from '../../sim/cluster/recovery.ts';
import { FAULT_UNITS, type FaultUnit, type ListedFault } from '../../sim/scenario.ts';
import type { Report } from '../documents.ts';
import { splitCsvLine } from '../jobs-csv.ts';
import { nearestName } from '../problem.ts';
import { quote } from '../units.ts';
import type { SourceDocument } from '../yaml.ts';
import { KIND_NAMES, misfit, type Site, type UnitNames } from './faults-listed.ts';
import { linesOf, type ReadFile } from './read-file.ts';

const MOST_ROWS = 10_000_000;
/** Up to 285 years, which is as far as time goes. */
const SECONDS = /^\d{1,10}(\.\d+)?$/;
const MOST_SECONDS = Number.MAX_SAFE_INTEGER / 1e6;
const SHARE = /^(0(\.\d+)?|\d(\.\d+)?e-\d{1,3})$/;

/** What is wrong with a row. */
class Refused extends Error {
  readonly found: string;
  readonly expected: string;
  readonly nearest?: string;

  constructor(found: string, expected: string, nearest?: string) {
    super(found);
    this.found = found;
    this.expected = expected;
    this.nearest = nearest;
  }
}

/**
 * Candidates that had no effect because what they would strike was out of service may have one this time; others that had
 * none are passed over. Problems are reported with their line.
 */
export function readFaultsFile(
  path: string,
  doc: SourceDocument,
  site: Site,
  units: UnitNames,
  readFile: ReadFile,
  report: Report,
): ListedFault[] {
  const listed: ListedFault[] = [];
  let columns: Map<string, number> | undefined;
  let number = 0;
  const bad = ({ found, expected, nearest }: Pick<Refused, 'found' | 'expected' | 'nearest'>) =>
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
        bad({
          found: `columns ${cells.map((c) => c.trim()).join(', ')}`,
          expected: 'columns time (seconds), node, gpu, and kind or xid, such as the faults.csv of run --out',
        });
        return [];
      }
      const cell = (name: string) => (cells[columns?.get(name) ?? -1] ?? '').trim();
      if (cell('effective') === 'false' && cell('why') !== OUT_OF_SERVICE) continue;
      if (listed.length === MOST_ROWS) {
        bad({ found: 'more rows', expected: `at most ${MOST_ROWS}` });
        return [];
      }
      try {
        listed.push(faultOf(cell, site, units));
      } catch (problem) {
        if (!(problem instanceof Refused)) throw problem;
        bad(problem);
      }
    }
    if (columns === undefined) {
      bad({ found: 'nothing', expected: 'a line of columns (time, node, gpu, kind) and a line for each fault' });
    }
  } catch (error) {
    report.at(doc, ['spec', 'traceFile'], `${quote(path)}: ${(error as Error).message}`, 'a CSV of faults');
  }
  return listed;
}

type Cell = (column: string) => string;

/** A row. Without `scope` it is a fault of `node`. Throws what is wrong with it. */
function faultOf(cell: Cell, site: Site, units: UnitNames): ListedFault {
  const time = cell('time');
  if (!SECONDS.test(time) || Number(time) > MOST_SECONDS)
    throw new Refused(`time ${quote(time)}`, 'seconds after the start, such as 3600.5');
  const scope = (cell('scope') || 'node') as FaultUnit;
  if (!FAULT_UNITS.includes(scope))
    throw new Refused(`scope ${quote(scope)}`, `one of ${FAULT_UNITS.join(', ')}`, nearestName(scope, FAULT_UNITS));
  const pools =
    cell('pools') === ''
      ? undefined
      : cell('pools')
          .split(' ')
          .map((name) => poolOf(name, site));
  const known = units.of(scope, pools);
  const name = cell('scope') === '' ? cell('node') : cell('unit');
  const unit = known.get(name) ?? known.get(withoutGuard(name));
  if (unit === undefined)
    throw new Refused(`no ${scope} ${quote(name)}`, `a ${scope} of the cluster`, nearestName(name, known.keys()));
  const gpu = cell('gpu') === '' ? 0 : Number(cell('gpu'));
  const gpus = site.nodes.gpus[unit.nodes[0]];
  if (!Number.isInteger(gpu) || gpu < 0 || gpu >= gpus)
    throw new Refused(`GPU ${quote(cell('gpu'))}`, `a GPU of that node, 0 to ${gpus - 1}`);
  const kind = cell('kind') !== '' ? cell('kind') : `xid-${cell('xid')}`;
  if (!KIND_NAMES.includes(kind))
    throw new Refused(
      `no fault ${quote(kind)}`,
      'a kind of the catalogue, such as xid-79',
      nearestName(kind, KIND_NAMES),
    );
  const odd = misfit(kind, scope);
  if (odd !== undefined) throw new Refused(odd.found, odd.expected);
  const choice = cell('choice');
  if (choice !== '' && !SHARE.test(choice))
    throw new Refused(`choice ${quote(choice)}`, 'a number from 0 to below 1, as run --out writes it');
  return {
    atUs: Math.round(Number(time) * 1e6),
    ...{ kind, scope, unit: unit.name, nodes: unit.nodes, gpu: unit.gpu >= 0 ? unit.gpu : gpu },
    ...(pools && { pools }),
    process: cell('process') || 'listed',
    cause: cell('cause'),
    choice: Number(choice || 0),
    ...(cell('stream') !== '' && { stream: withoutGuard(cell('stream')) }),
  };
}

function poolOf(name: string, { pools }: Site): number {
  const names = pools.map((pool) => pool.name);
  const at = names.includes(name) ? names.indexOf(name) : names.indexOf(withoutGuard(name));
  if (at < 0) throw new Refused(`unknown pool ${quote(name)}`, 'pools of the cluster', nearestName(name, names));
  return at;
}

/** Text that a spreadsheet would take for a formula was written with an apostrophe in front. */
const withoutGuard = (text: string) => (text.startsWith("'") ? text.slice(1) : text);
