/**
 * A report as a document: the same blocks become one self-contained page, Markdown, or CSV. Text is plain everywhere; each
 * form escapes it in its own way.
 */
import { type ColumnTable, from } from 'arquero';
import { csvField } from './csv.ts';
import { decimal, dollars, percent } from './format.ts';
import { escapeHtml, htmlPage, htmlTable } from './page.ts';

export type CellFormat = 'text' | 'number' | 'number1' | 'number2' | 'usd' | 'share' | 'hours';

export interface ColumnSpec {
  name: string;
  /** Heading; default its name. */
  title?: string;
  format?: CellFormat;
}

export type Block =
  | { kind: 'heading'; text: string }
  | { kind: 'text'; text: string; strong?: boolean }
  | { kind: 'warning'; text: string }
  | { kind: 'list'; items: readonly string[] }
  | { kind: 'table'; name: string; columns: readonly ColumnSpec[]; rows: ColumnTable }
  /** `svg` is markup made by `charts.ts`; forms without pictures show the caption. */
  | { kind: 'chart'; svg: string; caption: string }
  | { kind: 'source'; name: string; text: string };

export interface Provenance {
  scenario: string;
  version: string;
  seeds: readonly string[];
  digests: readonly string[];
  /** What makes the same document again. */
  command: string;
}

export interface ReportDocument {
  title: string;
  subtitle: string;
  blocks: readonly Block[];
  definitions: Readonly<Record<string, string>>;
  assumptions: readonly string[];
  provenance: Provenance;
}

type Row = Record<string, string | number | null>;

export function tableBlock(name: string, columns: readonly ColumnSpec[], rows: readonly Row[]): Block {
  const complete = rows.map((row) => Object.fromEntries(columns.map((c) => [c.name, row[c.name] ?? null])));
  return { kind: 'table', name, columns, rows: from(complete, columns.map((c) => c.name) as never) };
}

/** An interval as people read it; null where there is none, `±` unknown from one value. */
export function shownValue(value: unknown, format: CellFormat = 'text'): string {
  if (value === null || value === undefined || (typeof value === 'number' && !Number.isFinite(value))) return '–';
  if (typeof value !== 'number') return String(value);
  if (format === 'usd') return value < 0 ? `−${dollars(-value)}` : dollars(value);
  if (format === 'share') return percent(value);
  const digits = format === 'number2' ? 2 : format === 'number1' || format === 'hours' ? 1 : 0;
  return format === 'text' ? String(value) : decimal(value, digits).replace(/^-/, '−');
}

const rowsOf = (table: ColumnTable): Row[] => table.objects() as Row[];

export function documentHtml(document: ReportDocument): string {
  const { title, subtitle, blocks, definitions, assumptions, provenance } = document;
  const body = [
    `<h1>${escapeHtml(title)}</h1>\n<p class="muted">${escapeHtml(subtitle)}</p>`,
    ...blocks.map(blockHtml),
    '<h2>What the words mean</h2>',
    `<dl>${Object.entries(definitions)
      .map(([word, meaning]) => `<dt>${escapeHtml(word)}</dt><dd>${escapeHtml(meaning)}</dd>`)
      .join('\n')}</dl>`,
    '<h2>Assumed</h2>',
    listHtml(assumptions),
    '<h2>To make it again</h2>',
    htmlTable(
      ['', ''],
      provenanceRows(provenance).map(([what, value]) => [what, `<code>${escapeHtml(value)}</code>`]),
      [true, true],
    ),
  ];
  return htmlPage(title, `${body.join('\n')}\n`);
}

function blockHtml(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h2>${escapeHtml(block.text)}</h2>`;
    case 'text':
      return `<p${block.strong ? ' class="headline"' : ''}>${escapeHtml(block.text)}</p>`;
    case 'warning':
      return `<p class="warn">${escapeHtml(block.text)}</p>`;
    case 'list':
      return listHtml(block.items);
    case 'chart':
      return `<figure>${block.svg}<figcaption>${escapeHtml(block.caption)}</figcaption></figure>`;
    case 'source':
      return `<details><summary>${escapeHtml(block.name)}</summary><pre>${escapeHtml(block.text)}</pre></details>`;
    case 'table':
      return wide(
        block.columns.map((c) => escapeHtml(c.title ?? c.name)),
        rowsOf(block.rows).map((row) => block.columns.map((c) => escapeHtml(shownValue(row[c.name], c.format)))),
        block.columns.map(({ format = 'text' }) => format === 'text'),
      );
  }
}

/** A table with more columns than fit can be moved sideways; the page stays. */
const wide = (...table: Parameters<typeof htmlTable>) => `<div class="wide">${htmlTable(...table)}</div>`;

const listHtml = (items: readonly string[]) =>
  items.length === 0 ? '<p>Nothing.</p>' : `<ul>${items.map((item) => `<li>${escapeHtml(item)}</li>`).join('\n')}</ul>`;

function provenanceRows({ scenario, version, seeds, digests, command }: Provenance): [string, string][] {
  return [
    ['scenario', scenario],
    ['simsup', version],
    ['seeds', seeds.join(', ')],
    ...(digests.length === 0 ? [] : ([['digest', digests.join(', ')]] as [string, string][])),
    ['command', command],
  ];
}

export function documentMarkdown(document: ReportDocument): string {
  const { title, subtitle, blocks, definitions, assumptions, provenance } = document;
  const parts = [
    `# ${cell(title)}`,
    cell(subtitle),
    ...blocks.map(blockMarkdown),
    '## What the words mean',
    Object.entries(definitions)
      .map(([word, meaning]) => `- **${cell(word)}**: ${cell(meaning)}`)
      .join('\n'),
    '## Assumed',
    assumptions.map((text) => `- ${cell(text)}`).join('\n') || 'Nothing.',
    '## To make it again',
    provenanceRows(provenance)
      .map(([what, value]) => `- ${what}: ${cell(value)}`)
      .join('\n'),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function blockMarkdown(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `## ${cell(block.text)}`;
    case 'text':
      return block.strong ? `**${cell(block.text)}**` : cell(block.text);
    case 'warning':
      return `> ${cell(block.text)}`;
    case 'list':
      return block.items.map((item) => `- ${cell(item)}`).join('\n');
    case 'chart':
      return `*${cell(block.caption)}*`;
    case 'source':
      return '';
    case 'table': {
      const head = block.columns.map((c) => cell(c.title ?? c.name));
      const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
      const rule = block.columns.map((c) => ((c.format ?? 'text') === 'text' ? '---' : '---:'));
      const rows = rowsOf(block.rows).map((row) =>
        line(block.columns.map((c) => cell(shownValue(row[c.name], c.format)))),
      );
      return [line(head), line(rule), ...rows].join('\n');
    }
  }
}

/** Text that came from outside must not break out of its place. */
function cell(text: string): string {
  return text.replace(/[\\|`*_<>[\]#]/g, (character) => `\\${character}`).replace(/\s+/g, ' ');
}

/** All tables in one file, a value a line: `table,row,column,value`; numbers as they are, not rounded. */
export function documentCsv({ blocks }: ReportDocument): string {
  const lines = ['table,row,column,value'];
  for (const block of blocks) {
    if (block.kind !== 'table') continue;
    rowsOf(block.rows).forEach((row, i) => {
      for (const { name } of block.columns) {
        const value = row[name];
        const shown = typeof value === 'number' ? (Number.isFinite(value) ? String(value) : '') : csvField(value ?? '');
        lines.push([csvField(block.name), i + 1, csvField(name), shown].join(','));
      }
    });
  }
  return `${lines.join('\r\n')}\r\n`;
}
