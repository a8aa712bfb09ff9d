/**
 * What the simulated time cost: every installed GPU-hour at its pool's price, except while it was reclaimed. Where a pool is
 * billed in increments, the time for which its GPUs were there on average is rounded up: exact unless some were reclaimed,
 * as then each rental would be rounded by itself.
 */
import { GPU_UNITS, HOUR_US, type Run } from '../sim/simulate.ts';

export interface PoolCost {
  pool: string;
  gpuModel: string;
  usdPerGpuHour: number;
  /** GPU-hours that are paid for. */
  gpuHours: number;
  usd: number;
}

export interface FixedCostSum {
  name: string;
  usdPerHour: number;
  usd: number;
}

export interface Cost {
  currency: 'USD';
  total: number;
  gpus: number;
  fixed: number;
  byPool: PoolCost[];
  byFixedCost: FixedCostSum[];
}

const UNITS_PER_GPU_HOUR = BigInt(GPU_UNITS) * BigInt(HOUR_US);

/** Exact in micro-dollars: each pool and each fixed cost is rounded once, half up, and the sums are sums of those. */
export function costOf(run: Run): Cost {
  const { pools, nodes, fixedCosts } = run.scenario;
  const present = pools.map(() => 0n);
  for (const { pool, category, amount } of run.entries) if (category !== 'reclaimed') present[pool] += amount;
  const installed = pools.map(() => 0);
  for (let n = 0; n < nodes.count; n++) installed[nodes.pool[n]] += nodes.gpus[n];
  const paid = pools.map((pool, p) =>
    roundedUp(present[p], BigInt(pool.billingIncrementUs ?? 0) * BigInt(installed[p]) * BigInt(GPU_UNITS)),
  );
  const poolMicros = pools.map((pool, p) => divided(paid[p] * BigInt(pool.priceMicroUsd), UNITS_PER_GPU_HOUR));
  const fixedMicros = fixedCosts.map((cost) => {
    const us = roundedUp(BigInt(run.simulatedUs), BigInt(cost.billingIncrementUs ?? 0));
    return divided(us * BigInt(cost.microUsdPerHour), BigInt(HOUR_US));
  });
  const sum = (micros: bigint[]) => micros.reduce((total, micro) => total + micro, 0n);
  return {
    currency: 'USD',
    total: usd(sum(poolMicros) + sum(fixedMicros)),
    gpus: usd(sum(poolMicros)),
    fixed: usd(sum(fixedMicros)),
    byPool: pools.map((pool, p) => ({
      pool: pool.name,
      gpuModel: pool.gpuModel,
      usdPerGpuHour: pool.priceMicroUsd / 1e6,
      gpuHours: gpuHours(paid[p]),
      usd: usd(poolMicros[p]),
    })),
    byFixedCost: fixedCosts.map((cost, i) => ({
      name: cost.name,
      usdPerHour: cost.microUsdPerHour / 1e6,
      usd: usd(fixedMicros[i]),
    })),
  };
}

/** GPU·µs/7000 → GPU-hours. */
export function gpuHours(amount: bigint): number {
  const whole = amount / UNITS_PER_GPU_HOUR;
  return Number(whole) + Number(amount - whole * UNITS_PER_GPU_HOUR) / Number(UNITS_PER_GPU_HOUR);
}

/** The next multiple of `step`; 0 = as it is. */
function roundedUp(amount: bigint, step: bigint): bigint {
  return step === 0n ? amount : ((amount + step - 1n) / step) * step;
}

function divided(amount: bigint, by: bigint): bigint {
  return (2n * amount + by) / (2n * by);
}

function usd(micros: bigint): number {
  return Number(micros) / 1e6;
}
