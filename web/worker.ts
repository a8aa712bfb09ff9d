/** Simulates off the page's thread, so that the page stays responsive. */
import { expose } from 'comlink';
import { builtin } from '../scenarios/index.ts';
import { simulate } from '../sim/simulate.ts';
import { type Summary, summarise } from './summary.ts';

const api = {
  /** Runs a built-in scenario by name. */
  async run(name: string): Promise<Summary> {
    return summarise(simulate(await builtin(name)));
  },
};

export type SimulationWorker = typeof api;

expose(api);
