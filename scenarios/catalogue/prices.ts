/**
 * Prices per hour, each with its date and source. List and spot prices moved by more than 30 % within a year, so a
 * scenario that is to be believed states its own (`Prices`, or `price` on a pool).
 */

export interface Price {
  /** Integer micro-dollars per GPU-hour (per hour for the control plane). */
  microUsd: number;
  date: string;
  source: string;
}

const GUIDE = 'Mission Control deployment guide on rented GPU nodes';

/** On demand, by catalogue name of the GPU. */
export const ON_DEMAND: Record<string, Price> = {
  'H200-SXM5': { microUsd: 5_920_000, date: '2026-06-05', source: GUIDE },
  'B200-SXM6': { microUsd: 8_610_000, date: '2026-06-05', source: GUIDE },
  'H100-SXM5': { microUsd: 3_780_000, date: '2026-05-07', source: 'Lambda list price by way of techbytes.app' },
  'A100-SXM4-80GB': { microUsd: 1_844_000, date: '2024-12', source: 'AWS EC2 Capacity Blocks price page' },
  // $9.08 is the price of a superchip, which has two GPUs.
  GB200: {
    microUsd: 4_540_000,
    date: '2026-03-17',
    source: 'Spheron price list: half of the $9.08 of a GB200 superchip, which has two GPUs',
  },
};

/** Interruptible capacity. */
export const SPOT: Record<string, Price> = {
  'H200-SXM5': { microUsd: 1_780_000, date: '2026-06-05', source: `${GUIDE} (about $1.78)` },
};

/** One CPU node that runs the control plane, per hour. */
export const CONTROL_PLANE: Price = { microUsd: 500_000, date: '2026-06-05', source: GUIDE };
