/** What `run` writes for other programs' eyes: metrics for a Prometheus, a trace for Perfetto. */
import { MetricStore, meter, stepFor } from '../../reports/openmetrics.ts';
import { type PerfettoWriter, perfettoWriter } from '../../reports/perfetto.ts';
import { UserError } from '../../scenarios/import/import.ts';
import type { Scenario, Simulation, TraceRow } from '../../sim/simulate.ts';
import { GrowingFile, writeWhole } from './output.ts';

/** More steps than this are a mistake in the unit. */
const MOST_STEPS = 5_000_000;

/** Reads the simulation at equal steps. */
export class MetricsFile {
  /** Until when to simulate before the next `take`, µs. */
  nextUs = 0;
  private readonly path: string;
  private readonly scenario: Scenario;
  private readonly stepUs: number;
  private readonly read: ReturnType<typeof meter>;
  private readonly store = new MetricStore();

  constructor(path: string, simulation: Simulation, stepUs?: number) {
    const { scenario } = simulation;
    this.path = path;
    this.scenario = scenario;
    const gpus = scenario.nodes.gpus.reduce((sum, n) => sum + n, 0);
    const lastUs = scenario.jobs.count === 0 ? 0 : scenario.jobs.submitUs[scenario.jobs.count - 1];
    const durationUs = scenario.durationUs === Infinity ? lastUs : scenario.durationUs;
    this.stepUs = stepUs ?? stepFor(gpus, durationUs);
    if (durationUs / this.stepUs > MOST_STEPS)
      throw new UserError(`--metrics-step makes more than ${MOST_STEPS} steps of this scenario: choose a longer one`);
    this.read = meter(simulation);
  }

  /** Notes the moment, if the simulation has come to it; false where it was over before. */
  take({ nowUs }: Simulation): boolean {
    if (nowUs < this.nextUs) return false;
    this.store.add(this.read());
    this.nextUs += this.stepUs;
    if (this.nextUs > this.scenario.durationUs) this.nextUs = Infinity;
    return true;
  }

  finish(): void {
    writeWhole(this.path, this.store.write(this.scenario.startEpochSeconds, this.stepUs));
  }
}

export class PerfettoFile {
  private readonly file: GrowingFile;
  private readonly writer: PerfettoWriter;

  constructor(path: string, scenario: Scenario) {
    this.writer = perfettoWriter(scenario);
    this.file = new GrowingFile(path);
    this.file.write(this.writer.begin());
  }

  write(row: TraceRow): void {
    this.file.write(this.writer.row(row));
  }

  finish(nowUs: number): void {
    this.file.write(this.writer.end(nowUs));
    this.file.finish();
  }

  discard(): void {
    this.file.discard();
  }
}
