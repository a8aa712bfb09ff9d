/** What is paid for beside the GPUs: control plane and electricity. */

/** Costs per hour that do not depend on GPUs (control plane). */
export interface FixedCost {
  name: string;
  microUsdPerHour: number;
  /** As of a pool. */
  billingIncrementUs?: number;
}

/** Electric power of the nodes' GPUs with their share of the node, by pool, W a GPU. */
export interface EnergySettings {
  pue: number;
  /** Grams of CO2-equivalent per kWh. */
  gramsCo2PerKwh: number;
  /** Of electricity, integer micro-dollars; absent = not billed apart. */
  microUsdPerKwh?: number;
  pools: { idleWatts: number; busyWatts: number; offWatts: number; source: string }[];
  source: string;
}
