/** A view's table as CSV or Parquet. Loaded when somebody asks for one. */
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { csvField } from '../reports/csv.ts';
import type { TableData } from './views/view.ts';

export function csvOf({ columns }: TableData): string {
  const rows = columns[0]?.values.length ?? 0;
  const cell = (value: string | number | null) =>
    value === null ? '' : typeof value === 'number' ? String(value) : csvField(value);
  const lines = [columns.map(({ name }) => csvField(name)).join(',')];
  for (let i = 0; i < rows; i++) lines.push(columns.map(({ values }) => cell(values[i] ?? null)).join(','));
  return `${lines.join('\n')}\n`;
}

export function parquetOf({ columns }: TableData): Uint8Array {
  const rows = Math.max(0, ...columns.map(({ values }) => values.length));
  const columnData: ColumnSource[] = columns.map(({ name, values }) => {
    const numbers = values.some((value) => typeof value === 'number');
    const data = Array.from({ length: rows }, (_, i) => values[i] ?? null);
    return { name, data, type: numbers ? 'DOUBLE' : 'STRING', nullable: true };
  });
  return new Uint8Array(parquetWriteBuffer({ columnData }));
}
