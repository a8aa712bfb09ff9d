/**
 * Electricity, from the ledger: GPU time in each state × the power of that state (a GPU with its share of the node), times
 * PUE; CO2 from the grid's mean. A reclaimed GPU is somebody else's: off.
 */
import { BUSY, type Run } from '../sim/simulate.ts';
import { gpuHours } from './cost.ts';

export interface PoolEnergy {
  pool: string;
  busyWatts: number;
  idleWatts: number;
  /** Of the nodes, without PUE. */
  kWh: number;
  source: string;
}

export interface Energy {
  /** Drawn from the grid: nodes × PUE. */
  kWh: number;
  /** Of the nodes, by what their GPUs did. */
  nodeKWh: { busy: number; idle: number; off: number };
  meanKw: number;
  kgCo2: number;
  pue: number;
  gramsCo2PerKwh: number;
  /** Of electricity, where the scenario states a price; not part of `cost`. */
  usd: number | null;
  byPool: PoolEnergy[];
  source: string;
}

/** null where the scenario says nothing of power. */
export function energyOf(run: Run): Energy | null {
  const { energy, pools } = run.scenario;
  if (energy === undefined) return null;
  const states = pools.map(() => ({ busy: 0n, idle: 0n, off: 0n }));
  for (const { pool, category, amount } of run.entries) {
    const state = category === 'reclaimed' ? 'off' : BUSY.includes(category) ? 'busy' : 'idle';
    states[pool][state] += amount;
  }
  const nodeKWh = { busy: 0, idle: 0, off: 0 };
  const byPool = pools.map((pool, p): PoolEnergy => {
    const { busyWatts, idleWatts, offWatts, source } = energy.pools[p];
    const kWh = {
      busy: (gpuHours(states[p].busy) * busyWatts) / 1000,
      idle: (gpuHours(states[p].idle) * idleWatts) / 1000,
      off: (gpuHours(states[p].off) * offWatts) / 1000,
    };
    for (const state of ['busy', 'idle', 'off'] as const) nodeKWh[state] += kWh[state];
    return { pool: pool.name, busyWatts, idleWatts, kWh: kWh.busy + kWh.idle + kWh.off, source };
  });
  const kWh = (nodeKWh.busy + nodeKWh.idle + nodeKWh.off) * energy.pue;
  const hours = run.simulatedUs / 3.6e9;
  return {
    kWh,
    nodeKWh,
    meanKw: hours === 0 ? 0 : kWh / hours,
    kgCo2: (kWh * energy.gramsCo2PerKwh) / 1000,
    pue: energy.pue,
    gramsCo2PerKwh: energy.gramsCo2PerKwh,
    usd: energy.microUsdPerKwh === undefined ? null : (kWh * energy.microUsdPerKwh) / 1e6,
    byPool,
    source: energy.source,
  };
}
