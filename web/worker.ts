/** Simulates off the page's thread, so that the page stays responsive. */
import { expose } from 'comlink';
import { type RunSummary, summarise } from '../reports/index.ts';
import { builtin } from '../scenarios/index.ts';
import { simulate } from '../sim/simulate.ts';

const api = {
  /** Runs a built-in scenario by name. */
  async run(name: string): Promise<RunSummary> {
    const scenario = await builtin(name);
    const began = performance.now();
    const run = simulate(scenario);
    return summarise(run, (performance.now() - began) / 1000);
  },
};

export type SimulationWorker = typeof api;

expose(api);
