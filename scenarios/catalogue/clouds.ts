/** How clouds take spot capacity away. Rates for GPUs of today are published by none; see the sources. */

import { DAY_US, HOUR_US, MINUTE_US, SECOND_US } from '../../sim/scenario.ts';

export interface CloudReclaim {
  name: string;
  noticeUs: number;
  byAge: { fromUs: number; factor: number }[];
  maxAgeUs: number;
  source: string;
}

const CONSTANT = [{ fromUs: 0, factor: 1 }];

export const CLOUDS: readonly CloudReclaim[] = [
  {
    name: 'aws',
    noticeUs: 2 * MINUTE_US,
    byAge: CONSTANT,
    maxAgeUs: Infinity,
    source: 'AWS EC2, Spot instance interruption notices: two minutes, best effort',
  },
  {
    name: 'gcp',
    noticeUs: 30 * SECOND_US,
    // Bathtub with a cap of a day: arXiv 1911.05160 measured the shape; the factors are our reading of it.
    byAge: [
      { fromUs: 0, factor: 3 },
      { fromUs: 3 * HOUR_US, factor: 1 },
      { fromUs: 21 * HOUR_US, factor: 5 },
    ],
    maxAgeUs: DAY_US,
    source:
      'Google Cloud, Spot VMs: up to 30 s; a bathtub that ends at 24 h as arXiv 1911.05160 measured on preemptible VMs',
  },
  {
    name: 'azure',
    noticeUs: 30 * SECOND_US,
    byAge: CONSTANT,
    maxAgeUs: Infinity,
    source: 'Azure, Spot VMs: 30 s by Scheduled Events, best effort',
  },
];

/** Part of a pool's nodes taken in a month: the second of AWS Spot Advisor's bands (5–10 %), at its upper end. */
export const PER_MONTH = 0.1;
/** Hours in the month of that rate: λ = −ln(1 − p)/730 h. */
export const RATE_MONTH_HOURS = 730;
/** Chance that another node of the pool goes along, within how long (over 92 % of co-interruptions within 3 minutes: Spot-and-Scoot), and the wait for capacity: assumptions. */
export const BATCH_SHARE = 0.2;
export const BATCH_WINDOW_US = 3 * MINUTE_US;
export const RETURN_MEAN_US = 2 * HOUR_US;
