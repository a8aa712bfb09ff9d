/** What to simulate: reading, checking and making scenarios. `files.ts` (Node only) is imported apart. */

export { type Builtin, builtin, builtins, memoryReader } from './builtin/index.ts';
export type { ReadFile } from './compile/read-file.ts';
export {
  JOBS_CSV_COLUMNS,
  type JobRow,
  type JobsCsvColumn,
  jobsCsvHeader,
  jobsCsvLine,
  readJobsCsv,
} from './jobs-csv.ts';
export { type Problem, problemLine, ScenarioError } from './problem.ts';
export { type ReadOptions, readDocuments, readScenario } from './read.ts';
export { scenarioJsonSchema } from './schema.ts';
export { starterScenario } from './starter.ts';
