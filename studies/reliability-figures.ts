/** What a reliability report needs of a run: interruptions, what each kind of fault cost, how soon it was over. */
import { type FaultRow, GPU_UNITS, HOUR_US, type Run, SECOND_US, type Simulation } from '../sim/simulate.ts';
import { FAULT_KINDS } from '../sim/world/faults/kinds.ts';
import { ettrOf } from './point.ts';

/** Seconds from the fault to … , kept as a sum and a count so that runs can be put together. */
export const STEPS = ['detection', 'recovery', 'repair'] as const;
export type Step = (typeof STEPS)[number];

const ENDS: Record<Step, (row: FaultRow) => number> = {
  detection: (row) => row.detectedUs,
  recovery: (row) => row.recoveredUs,
  repair: (row) => row.returnedUs,
};

/** Faults after which a job must start anew; stragglers and outages only hold it up. */
const STOPS = new Set(
  FAULT_KINDS.filter(({ symptom }) => ['crash', 'silent', 'hang', 'idle', 'corrupt'].includes(symptom)).map(
    ({ name }) => name,
  ),
);
/** Wrong results that nobody has found stop nothing. */
const stops = ({ kind, detectedUs }: FaultRow) => STOPS.has(kind) && detectedUs >= 0;

const KIND = 'fault/';
/** The figure of one kind of fault: `fault/xid-79/lost`. */
export const kindFigure = (kind: string, what: string) => `${KIND}${kind}/${what}`;

/** Kinds that a set of runs had, by their figures' names. */
export function kindsIn(runs: readonly Record<string, unknown>[]): string[] {
  const names = runs.flatMap((run) => Object.keys(run)).filter((id) => id.startsWith(KIND) && id.endsWith('/count'));
  return [...new Set(names.map((id) => id.slice(KIND.length, -'/count'.length)))].sort();
}

export function reliabilityFigures(simulation: Simulation, run: Run): Record<string, number | null> {
  const { scenario, faults } = run;
  const struck = faults.filter(({ effective }) => effective);
  let nodes = 0;
  for (let n = 0; n < scenario.nodes.count; n++) if (scenario.nodes.gpus[n] > 0) nodes++;
  const kinds = [...new Set(struck.map(({ kind }) => kind))];
  return {
    ettr: ettrOf(run, (job) => simulation.jobs.remainingUs(job)),
    'node-days': (nodes * run.simulatedUs) / (24 * HOUR_US),
    interruptions: interruptions(struck),
    'fault-lost-gpu-hours': lostHours(struck),
    ...stepFigures(struck.filter(stops), (what) => what),
    ...Object.assign(
      {},
      ...kinds.map((kind) =>
        kindFigures(
          kind,
          struck.filter((row) => row.kind === kind),
        ),
      ),
    ),
  };
}

const kindFigures = (kind: string, rows: readonly FaultRow[]): Record<string, number> => ({
  [kindFigure(kind, 'count')]: rows.length,
  [kindFigure(kind, 'interruptions')]: interruptions(rows),
  [kindFigure(kind, 'lost')]: lostHours(rows),
  ...stepFigures(rows, (what) => kindFigure(kind, what)),
});

function stepFigures(rows: readonly FaultRow[], name: (what: string) => string): Record<string, number> {
  return Object.fromEntries(
    STEPS.flatMap((step) => {
      const over = rows.filter((row) => ENDS[step](row) >= 0);
      const seconds = over.reduce((sum, row) => sum + (ENDS[step](row) - row.timeUs) / SECOND_US, 0);
      return [
        [name(`${step}-seconds`), seconds],
        [name(`${step}-n`), over.length],
      ];
    }),
  );
}

const interruptions = (rows: readonly FaultRow[]) => rows.filter(stops).reduce((sum, { jobs }) => sum + jobs, 0);
const lostHours = (rows: readonly FaultRow[]) => rows.reduce((sum, { lost }) => sum + lost, 0) / GPU_UNITS / HOUR_US;
