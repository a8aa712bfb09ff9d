/**
 * Electric power of a GPU with its share of the node (CPUs, NICs, fans), W. Busy = 76 % of the plate, as heavy training
 * was measured on H100 nodes (arXiv 2506.14551: 7.75 of 10.2 kW); idle of nodes is published nowhere: an assumption.
 */

import type { GpuModel } from './gpus.ts';

export interface NodePower {
  busyWatts: number;
  idleWatts: number;
  source: string;
}

const GPUS = 8;
const OF_PLATE = 0.76;

const node = (plateWatts: number, idleWatts: number, source: string): NodePower => ({
  busyWatts: (OF_PLATE * plateWatts) / GPUS,
  idleWatts: idleWatts / GPUS,
  source,
});

const H100 = node(10_200, 2000, 'DGX H100/H200 user guide: 10.2 kW; 76 % busy (arXiv 2506.14551); idle 2 kW assumed');
const B200 = node(14_300, 3000, 'DGX B200 user guide: 14.3 kW; 76 % busy assumed as on H100; idle 3 kW assumed');

const MEASURED: Record<string, NodePower> = { 'H100-SXM5': H100, 'H200-SXM5': H100, 'B200-SXM6': B200 };

/** Undefined where not even the board's power is published. */
export function nodePower(model: GpuModel): NodePower | undefined {
  const known = MEASURED[model.name];
  if (known !== undefined || model.boardWatts === null) return known;
  // As an H100 node against eight boards of 700 W.
  const plate = (model.boardWatts * 10_200) / (GPUS * 700);
  return {
    busyWatts: OF_PLATE * plate,
    idleWatts: (plate * 2000) / 10_200,
    source: `board power ${model.boardWatts} W, the rest of the node in proportion to a DGX H100 (assumed)`,
  };
}

/** No primary has an idle figure: 70 to 120 W of an H100, here the middle; 140 W of a B200. Others in proportion to an H100. */
const IDLE_WATTS: Record<string, number> = { 'H100-SXM5': 95, 'H200-SXM5': 95, 'B200-SXM6': 140 };

/** The GPU alone, as `DCGM_FI_DEV_POWER_USAGE` shows it, W; undefined where its board's power is not published. */
export function gpuPower({ name, boardWatts }: GpuModel): { idle: number; busy: number } | undefined {
  if (boardWatts === null) return undefined;
  return { idle: IDLE_WATTS[name] ?? Math.round((boardWatts * 95) / 700), busy: OF_PLATE * boardWatts };
}

/** Uptime Institute, Global Data Center Survey 2025: average of the fleet. */
export const PUE = { value: 1.54, source: 'PUE 1.54: Uptime Institute survey 2025, fleet average' };
/** World average of 2024. */
export const GRID = {
  gramsCo2PerKwh: 473,
  source: '473 g CO2e/kWh: Ember, Global Electricity Review 2025, world average of 2024',
};
