/**
 * Who may import whom, for dependency-cruiser (`npm run check:house`).
 *
 * Data flows one way: scenario -> simulation -> record -> report. Tests (`*.test.ts`) stand outside these layers: they
 * may compare any two parts, but nothing may import them.
 */

/** `testing.ts` holds what several tests share; it is no part of the build. */
const TEST = '(\\.test|(^|/)testing)\\.ts$';
/** The only files outside cli/ and bench/ that may touch Node: scenarios/files.ts, scenarios/import/csv-files.ts, … */
const FILE_READER = ['^scenarios/files\\.ts$', '^scenarios/.+[/-]files\\.ts$'];
/** What is run or published; everything else must be needed by one of these. */
const ENTRY =
  '^(sim/simulate|scenarios/index|reports/index|studies/index|cli/main|bench/[^/]+/main|web/(main|worker)|cli/host/[a-z-]*worker)\\.ts$';

const HOUSE = '^(sim|scenarios|reports|studies|bench|cli|web)/';

/** `part` may import, of this project, only what matches `allowed` (and itself). */
const only = (name, part, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: part, pathNot: TEST },
  to: { path: HOUSE, pathNot: [part, ...allowed] },
});

module.exports = {
  forbidden: [
    only('sim-alone', '^sim/', [], 'sim/ imports nobody outside sim/.'),
    only('scenarios-need-sim', '^scenarios/', ['^sim/'], 'scenarios/ imports only sim/.'),
    only('reports-need-sim', '^reports/', ['^sim/'], 'reports/ imports only sim/.'),
    only(
      'studies-need-runs',
      '^studies/',
      ['^(sim|scenarios|reports)/'],
      'studies/ imports sim/, scenarios/ and reports/.',
    ),
    only('bench-measures', '^bench/', ['^(sim|scenarios|reports|studies)/'], 'bench/ imports all but cli/ and web/.'),
    only('cli-is-not-web', '^cli/', ['^(sim|scenarios|reports|studies|bench)/'], 'Nothing imports web/.'),
    only('web-is-not-cli', '^web/', ['^(sim|scenarios|reports|studies|bench)/'], 'Nothing imports cli/.'),

    only(
      'scenario-type-alone',
      '^sim/scenario(\\.ts$|/)',
      [],
      'sim/scenario.ts and its parts import nothing else, so that everything may import them.',
    ),
    {
      name: 'scenario-one-door',
      comment: 'The parts of the scenario are had from sim/scenario.ts.',
      severity: 'error',
      from: { path: HOUSE, pathNot: ['^sim/scenario(\\.ts$|/)'] },
      to: { path: '^sim/scenario/' },
    },
    only('engine-alone', '^sim/engine/', ['^sim/scenario\\.ts$'], 'sim/engine/ knows nothing of GPUs.'),
    only(
      'cluster-needs-engine',
      '^sim/cluster/',
      ['^sim/scenario\\.ts$', '^sim/engine/'],
      'sim/cluster/ imports sim/engine/ and the type of the scenario.',
    ),
    only(
      'policy-sees-cluster',
      '^sim/policy/',
      ['^sim/scenario\\.ts$', '^sim/cluster/', '^sim/engine/(math|random|sampl)[a-z-]*\\.ts$'],
      'A policy sees the cluster and, of the engine, the maths, the random streams and the samplers.',
    ),
    only(
      'world-happens',
      '^sim/world/',
      ['^sim/scenario\\.ts$', '^sim/(engine|cluster)/'],
      'sim/world/ imports the engine and the cluster; what it tells the record or a policy goes through simulate.ts.',
    ),
    only(
      'record-keeps',
      '^sim/record/',
      ['^sim/scenario\\.ts$', '^sim/(engine|cluster)/'],
      'sim/record/ imports the engine and the cluster.',
    ),
    {
      name: 'front-door',
      comment: 'simulate.ts is the front door: no part of sim/ walks back through it.',
      severity: 'error',
      from: { path: '^sim/.+/', pathNot: TEST },
      to: { path: '^sim/simulate\\.ts$' },
    },
    {
      name: 'sim-needs-no-packages',
      comment:
        'Under sim/ only the random streams need a package (seedrandom): every dependency could change a digest.',
      severity: 'error',
      from: { path: '^sim/', pathNot: [TEST] },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-no-pkg', 'npm-unknown'],
        pathNot: '(^|/)node_modules/(@types/)?seedrandom/',
      },
    },
    {
      name: 'no-node',
      comment:
        'Only cli/, bench/ and the file readers of scenarios/ (files.ts, *-files.ts) touch Node; the rest runs in a Web Worker.',
      severity: 'error',
      from: { path: '^(sim|scenarios|reports|studies|web)/', pathNot: [TEST, ...FILE_READER] },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'file-readers-for-hosts',
      comment:
        'A file reader is imported by cli/, bench/ and other file readers only, or Node would come in by the back door.',
      severity: 'error',
      from: { path: HOUSE, pathNot: [TEST, '^(cli|bench)/', ...FILE_READER] },
      to: { path: FILE_READER },
    },
    {
      name: 'no-test-imports',
      comment: 'Nothing imports a test, and only tests import what they share.',
      severity: 'error',
      from: { path: HOUSE, pathNot: TEST },
      to: { path: TEST },
    },
    {
      name: 'no-dev-packages',
      comment: 'What users run must not need a package that only developers have.',
      severity: 'error',
      from: { path: '^(sim|scenarios|reports|studies|cli|web|bench/(conform|regression))/', pathNot: TEST },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'no-unresolvable',
      comment: 'The import leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-cycles',
      comment: 'Two files that import each other are one idea in two files.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'Nothing that is run or published needs this file.',
      severity: 'error',
      from: { path: ENTRY },
      to: { path: HOUSE, pathNot: [TEST, ENTRY, '\\.(json|css|html|d\\.ts)$'], reachable: false },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
};
