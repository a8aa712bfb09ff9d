/** One run of a suite under one of the two policies, and what is kept of it. */
import { type RunSummary, summarise } from '../../reports/summary.ts';
import { type PolicyFactory, Recorder, type Scenario, Simulation } from '../../sim/simulate.ts';
import type { Figures } from '../../studies/compare.ts';
import { figuresOf } from '../../studies/figures.ts';
import { fairnessOf } from './fairness.ts';
import { BENCH_FIGURES, groupFigures, jobFacts, sloFigures, waitFigures } from './figures.ts';
import { type Break, type DecisionRow, Watch } from './watch.ts';

/** Plain data: it comes from a thread, a program or a file. */
export interface RunResult {
  digest: string;
  figures: Figures;
  /** By project and by kind of job. */
  groups: Figures;
  breaks: Break[];
  /** Jobs that wait for each other, so that nothing could happen any more. */
  stalled: boolean;
  /** Of the first seed only. */
  decisions?: DecisionRow[];
}

/** How long it took; differs from run to run and is kept apart. null = not known. */
export interface RunTimings {
  wallSeconds: number;
  decisions: number | null;
  decideSeconds: number | null;
  heapMiB: number | null;
}

/** `failed`: the policy could not go on, and why. */
export type Outcome = { run: RunResult; timings: RunTimings } | { failed: string };

/** Simulates a scenario under a policy, watched. Throws what the simulation throws. */
export function benchRun(
  scenario: Scenario,
  policy: PolicyFactory,
  keepDecisions: boolean,
  heapMiB: () => number | null = () => null,
): Outcome {
  const started = performance.now();
  const watch = new Watch(keepDecisions);
  // Intervals are for pictures; only the series are used.
  const recorder = new Recorder(1);
  const simulation = new Simulation(scenario, { policy: watch.over(policy), recorder });
  simulation.run();
  const run = simulation.result();
  watch.end(run.scenario);
  const summary = summarise(run, 0);
  const facts = jobFacts(run);
  const fairness = fairnessOf(run.scenario, recorder.columns(simulation.nowUs));
  const needless = watch.breaks.find(({ rule }) => rule === 'needless-eviction')?.count ?? 0;
  const figures = {
    ...summaryFigures(summary),
    'needless-evictions': needless,
    ...waitFigures(facts, summary.simulatedSeconds),
    'fairness-jain': fairness?.jain ?? null,
    'fairness-worst': fairness?.worst ?? null,
  };
  return {
    run: {
      digest: run.digest,
      figures,
      groups: groupFigures(facts, summary.queues),
      breaks: watch.breaks,
      stalled: run.stalled,
      ...(keepDecisions && { decisions: watch.rows }),
    },
    timings: {
      wallSeconds: (performance.now() - started) / 1000,
      decisions: watch.asked,
      decideSeconds: watch.seconds,
      heapMiB: heapMiB(),
    },
  };
}

/** What the summary of a run has, of whichever version of simsup it is; null for what that version did not say. */
export function summaryFigures(summary: RunSummary): Figures {
  const specs = BENCH_FIGURES.map((spec) => ({
    ...spec,
    of: (s: RunSummary) => {
      try {
        return spec.of(s) ?? null;
      } catch {
        return null;
      }
    },
  }));
  return {
    ...figuresOf(summary, specs),
    evictions: summary.scheduling?.evictions ?? null,
    ...(summary.slo === undefined ? {} : sloFigures(summary)),
  };
}
