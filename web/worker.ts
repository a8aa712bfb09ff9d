/** Simulates off the page's thread, so that the page stays responsive. */
import { expose, transfer } from 'comlink';
import { config } from 'zod';
import { buffersOf, type RunColumns } from '../reports/columns.ts';
import { faultsCsv } from '../reports/faults.ts';
import { runColumns } from '../reports/run-columns.ts';
import { summarise } from '../reports/summary.ts';
import { ScenarioError } from '../scenarios/problem.ts';
import { readScenario } from '../scenarios/read.ts';
import { scenarioJsonSchema } from '../scenarios/schema.ts';
import { Lives, POLICIES, Recorder, type Run, type Scenario, Simulation } from '../sim/simulate.ts';
import { builtinFiles } from './data.ts';
import { lookupOf } from './lookup.ts';
import type { DroppedFile } from './open.ts';
import { loadPolicies } from './policies.ts';
import type {
  Control,
  FiguresAnswer,
  FileName,
  Opened,
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
/** Simulated for so long, ms, before what there is is shown; then each time so many times as long. */
const EARLY_MS = 300;
const EARLY_FACTOR = 3;
/** The last runs, for files that are asked for later. */
const kept = new Map<number, { run: Run; columns: RunColumns }>();
const MOST_KEPT = 2;

const api = {
  /** Simulates; `id` names the result for `file`. Columns are handed over, not copied. */
  async run(id: number, request: RunRequest, progress: (progress: Progress) => void): Promise<Outcome> {
    cancelled = false;
    try {
      const scenario = await compiled(request);
      const lives = new Lives(scenario);
      const recorder = new Recorder();
      const began = performance.now();
      let earlyMs = request.early ? EARLY_MS : Infinity;
      const told = (simulation: Simulation, now: Progress) => {
        if (performance.now() - began < earlyMs) return progress(now);
        earlyMs *= EARLY_FACTOR;
        const run = simulation.result();
        const columns = runColumns({ ...run, partial: false }, recorder.columns(simulation.nowUs), lives, 0);
        const early = { columns, lookup: lookupOf(columns) };
        progress(transfer({ ...now, early }, buffersOf(early)));
      };
      const run = await simulated(scenario, request, { lives, recorder }, told);
      if (run === null) return { kind: 'cancelled' };
      const { result, recorded } = run;
      const columns = runColumns(result, recorded, lives, (performance.now() - began) / 1000);
      kept.delete(id);
      kept.set(id, { run: result, columns: { ...columns, lives: null } });
      while (kept.size > MOST_KEPT) kept.delete([...kept.keys()][0]);
      const outcome = { kind: 'run', columns, lookup: lookupOf(columns) } as const satisfies Outcome;
      return transfer(outcome, buffersOf(outcome));
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
      const { FIGURES } = await import('../studies/figures.ts');
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

  async open(files: DroppedFile[]): Promise<Opened> {
    const opened = await (await import('./open.ts')).openFiles(files);
    return opened.kind === 'run' ? transfer(opened, buffersOf(opened)) : opened;
  },

  async controls(text: string): Promise<Control[]> {
    await loadPolicies();
    return (await import('./controls.ts')).controlsOf(text);
  },
  withControl: async (text: string, id: string, value: string): Promise<string> =>
    (await import('./controls.ts')).withControl(text, id, value),

  schema: (): Record<string, unknown> => scenarioJsonSchema(),

  async policies(): Promise<PolicyFacts[]> {
    await loadPolicies();
    return POLICIES.map(({ name, about }) => ({ name, about }));
  },

  builtins: async (): Promise<{ name: string; sentence: string; text: string }[]> =>
    (await import('../scenarios/builtin/texts.ts')).builtinTexts.map((builtin) => ({ ...builtin })),

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
        return text(faultsCsv(run));
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
  const read = () =>
    readScenario(source.text, {
      file: source.file,
      policies: POLICIES,
      ...(seed === undefined ? {} : { overrides: { seed } }),
      readFile: (path) => {
        const name = path.replace(/^\.\//, '');
        if (Object.hasOwn(files, name)) return files[name];
        throw new Error(`there is no ${path} here: drop it on the page together with the scenario`);
      },
    });
  let scenario: Scenario;
  try {
    scenario = read();
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    // Perhaps only because it names a policy that is not loaded yet; if not, the error knows all their names then.
    await loadPolicies();
    scenario = read();
  }
  if (policy !== undefined && policy !== scenario.policy.name)
    scenario = { ...scenario, policy: { name: policy, args: {} } };
  if (!POLICIES.some(({ name }) => name === scenario.policy.name)) await loadPolicies();
  return scenario;
}

async function simulated(
  scenario: Scenario,
  { branch }: RunRequest,
  keep: { lives: Lives; recorder: Recorder },
  told: (simulation: Simulation, progress: Progress) => void,
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
      told(simulation, { nowUs, events, share: nowUs / simulation.scenario.durationUs });
      await new Promise((resolve) => setTimeout(resolve, 0));
    } while (!cancelled);
    return !cancelled;
  };
  let simulation: Simulation;
  if (branch === undefined) {
    simulation = new Simulation(scenario, options);
  } else {
    const { branched } = await import('./branch.ts');
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
