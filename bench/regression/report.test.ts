/** The reports: what they say, and that nothing in a name breaks out of them. */
import { describe, expect, it } from 'vitest';
import { judgeSuite, type SideResult } from './bench.ts';
import { DEFAULT_CONFIG } from './config.ts';
import { firstParting } from './decisions.ts';
import { benchHtml } from './report-html.ts';
import { benchJunit } from './report-junit.ts';
import { benchMarkdown, benchText } from './report-text.ts';
import type { DecisionRow } from './watch.ts';

const HOSTILE = '</td><script>alert(1)</script>|`@all`]]>&"\u0001';
const row = (atUs: number, kind: DecisionRow['kind'], job: string, where = '', reason = ''): DecisionRow => ({
  atUs,
  kind,
  job,
  where,
  reason,
});

/** Two sides over three seeds; the change waits twice as long, in a case and project with a hostile name. */
function report(factor = 2, baseSeconds = 1000) {
  const cases = [{ name: HOSTILE, about: HOSTILE, text: '', files: {} }];
  const seeds = ['1', '2', '3'];
  const side = (name: string, by: number): SideResult => ({
    name,
    seeds,
    cases: [
      {
        name: HOSTILE,
        fingerprint: 'f',
        failed: null,
        runs: seeds.map((seed, i) => ({
          digest: `${seed}${by}`,
          figures: { 'queueing-delay-p95': baseSeconds * by * (1 + i), goodput: 0.5 },
          groups: { [`mean/project ${HOSTILE}`]: 500 * by * (1 + i) },
          breaks: by > 1 ? [{ rule: 'gang-halves' as const, count: 1, first: HOSTILE }] : [],
          stalled: false,
          decisions: [
            row(1e6, 'place', 'a', 'n:1'),
            by > 1 ? row(2e6, 'wait', 'b', '', HOSTILE) : row(2e6, 'place', 'b', 'n:2', HOSTILE),
          ],
        })),
      },
    ],
  });
  return judgeSuite({ cases, seeds }, DEFAULT_CONFIG, side('before', 1), side(HOSTILE, factor));
}

describe('a report', () => {
  it('says what is worse, for whom, which rule is broken and where they part', () => {
    const text = benchText(report());
    expect(text).toContain('Regression: 2 findings.');
    expect(text).toContain('p95 queueing delay 99.9 % higher');
    expect(text).toMatch(/who gains and who loses:\n {4}− mean wait, project/);
    expect(text).toContain('only the baseline places b on n:2');
    expect(text).toContain(`the change last said of b: ${HOSTILE}`);
    expect(benchText(report(1))).toContain('The same decisions, the same results.');
  });

  it('fails nobody for a wait that grows by seconds, and gives no figure to a ratio to next to nothing', () => {
    const [p95] = report(3, 1).cases[0].rows.filter(({ figure }) => figure === 'queueing-delay-p95');
    expect(p95).toMatchObject({ verdict: 'worse', fails: false });
    expect(report(3, 1000).cases[0].rows.find(({ figure }) => figure === 'queueing-delay-p95')?.fails).toBe(true);
    const text = benchText(report(5000));
    expect(text).toContain('p95 queueing delay over 1,000 % higher (CI over 1,000 to over 1,000 %)');
    expect(benchMarkdown(report(5000))).toContain('over 1,000 % (over 1,000 to over 1,000)');
  });

  it('is the same bytes each time, and no name breaks out of it', () => {
    for (const render of [benchText, benchMarkdown, benchHtml, benchJunit])
      expect(render(report())).toBe(render(report()));
    const html = benchHtml(report());
    expect(html).not.toContain('<script>');
    const markdown = benchMarkdown(report());
    expect(markdown).not.toMatch(/(?<!\\)<script|@all/);
    for (const line of markdown.split('\n').filter((l) => l.startsWith('| ')))
      expect(line.match(/(?<!\\)\|/g)).toHaveLength(7);
  });

  it('is well-formed JUnit: counted, escaped, without control characters', () => {
    const xml = benchJunit(report());
    expect(xml).toMatch(/<testsuites name="simsup bench" tests="\d+" failures="2" errors="0" skipped="\d+">/);
    expect(xml.match(/<failure /g)).toHaveLength(2);
    expect(xml.match(/<testcase /g)?.length).toBe(Number(/tests="(\d+)"/.exec(xml)?.[1]));
    expect(xml).not.toContain('<script>');
    expect(xml).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

describe('where two runs part', () => {
  const same = [row(1, 'place', 'a', 'n:1'), row(1, 'place', 'b', 'n:2')];
  it('is nowhere if the same is decided, in whatever order within a moment', () => {
    expect(firstParting(same, [...same].reverse())).toBeNull();
    expect(firstParting([...same, row(9, 'wait', 'c', '', 'no room')], same)).toBeNull();
  });
  it('is at the first moment that differs, an extra decision included', () => {
    expect(firstParting([...same, row(5, 'preempt', 'a')], same)).toMatchObject({
      before: 2,
      atSeconds: 5e-6,
      baseline: [{ kind: 'preempt' }],
      change: [],
    });
    expect(firstParting(same, [row(1, 'place', 'a', 'n:1'), row(1, 'place', 'b', 'n:4')])).toMatchObject({
      before: 0,
      baseline: [{ where: 'n:2' }],
      change: [{ where: 'n:4' }],
    });
  });
});
