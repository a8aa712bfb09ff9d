/** Simulates off the page's thread, so that the page stays responsive. */
import { expose, transfer } from 'comlink';
import { config } from 'zod';
import { buffersOf, type RunColumns } from '../reports/columns.ts';
import { runColumns } from '../reports/run-columns.ts';
import { builtinTexts } from '../scenarios/builtin/texts.ts';
import { ScenarioError } from '../scenarios/problem.ts';
import { readScenario } from '../scenarios/read.ts';
import { scenarioJsonSchema } from '../scenarios/schema.ts';
import { Lives, POLICIES, Recorder, type Run, type Scenario, Simulation } from '../sim/simulate.ts';
import { FIGURES } from '../studies/figures.ts';
import { branched } from './branch.ts';
import { controlsOf, withControl } from './controls.ts';
import { builtinFiles } from './data.ts';
import { openFiles } from './open.ts';
import type {
  Control,
  FiguresAnswer,
  FileName,
  Outcome,
  PolicyFacts,
  Progress,
  RunRequest,
  ScenarioSource,
} from './requests.ts';

// A strict Content-Security-Policy allows no code made of text.
config({ jitless: true });

/** Wall time between two looks at messages, ms. */
const SLICE_MS = 40;

let cancelled = false;
/** The last runs, for files that are asked for later. */
const kept = new Map<number, { run: Run; columns: RunColumns }>();
const MOST_KEPT = 2;

const api = {
  /** Simulates; `id` names the result for `file`. Columns are handed over, not copied. */
  async run(id: number, request: RunRequest, progress: (progress: Progress) => void): Promise<Outcome> {
    cancelled = false;
    try {
      const began = performance.now();
      const scenario = await compiled(request);
      const lives = new Lives(scenario);
      const recorder = new Recorder();
      const run = await simulated(scenario, request, { lives, recorder }, progress);
      if (run === null) return { kind: 'cancelled' };
      const { result, recorded } = run;
      const columns = runColumns(result, recorded, lives, (performance.now() - began) / 1000);
      kept.delete(id);
      kept.set(id, { run: result, columns: { ...columns, lives: null } });
      while (kept.size > MOST_KEPT) kept.delete([...kept.keys()][0]);
      return transfer({ kind: 'run', columns } satisfies Outcome, buffersOf(columns));
    } catch (error) {
      return failure(error);
    }
  },

  cancel(): void {
    cancelled = true;
  },

  ping: (): boolean => true,

  /** Fails as a defect would, for tests of what the page does then. */
  crash(): void {
    setTimeout(() => {
      throw new Error('crashed on purpose');
    }, 0);
  },

  /** The figures that studies compare, by id, of one run. */
  async figures(request: RunRequest): Promise<FiguresAnswer> {
    try {
      const { summarise } = await import('../reports/summary.ts');
      const scenario = await compiled(request);
      const simulation = new Simulation(scenario);
      simulation.run();
      const summary = summarise(simulation.result(), 0);
      return { figures: Object.fromEntries(FIGURES.map((figure) => [figure.id, figure.of(summary)])) };
    } catch (error) {
      return { failed: error instanceof Error ? error.message : String(error) };
    }
  },

  /** What is wrong with a text, without running it. */
  async check(source: ScenarioSource): Promise<Outcome> {
    try {
      await compiled({ source });
      return { kind: 'cancelled' };
    } catch (error) {
      return failure(error);
    }
  },

  open: openFiles,

  controls: (text: string): Control[] => controlsOf(text),
  withControl: (text: string, id: string, value: string): string => withControl(text, id, value),

  schema: (): Record<string, unknown> => scenarioJsonSchema(),

  policies: (): PolicyFacts[] => POLICIES.map(({ name, about }) => ({ name, about })),

  builtins: (): { name: string; sentence: string; text: string }[] => builtinTexts.map((builtin) => ({ ...builtin })),

  /** A table or the report of a run, as the command line writes it; null where the run is no longer kept. */
  async file(id: number, name: FileName): Promise<Uint8Array | null> {
    const found = kept.get(id);
    if (found === undefined) return null;
    const { run, columns } = found;
    const text = (pieces: Iterable<string>) => new TextEncoder().encode([...pieces].join(''));
    switch (name) {
      case 'jobs.csv':
        return text((await import('../reports/csv.ts')).jobsCsv(run));
      case 'samples.csv':
        return text((await import('../reports/csv.ts')).samplesCsv(run));
      case 'ledger.csv':
        return text((await import('../reports/csv.ts')).ledgerCsv(run));
      case 'faults.csv':
        return text((await import('../reports/faults.ts')).faultsCsv(run));
      case 'jobs.parquet':
        return (await import('../reports/parquet.ts')).jobsParquet(run);
      case 'samples.parquet':
        return (await import('../reports/parquet.ts')).samplesParquet(run);
      case 'report.html':
        return text([(await import('../reports/html.ts')).htmlReport(run, columns.summary)]);
    }
  },
};

export type SimulationWorker = typeof api;

async function compiled({ source, policy, seed }: RunRequest): Promise<Scenario> {
  const files = { ...(await builtinFiles(source.text)), ...source.files };
  const scenario = readScenario(source.text, {
    file: source.file,
    policies: POLICIES,
    ...(seed === undefined ? {} : { overrides: { seed } }),
    readFile: (path) => {
      const name = path.replace(/^\.\//, '');
      if (Object.hasOwn(files, name)) return files[name];
      throw new Error(`there is no ${path} here: drop it on the page together with the scenario`);
    },
  });
  return policy === undefined || policy === scenario.policy.name
    ? scenario
    : { ...scenario, policy: { name: policy, args: {} } };
}

async function simulated(
  scenario: Scenario,
  { branch }: RunRequest,
  keep: { lives: Lives; recorder: Recorder },
  progress: (progress: Progress) => void,
) {
  let sliceEnd = 0;
  let paused = false;
  let events = 0;
  const options = {
    ...keep,
    onProgress: (_nowUs: number, soFar: number) => {
      events = soFar;
      paused = performance.now() >= sliceEnd;
      return !paused;
    },
  };
  const goOn = async (simulation: Simulation, untilUs: number): Promise<boolean> => {
    do {
      paused = false;
      sliceEnd = performance.now() + SLICE_MS;
      simulation.run(untilUs);
      if (!paused) break;
      const { nowUs } = simulation;
      progress({ nowUs, events, share: nowUs / simulation.scenario.durationUs });
      await new Promise((resolve) => setTimeout(resolve, 0));
    } while (!cancelled);
    return !cancelled;
  };
  let simulation: Simulation;
  if (branch === undefined) {
    simulation = new Simulation(scenario, options);
  } else {
    simulation = await branched(scenario, branch, options, goOn);
  }
  await goOn(simulation, Infinity);
  if (cancelled && simulation.nowUs === 0) return null;
  return { result: simulation.result(), recorded: keep.recorder.columns(simulation.nowUs) };
}

function failure(error: unknown): Outcome {
  if (error instanceof ScenarioError) return { kind: 'problems', problems: [...error.problems] };
  return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
}

expose(api);
