/** A bench's report as one page that needs nothing else. */
import { escapeHtml, htmlPage, htmlTable } from '../../reports/page.ts';
import type { BenchReport, CaseReport } from './bench.ts';
import { caseSummary, difference, headline, legend, partingLines, shown, title, VERDICT_ORDER } from './report-text.ts';

export function benchHtml(report: BenchReport): string {
  const parts = [`<h1>${escapeHtml(title(report))}</h1>\n<p class="headline">${escapeHtml(headline(report))}</p>\n`];
  if (report.fails.length > 0)
    parts.push(`<ul>${report.fails.map((fail) => `<li>${escapeHtml(fail)}</li>`).join('')}</ul>\n`);
  for (const note of report.notes) parts.push(`<p class="warn">${escapeHtml(note)}</p>\n`);
  for (const one of report.cases) parts.push(casePart(one));
  parts.push(`<p class="muted">${escapeHtml(legend(report))}</p>\n`);
  return htmlPage(`${report.change} against ${report.baseline}`, parts.join(''));
}

function casePart(one: CaseReport): string {
  const parts = [
    `<h2>${escapeHtml(one.name)}</h2>\n<p>${escapeHtml(one.about)}: ${escapeHtml(caseSummary(one))}.</p>\n`,
  ];
  if (one.failed !== null)
    parts.push(
      `<p class="warn">${escapeHtml(`The ${one.failed.side} fails under seed ${one.failed.seed}: ${one.failed.why}`)}</p>\n`,
    );
  for (const { rule, about, baseline, change, first } of one.rules)
    parts.push(
      `<p class="warn">${escapeHtml(`Rule ${rule} (${about}): broken ${baseline} times by the baseline, ${change} by the change${first && `; first: ${first}`}.`)}</p>\n`,
    );
  const parting = partingLines(one.parting);
  if (parting.length > 0) parts.push(`<pre>${escapeHtml(parting.join('\n'))}</pre>\n`);
  if (!one.same && one.failed === null)
    parts.push(
      table(one.rows),
      '<details><summary>Projects, classes, sizes</summary>\n',
      table(one.groups),
      '</details>\n',
    );
  return parts.join('');
}

function table(rows: CaseReport['rows']): string {
  const sorted = [...rows].sort((a, b) => VERDICT_ORDER.indexOf(a.verdict) - VERDICT_ORDER.indexOf(b.verdict));
  return `${htmlTable(
    ['figure', 'baseline', 'change', 'difference (CI)', 'adjusted p', 'verdict'],
    sorted.map((row) => [
      escapeHtml(row.label),
      escapeHtml(shown(row.baseline, row.unit)),
      escapeHtml(shown(row.change, row.unit)),
      escapeHtml(difference(row)),
      row.adjusted === null ? '–' : row.adjusted.toPrecision(2),
      row.fails ? 'FAILS' : row.verdict,
    ]),
  )}\n`;
}
