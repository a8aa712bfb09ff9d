import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { curveChart, stackedBars, tornadoChart } from './charts.ts';
import {
  documentCsv,
  documentHtml,
  documentMarkdown,
  type ReportDocument,
  shownValue,
  tableBlock,
} from './document.ts';

const EVIL = '</td></pre><img src=x onerror=alert(1)>|`*_[x](javascript:1)\n# head';

const hostile: ReportDocument = {
  title: EVIL,
  subtitle: EVIL,
  blocks: [
    { kind: 'heading', text: EVIL },
    { kind: 'text', text: EVIL, strong: true },
    { kind: 'warning', text: EVIL },
    { kind: 'list', items: [EVIL] },
    tableBlock(
      '=name',
      [
        { name: '@column', title: EVIL },
        { name: 'value', format: 'usd' },
      ],
      [
        { '@column': '=1+1', value: -1234.5 },
        { '@column': '+cmd', value: Number.NaN },
        { '@column': '-2', value: null },
        { '@column': EVIL, value: 3 },
      ],
    ),
    {
      kind: 'chart',
      svg: stackedBars([{ label: EVIL, parts: [{ name: EVIL, value: 1, colour: '#000' }] }], EVIL),
      caption: EVIL,
    },
    { kind: 'source', name: EVIL, text: EVIL },
  ],
  definitions: { [EVIL]: EVIL },
  assumptions: [EVIL],
  provenance: { scenario: EVIL, version: '1', seeds: ['1', '2'], digests: ['abc'], command: EVIL },
};

describe('a report as a document', () => {
  it('has nothing in the page but what it was made of: no mark-up of others, no script, no address', () => {
    const html = documentHtml(hostile);
    const tags = [...html.matchAll(/<([a-z0-9]+)([^>]*)>/g)];
    expect(
      tags.map(([, name]) => name).filter((name) => /^(img|script|a|link|iframe|object|form)$/.test(name)),
    ).toEqual([]);
    // Outside of quotes there is no attribute that runs or loads anything.
    for (const [, , attributes] of tags) expect(attributes.replace(/"[^"]*"/g, '')).not.toMatch(/\b(on\w+|src|href)=/);
    expect(html).toContain("default-src 'none'");
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('has definitions, assumptions, the scenario, version, seeds, digest and command, to make it again', () => {
    for (const text of ['What the words mean', 'Assumed', 'To make it again', '1, 2', 'abc']) {
      expect(documentHtml(hostile)).toContain(text);
      expect(documentMarkdown(hostile)).toContain(text);
    }
  });

  it('cannot break out of a line or a cell of the Markdown', () => {
    const markdown = documentMarkdown(hostile);
    expect(markdown).not.toContain('\n# head');
    expect(markdown).not.toMatch(/[^\\]\]\(/);
    expect(markdown).not.toMatch(/[^\\]<img/);
    const rows = markdown.split('\n').filter((line) => line.startsWith('| '));
    for (const row of rows) expect(row.replaceAll('\\|', '').split('|')).toHaveLength(4);
  });

  it('has its tables as CSV: numbers as they are, formulas defused, empty where there is no value', () => {
    const rows = parse(documentCsv(hostile), { columns: true }) as Record<string, string>[];
    expect(rows.map(({ value }) => value)).toEqual(["'=1+1", '-1234.5', "'+cmd", '', "'-2", '', EVIL, '3']);
    expect(rows[0]).toMatchObject({ table: "'=name", row: '1', column: "'@column" });
  });

  it('shows values as people read them, and a dash where there is none', () => {
    expect([
      shownValue(-1234.5, 'usd'),
      shownValue(0.1234, 'share'),
      shownValue(-3.21, 'number1'),
      shownValue(-0.2, 'number'),
    ]).toEqual(['−$1,234.50', '12.3 %', '−3.2', '0']);
    for (const none of [null, undefined, Number.NaN, Infinity]) expect(shownValue(none, 'usd')).toBe('–');
  });
});

describe('charts', () => {
  const curve = (points: [number, number, number, number][]) =>
    curveChart(
      points.map(([x, y, low, high]) => ({ x, y, low, high })),
      { label: 'l', xTitle: 'x', yTitle: 'y', x: String, y: String, mark: { y: 0, label: 'm' } },
    );
  const nan = Number.NaN;

  it.each([
    ['one point without an interval', curve([[1, 2, nan, nan]])],
    [
      'a level line',
      curve([
        [0, 5, 5, 5],
        [1, 5, 5, 5],
      ]),
    ],
    ['no value anywhere in bars', stackedBars([{ label: 'a', parts: [{ name: 'p', value: 0, colour: '#000' }] }], 'l')],
    [
      'a tornado that moves nothing',
      tornadoChart([{ label: 'a', low: 1, high: 1, lowLabel: 'l', highLabel: 'h' }], 1, { label: 'l', shown: String }),
    ],
    [
      'a tornado without a value',
      tornadoChart([{ label: 'a', low: nan, high: 1, lowLabel: 'l', highLabel: 'h' }], 1, {
        label: 'l',
        shown: String,
      }),
    ],
  ])('have no coordinate that is none: %s', (_, svg) => {
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('write both names of a tornado bar at its farther end where both lie on one side', () => {
    const bar = (low: number, high: number) =>
      tornadoChart([{ label: 'a', low, high, lowLabel: 'half', highLabel: 'twice' }], 10, {
        label: 'l',
        shown: String,
      });
    expect(bar(12, 11)).toContain('>twice; half<');
    expect(bar(9, 11)).toMatch(/text-anchor="end"[^>]*>half<.*text-anchor="start"[^>]*>twice<|>twice<.*>half</);
  });

  it('draw a band where there are intervals', () => {
    expect(
      curve([
        [0, 1, 0, 2],
        [1, 2, 1, 3],
      ]),
    ).toContain('fill-opacity=".18"');
    expect(
      curve([
        [0, 1, nan, nan],
        [1, 2, nan, nan],
      ]),
    ).not.toContain('fill-opacity=".18"');
  });
});
