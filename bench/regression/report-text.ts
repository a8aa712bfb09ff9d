/** A bench's report for a terminal and, as Markdown, for a pull request. The same report gives the same bytes. */
import { counted, span } from '../../reports/format.ts';
import { amount } from '../../studies/compare.ts';
import { type BenchReport, type CaseReport, hundredths, rowSentence } from './bench.ts';
import type { Parting } from './decisions.ts';
import type { Row } from './judge.ts';

type Shown = CaseReport['rows'][number];

/** Verdicts as marks, the telling ones first. */
export const VERDICT_ORDER: readonly Row['verdict'][] = [
  'worse',
  'better',
  'cannot tell',
  'no difference',
  'not measured',
];
const MARK: Record<Row['verdict'], string> = {
  worse: '−',
  better: '+',
  'cannot tell': '?',
  'no difference': '=',
  'not measured': ' ',
};

/** What is worth a line: real differences, and figures that may be worse than their threshold for all the seeds can tell. */
export function telling(rows: readonly Shown[]): Shown[] {
  const real = ({ verdict }: Shown) => verdict === 'worse' || verdict === 'better';
  return rows
    .filter((row) => real(row) || (row.verdict === 'cannot tell' && mayBeWorse(row)))
    .sort(
      (a, b) =>
        Number(b.fails) - Number(a.fails) || VERDICT_ORDER.indexOf(a.verdict) - VERDICT_ORDER.indexOf(b.verdict),
    );
}

function mayBeWorse({ effect, better, threshold }: Shown): boolean {
  if (effect === null || threshold === null) return false;
  return (better === 'lower' ? effect.high : -effect.low) > threshold;
}

export function title({ baseline, change, seeds, cases }: BenchReport): string {
  return `${change} against ${baseline}: ${counted(cases.length, 'case')} × ${counted(seeds.length, 'seed')}`;
}

export function headline({ verdict, fails, cases }: BenchReport): string {
  if (verdict === 'regression') return `Regression: ${counted(fails.length, 'finding')}.`;
  if (cases.every(({ same }) => same)) return 'The same decisions, the same results.';
  const better = cases.flatMap(({ rows }) => rows).filter((row) => row.verdict === 'better').length;
  return better > 0 ? `No regression; ${better} figures are better.` : 'No regression.';
}

export const legend = ({ confidence }: BenchReport) =>
  `Differences are taken seed by seed (same arrivals, same candidate faults). CI: ${Math.round(100 * confidence)} % of each figure alone; ` +
  `better and worse are said only where all figures looked at together leave at most ${Math.round(100 * (1 - confidence))} % chance of any false one (Holm). ` +
  'Fairness, starvation and needless evictions are explained in docs/bench.md.';

export function benchText(report: BenchReport): string {
  const lines = [title(report), '', headline(report)];
  for (const fail of report.fails) lines.push(`  FAIL ${fail}`);
  for (const one of report.cases) {
    lines.push('', `${one.name}: ${one.about}`);
    if (one.failed !== null) {
      lines.push(`  the ${one.failed.side} fails under seed ${one.failed.seed}: ${one.failed.why}`);
      continue;
    }
    if (one.same) lines.push('  = the same decisions, the same results');
    for (const row of telling(one.rows)) lines.push(`  ${MARK[row.verdict]} ${sentence(row)}`);
    const groups = telling(one.groups);
    if (groups.length > 0) lines.push('  who gains and who loses:');
    for (const row of groups) lines.push(`    ${MARK[row.verdict]} ${sentence(row)}`);
    for (const { rule, baseline, change, first } of one.rules)
      lines.push(
        `  rule ${rule}: broken ${baseline} times by the baseline, ${change} by the change${first && ` (first: ${first})`}`,
      );
    lines.push(...partingLines(one.parting).map((line) => `  ${line}`));
  }
  lines.push(
    '',
    ...report.notes.map((note) => `Note: ${note}`),
    '+ better, − worse, = the same, ? cannot tell. '.trimEnd(),
    legend(report),
  );
  return `${lines.join('\n')}\n`;
}

function sentence(row: Shown): string {
  const from = `${shown(row.baseline, row.unit)} → ${shown(row.change, row.unit)}`;
  const needed = row.seedsNeeded === null ? '' : `; about ${counted(row.seedsNeeded, 'seed')} would tell`;
  const tail = row.verdict === 'cannot tell' ? `; the seeds cannot tell${needed}` : '';
  return `${rowSentence(row)}, ${from}${tail}${row.fails ? ' FAILS' : ''}`;
}

export const shown = (value: number | null, unit: Row['unit']) => (value === null ? '–' : amount(value, unit));

/** The first decision that differs, and what each side says. */
export function partingLines(parting: Parting | null): string[] {
  if (parting === null) return [];
  const lines = [
    `first decision that differs, at ${span(parting.atSeconds)} (${parting.atSeconds} s, after ${parting.before} the same; seed of the first runs):`,
  ];
  for (const side of ['baseline', 'change'] as const) {
    for (const { kind, job, where, reason } of parting[side])
      lines.push(`  only the ${side} ${VERB[kind]} ${job}${where && ` on ${where}`}${reason && `: ${reason}`}`);
    for (const { job, reason } of parting.said.filter((s) => s.side === side))
      lines.push(`  the ${side} last said of ${job}: ${reason}`);
  }
  return lines;
}

const VERB = { place: 'places', preempt: 'stops', shrink: 'shrinks', wait: 'leaves' } as const;

export function benchMarkdown(report: BenchReport): string {
  const lines = [`### ${cell(title(report))}`, '', `**${cell(headline(report))}**`, ''];
  for (const fail of report.fails) lines.push(`- :x: ${cell(fail)}`);
  if (report.fails.length > 0) lines.push('');
  for (const one of report.cases) {
    lines.push(
      `<details${isOpen(one) ? ' open' : ''}><summary><b>${html(one.name)}</b>: ${html(caseSummary(one))}</summary>`,
      '',
    );
    if (one.failed !== null)
      lines.push(cell(`The ${one.failed.side} fails under seed ${one.failed.seed}: ${one.failed.why}`), '');
    const rows = [...telling(one.rows), ...telling(one.groups)];
    if (rows.length > 0) {
      lines.push('| | figure | baseline | change | difference (CI) | |', '| --- | --- | ---: | ---: | ---: | --- |');
      for (const row of rows) {
        const cells = [
          row.label,
          shown(row.baseline, row.unit),
          shown(row.change, row.unit),
          difference(row),
          row.fails ? 'FAILS' : row.verdict,
        ];
        lines.push(`| ${[MARK[row.verdict], ...cells.map(cell)].join(' | ')} |`);
      }
      lines.push('');
    }
    for (const { rule, about, baseline, change, first } of one.rules)
      lines.push(
        cell(
          `Rule ${rule} (${about}): broken ${baseline} times by the baseline, ${change} by the change${first && `; first: ${first}`}.`,
        ),
        '',
      );
    const parting = partingLines(one.parting);
    if (parting.length > 0)
      lines.push(...parting.map((line, i) => (i === 0 ? `${cell(line)}\n` : `- ${cell(line.trim())}`)), '');
    lines.push('</details>', '');
  }
  for (const note of report.notes) lines.push(`> ${cell(note)}`, '');
  lines.push(cell(legend(report)), '');
  return lines.join('\n');
}

const isOpen = ({ failed, rows, groups, rules }: CaseReport) =>
  failed !== null || [...rows, ...groups, ...rules].some(({ fails }) => fails);

export function caseSummary({ same, failed, rows, groups, rules }: CaseReport): string {
  if (failed !== null) return `the ${failed.side} fails`;
  if (same) return 'the same decisions, the same results';
  const count = (verdict: Row['verdict']) => [...rows, ...groups].filter((row) => row.verdict === verdict).length;
  const broken = rules.filter(({ fails }) => fails).length;
  return `${count('worse')} worse, ${count('better')} better${broken > 0 ? `, ${counted(broken, 'rule')} broken` : ''}`;
}

export function difference(row: Row): string {
  if (row.effect === null) return '–';
  const mark = row.unit === 'share' ? 'points' : '%';
  const signed = (x: number) => `${x < 0 ? '−' : '+'}${hundredths(Math.abs(x))}`.replace('+over', 'over');
  const range = Number.isFinite(row.effect.low) ? ` (${signed(row.effect.low)} to ${signed(row.effect.high)})` : '';
  return `${signed(row.effect.mean)} ${mark}${range}`;
}

const html = (text: string) =>
  text
    .replace(/[&<>`*_[\]|]/g, (c) => `&#${c.charCodeAt(0)};`)
    .replaceAll('@', '@\u200b')
    .replace(/\s+/g, ' ');

/** Markdown that came from outside must not break out of its place. */
export const cell = (text: string) =>
  text
    .replace(/[\\|`*_<>[\]&@#]/g, (character) => (character === '@' ? '@\u200b' : `\\${character}`))
    .replace(/\s+/g, ' ');
