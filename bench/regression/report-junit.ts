/** A bench's report as JUnit XML, as CI systems read it: a suite for each case, a test for each threshold and rule. */
import type { BenchReport, CaseReport } from './bench.ts';
import { rowSentence } from './bench.ts';
import { RULES } from './watch.ts';

interface Test {
  name: string;
  failure?: string;
  skipped?: string;
}

export function benchJunit(report: BenchReport): string {
  const suites = report.cases.map((one) => ({ name: one.name, tests: testsOf(one) }));
  const count = (tests: readonly Test[]) => {
    const failures = tests.filter(({ failure }) => failure !== undefined).length;
    const skipped = tests.filter((test) => test.skipped !== undefined).length;
    return `tests="${tests.length}" failures="${failures}" errors="0" skipped="${skipped}"`;
  };
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>'];
  lines.push(`<testsuites name="simsup bench" ${count(suites.flatMap(({ tests }) => tests))}>`);
  for (const { name, tests } of suites) {
    lines.push(`  <testsuite name="${xml(name)}" ${count(tests)}>`);
    for (const test of tests) {
      const head = `    <testcase classname="${xml(`simsup.bench.${name}`)}" name="${xml(test.name)}"`;
      if (test.failure !== undefined) lines.push(`${head}><failure message="${xml(test.failure)}"/></testcase>`);
      else if (test.skipped !== undefined) lines.push(`${head}><skipped message="${xml(test.skipped)}"/></testcase>`);
      else lines.push(`${head}/>`);
    }
    lines.push('  </testsuite>');
  }
  lines.push('</testsuites>');
  return `${lines.join('\n')}\n`;
}

function testsOf({ failed, rows, groups, rules }: CaseReport): Test[] {
  const runs: Test = { name: 'runs to its end' };
  if (failed !== null)
    return [{ ...runs, failure: `the ${failed.side} fails under seed ${failed.seed}: ${failed.why}` }];
  const gated = [...rows, ...groups].filter(({ threshold }) => threshold !== null);
  return [
    runs,
    ...gated.map((row): Test => {
      const name = `${row.figure} gets at most ${100 * (row.threshold as number)} ${row.unit === 'share' ? (row.threshold === 0.01 ? 'point' : 'points') : '%'} worse`;
      if (row.fails) return { name, failure: rowSentence(row) };
      return row.verdict === 'not measured' ? { name, skipped: 'no run has it' } : { name };
    }),
    ...[...Object.keys(RULES), 'stalled'].map((rule): Test => {
      const broken = rules.find((r) => r.rule === rule && r.fails);
      const name = `keeps ${rule}`;
      return broken === undefined
        ? { name }
        : {
            name,
            failure: `broken ${broken.change} times, never by the baseline; ${broken.about}${broken.first && `: ${broken.first}`}`,
          };
    }),
  ];
}

/** XML has no place for control characters and halves of pairs, not even escaped. */
function xml(text: string): string {
  return text
    .replace(/[^\P{Cc}\t\n\r]|[\p{Cs}\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"'\t\n\r]/g, (c) => `&#${c.charCodeAt(0)};`);
}
