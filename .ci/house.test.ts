/** The house rules must bite: a small house that keeps them passes, and each breach of it is named. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const project = fileURLToPath(new URL('..', import.meta.url));

const HOUSE: Record<string, string[]> = {
  'sim/scenario.ts': ['./scenario/jobs.ts'],
  'sim/scenario/jobs.ts': ['./units.ts'],
  'sim/scenario/units.ts': [],
  'sim/engine/engine.ts': ['../scenario.ts'],
  'sim/engine/random.ts': [],
  'sim/cluster/cluster.ts': ['../engine/engine.ts', '../scenario.ts'],
  'sim/policy/fifo.ts': ['../cluster/cluster.ts', '../engine/random.ts'],
  'sim/world/jobs.ts': ['../cluster/cluster.ts', '../engine/engine.ts'],
  'sim/record/ledger.ts': ['../cluster/cluster.ts'],
  'sim/simulate.ts': ['./policy/fifo.ts', './world/jobs.ts', './record/ledger.ts'],
  'sim/simulate.test.ts': ['./simulate.ts', '../scenarios/index.ts', 'node:fs'],
  'scenarios/index.ts': ['../sim/simulate.ts'],
  'scenarios/files.ts': ['./index.ts', 'node:fs'],
  'scenarios/import/csv-files.ts': ['../files.ts', 'node:fs'],
  'reports/index.ts': ['../sim/simulate.ts'],
  'studies/index.ts': ['../reports/index.ts', '../scenarios/index.ts'],
  'bench/speed/main.ts': ['../../studies/index.ts', 'node:os'],
  'cli/main.ts': ['../scenarios/import/csv-files.ts', '../studies/index.ts', 'node:process'],
  'web/worker.ts': ['../scenarios/index.ts'],
  'web/main.ts': ['../reports/index.ts'],
};

/** Extra import, from file to file, and the rule it breaks. */
const BREACHES: [rule: string, from: string, to: string][] = [
  ['sim-alone', 'sim/simulate.ts', '../reports/index.ts'],
  ['scenarios-need-sim', 'scenarios/index.ts', '../reports/index.ts'],
  ['reports-need-sim', 'reports/index.ts', '../scenarios/index.ts'],
  ['studies-need-runs', 'studies/index.ts', '../bench/speed/main.ts'],
  ['bench-measures', 'bench/speed/main.ts', '../../cli/main.ts'],
  ['cli-is-not-web', 'cli/main.ts', '../web/main.ts'],
  ['web-is-not-cli', 'web/main.ts', '../cli/main.ts'],
  ['scenario-type-alone', 'sim/scenario.ts', './engine/random.ts'],
  ['scenario-type-alone', 'sim/scenario/jobs.ts', '../engine/random.ts'],
  ['scenario-one-door', 'sim/engine/engine.ts', '../scenario/units.ts'],
  ['engine-alone', 'sim/engine/engine.ts', '../cluster/cluster.ts'],
  ['cluster-needs-engine', 'sim/cluster/cluster.ts', '../record/ledger.ts'],
  ['policy-sees-cluster', 'sim/policy/fifo.ts', '../engine/engine.ts'],
  ['policy-sees-cluster', 'sim/policy/las.ts', '../world/jobs.ts'],
  ['world-happens', 'sim/world/jobs.ts', '../policy/fifo.ts'],
  ['record-keeps', 'sim/record/ledger.ts', '../world/jobs.ts'],
  ['front-door', 'sim/world/jobs.ts', '../simulate.ts'],
  ['no-node', 'sim/engine/engine.ts', 'node:fs'],
  ['no-node', 'scenarios/index.ts', 'fs'],
  ['file-readers-for-hosts', 'scenarios/index.ts', './files.ts'],
  ['no-test-imports', 'cli/main.ts', '../sim/simulate.test.ts'],
  ['no-unresolvable', 'cli/main.ts', './nowhere.ts'],
  ['no-cycles', 'scenarios/index.ts', './files.ts'],
  ['no-orphans', 'reports/forgotten.ts', '../sim/simulate.ts'],
];

interface Violation {
  from: string;
  rule: { name: string };
  cycle?: { name: string }[];
}

function brokenRules(house: Record<string, string[]>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'simsup-house-'));
  try {
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    for (const [file, imports] of Object.entries(house)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), [...imports.map((to) => `import '${to}';`), 'export {};'].join('\n'));
    }
    const parts = ['sim', 'scenarios', 'reports', 'studies', 'bench', 'cli', 'web'];
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        join(project, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'),
        ...['--config', join(project, '.ci/house.cjs'), '--output-type', 'json', ...parts],
      ],
      { cwd: folder, encoding: 'utf8' },
    );
    if (!stdout) throw new Error(stderr);
    const { summary } = JSON.parse(stdout) as { summary: { violations: Violation[] } };
    // A cycle is reported once, from any of its files.
    return summary.violations.flatMap((v) =>
      [v.from, ...(v.cycle ?? []).map((c) => c.name)].map((file) => `${v.rule.name} ${file}`),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('a house that keeps the rules passes', () => {
  expect(brokenRules(HOUSE)).toEqual([]);
});

const everyBreach = structuredClone(HOUSE);
for (const [, from, to] of BREACHES) everyBreach[from] = [...(everyBreach[from] ?? []), to];
const broken = new Set(brokenRules(everyBreach));

test.each(BREACHES)('%s: %s must not import %s', (rule, from) => {
  expect(broken).toContain(`${rule} ${from}`);
});
