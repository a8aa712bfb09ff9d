/** A comparison as text, Markdown and a page. */
import { counted } from '../reports/format.ts';
import { escapeHtml, htmlPage, htmlTable } from '../reports/page.ts';
import { amount, type Comparison, type Difference, type Verdict } from './compare.ts';

export type NamedComparison = Comparison & { scenario: string };

const MARK: Record<Verdict, string> = {
  better: '+',
  worse: '−',
  'no difference': '=',
  'too few seeds': '?',
  'not measured': ' ',
};

/** Sentences, the telling ones first; figures that nobody can judge are only counted. */
export function comparisonText(comparison: NamedComparison): string {
  const lines = [title(comparison), ''];
  for (const { name, differences } of comparison.variants) {
    lines.push(`${name} against ${comparison.baseline}:`);
    for (const row of sorted(differences)) lines.push(`  ${MARK[row.verdict]} ${row.sentence}`);
    lines.push('');
  }
  for (const note of comparison.notes) lines.push(`Note: ${note}`);
  lines.push(
    '+ better, − worse, = the same, ? the seeds cannot tell; paired by seed (same arrivals, same candidate faults).',
  );
  return `${lines.join('\n')}\n`;
}

export function comparisonMarkdown(comparison: NamedComparison): string {
  const lines = [`### ${cell(title(comparison))}`, ''];
  for (const { name, differences } of comparison.variants) {
    lines.push(`**${cell(name)}** against ${cell(comparison.baseline)}`, '');
    lines.push('| | figure | before | after | difference | verdict |', '| --- | --- | ---: | ---: | ---: | --- |');
    for (const row of sorted(differences)) {
      lines.push(`| ${[MARK[row.verdict], cell(row.label), ...numbers(row), row.verdict].join(' | ')} |`);
    }
    lines.push('');
  }
  for (const note of comparison.notes) lines.push(`> ${cell(note)}`, '');
  return lines.join('\n');
}

export function comparisonHtml(comparison: NamedComparison): string {
  const parts = [`<h1>${escapeHtml(title(comparison))}</h1>\n`];
  for (const note of comparison.notes) parts.push(`<p class="warn">${escapeHtml(note)}</p>\n`);
  for (const { name, differences } of comparison.variants) {
    parts.push(`<h2>${escapeHtml(name)} against ${escapeHtml(comparison.baseline)}</h2>\n`);
    parts.push(forest(differences));
    const rows = sorted(differences).map((row) => [
      escapeHtml(row.label),
      ...numbers(row).map(escapeHtml),
      row.verdict,
    ]);
    parts.push(htmlTable(['figure', 'before', 'after', 'difference', 'verdict'], rows), '\n');
  }
  return htmlPage(`${comparison.scenario} compared`, parts.join(''));
}

function title({ scenario, baseline, variants, seeds }: NamedComparison): string {
  const names = [baseline, ...variants.map(({ name }) => name)].join(', ');
  return `${scenario}: ${names}; ${counted(seeds.length, 'seed')} each`;
}

const ORDER: readonly Verdict[] = ['worse', 'better', 'too few seeds', 'no difference', 'not measured'];

/** What changed comes first; inside a verdict, as the figures are listed. */
function sorted(differences: readonly Difference[]): Difference[] {
  return [...differences].sort((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict));
}

function numbers({ baseline, variant, difference, unit }: Difference): string[] {
  const shown = (value: number | null) => (value === null ? '–' : amount(value, unit));
  const range =
    difference === null || !Number.isFinite(difference.low)
      ? ''
      : ` (${signed(difference.low, unit)} to ${signed(difference.high, unit)})`;
  return [shown(baseline), shown(variant), difference === null ? '–' : `${signed(difference.mean, unit)}${range}`];
}

function signed(value: number, unit: Difference['unit']): string {
  return `${value < 0 ? '−' : '+'}${amount(Math.abs(value), unit)}`;
}

/** Markdown that came from outside must not break out of its cell. */
function cell(text: string): string {
  return text.replace(/[\\|`*_<>[\]]/g, (character) => `\\${character}`).replace(/\s+/g, ' ');
}

const CLEAR: readonly Verdict[] = ['better', 'worse', 'too few seeds'];
const ROW = 22;

/** Relative differences with their intervals, on one scale. */
function forest(differences: readonly Difference[]): string {
  const rows = differences.filter(
    ({ verdict, relative }) => CLEAR.includes(verdict) && relative !== null && Number.isFinite(relative.low),
  );
  if (rows.length === 0) return '';
  const most = Math.max(
    ...rows.flatMap(({ relative }) => [Math.abs(relative?.low ?? 0), Math.abs(relative?.high ?? 0)]),
  );
  const x = (share: number) => (650 + (share / most) * 320).toFixed(1);
  const lines = rows.map(({ label, relative, verdict }, i) => {
    const y = i * ROW + 14;
    const { mean, low, high } = relative as NonNullable<typeof relative>;
    const colour = verdict === 'better' ? '#2f7d32' : verdict === 'worse' ? '#b3261e' : '#777';
    return (
      `<text x="310" y="${y + 4}" font-size="13" text-anchor="end">${escapeHtml(label)}</text>` +
      `<line x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="3"/>` +
      `<circle cx="${x(mean)}" cy="${y}" r="4" fill="${colour}"><title>${(100 * mean).toFixed(1)} %, ${(100 * low).toFixed(1)} to ${(100 * high).toFixed(1)} %, ${verdict}</title></circle>`
    );
  });
  const height = rows.length * ROW + 24;
  const axis =
    `<line x1="650" x2="650" y1="0" y2="${height - 20}" stroke="#999" stroke-dasharray="3 3"/>` +
    `<text x="330" y="${height - 4}" font-size="12">−${(100 * most).toFixed(0)} %</text>` +
    `<text x="970" y="${height - 4}" font-size="12" text-anchor="end">+${(100 * most).toFixed(0)} %</text>`;
  return `<svg viewBox="0 0 1000 ${height}" role="img" aria-label="relative differences with their intervals">${lines.join('')}${axis}</svg>\n`;
}
