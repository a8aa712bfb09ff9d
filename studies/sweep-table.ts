/** A sweep's result as one table: a row a run, in the study's order, nothing in it that depends on when or where it ran. */
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { csvField } from '../reports/csv.ts';
import { shown } from '../scenarios/paths.ts';
import type { Plain } from '../scenarios/yaml.ts';
import type { SweepPlan, SweepRow } from './sweep.ts';

interface Column {
  name: string;
  type: 'STRING' | 'DOUBLE' | 'INT32';
  values: (string | number | null)[];
}

/** Names that an axis or a figure may not take from a column of ours: they are written `axis:…`. */
const OWN = ['point', 'seed', 'status', 'reason', 'digest', 'scenario', 'scenario_hash', 'version'];

export function sweepColumns(plan: SweepPlan, rows: readonly SweepRow[]): Column[] {
  const text = (name: string, of: (row: SweepRow) => string | null): Column => ({
    name,
    type: 'STRING',
    values: rows.map(of),
  });
  const figures = plan.study.figures.length > 0 ? plan.study.figures : plan.figures.map(({ id }) => id);
  return [
    { name: 'point', type: 'INT32', values: rows.map(({ number }) => number) },
    ...plan.study.axes.map((path) =>
      axisColumn(
        OWN.includes(path) ? `axis:${path}` : path,
        rows.map(({ point }) => point[path]),
      ),
    ),
    text('seed', ({ seed }) => seed),
    text('status', ({ outcome }) => ('refused' in outcome ? 'refused' : 'done')),
    ...figures.map(
      (id): Column => ({
        name: id,
        type: 'DOUBLE',
        values: rows.map(({ outcome }) => ('figures' in outcome ? (outcome.figures[id] ?? null) : null)),
      }),
    ),
    text('reason', ({ outcome }) => ('refused' in outcome ? outcome.refused : null)),
    text('digest', ({ outcome }) => ('digest' in outcome ? outcome.digest : null)),
    text('scenario', () => plan.name),
    text('scenario_hash', () => plan.scenario),
    text('version', () => plan.version),
  ];
}

const NUMBER = /^-?(\d+(\.\d*)?|\.\d+)$/;

/** Numbers, if every point's value is one; else text. */
function axisColumn(name: string, values: readonly (Plain | undefined)[]): Column {
  const numbers = values.every((v) => v === undefined || (typeof v === 'string' && NUMBER.test(v)));
  return numbers
    ? { name, type: 'DOUBLE', values: values.map((v) => (v === undefined ? null : Number(v))) }
    : { name, type: 'STRING', values: values.map((v) => (v === undefined ? null : shown(v))) };
}

export function* sweepCsv(plan: SweepPlan, rows: readonly SweepRow[]): Generator<string> {
  const columns = sweepColumns(plan, rows);
  yield `${columns.map(({ name }) => csvField(name)).join(',')}\n`;
  for (let i = 0; i < rows.length; i++) {
    const cells = columns.map(({ values }) => {
      const value = values[i];
      return value === null ? '' : typeof value === 'number' ? String(value) : csvField(value);
    });
    yield `${cells.join(',')}\n`;
  }
}

export function sweepParquet(plan: SweepPlan, rows: readonly SweepRow[]): Uint8Array {
  const columnData = sweepColumns(plan, rows).map(
    ({ name, type, values }): ColumnSource => ({ name, data: values, type, nullable: values.includes(null) }),
  );
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
