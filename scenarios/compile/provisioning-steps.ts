/** What is done to a node before it takes work, how it is drained, and the defaults of both. */

import type { DrainRule, ProvisioningStep, RepairSettings } from '../../sim/scenario.ts';
import type { At } from '../documents.ts';
import type { PathStep } from '../problem.ts';
import type { DrainInput, ProvisioningSpec, StepInput } from '../schema/provisioning.ts';
import { quote } from '../units.ts';

export type StepKind = ProvisioningStep['kind'];
export type Steps = Partial<Record<'image' | 'firmware' | 'reboot' | 'burnIn' | 'check', StepInput>>;

const MINUTE_US = 60_000_000;
/**
 * Medians, spreads and chances of failure, each ours unless a source is named: full image 15 min (DGX; 10–20 min in labs),
 * firmware 90 min (CoreWeave's documentation: 1–2 h), reboot 8 min, burn-in 24 h (CoreWeave), checks with DCGM's
 * diagnostics of level 3, 15 min. SuperBench's validation flags 10 % of new nodes (arXiv 2402.06194), Aegis' pre-check
 * stops 1–2 % of hosts (NSDI'25).
 */
export const STEP: Record<StepKind, { minutes: number; sigma: number; failure: number }> = {
  image: { minutes: 15, sigma: 0.2, failure: 0 },
  firmware: { minutes: 90, sigma: 0.15, failure: 0 },
  reboot: { minutes: 8, sigma: 0.4, failure: 0 },
  'burn-in': { minutes: 1440, sigma: 0, failure: 0.1 },
  check: { minutes: 15, sigma: 0, failure: 0.015 },
};
export const UPDATE_FAILURE = 0.02;
const FIELD: Record<StepKind, keyof Steps> = {
  ...{ image: 'image', firmware: 'firmware', reboot: 'reboot', 'burn-in': 'burnIn', check: 'check' },
};
export const DRAIN: DrainRule = { waitUs: 240 * MINUTE_US, overdue: 'preempt' };

/** The nearest that says something counts: what is updated, then the document, then the default. */
export function stepOf(
  kind: StepKind,
  stated: readonly Steps[],
  otherwise: Partial<{ minutes: number; failure: number }> = {},
) {
  const field = FIELD[kind];
  const said = <K extends 'median' | 'sigma' | 'failure'>(what: K) =>
    stated.map((steps) => steps[field]?.[what]).find((value) => value !== undefined);
  const known = { ...STEP[kind], ...otherwise };
  const failure = said('failure');
  return {
    kind,
    time: { medianUs: said('median') ?? Math.round(known.minutes * MINUTE_US), sigma: said('sigma') ?? known.sigma },
    failure: failure === undefined ? known.failure : failure / 1000,
  };
}

export function returnsOf(spec: ProvisioningSpec, { checkUs, serviceCheckUs, burnInUs }: RepairSettings) {
  const check = (us: number) => stepOf('check', [spec], { minutes: us / MINUTE_US });
  // What the repairs call burn-in is all that new hardware goes through.
  const rest = Math.max(0, burnInUs - STEP.image.minutes * MINUTE_US);
  return {
    quick: [{ ...check(checkUs), time: { medianUs: checkUs, sigma: 0 } }],
    served: [check(serviceCheckUs)],
    renewed: [stepOf('image', [spec]), stepOf('burn-in', [spec], { minutes: rest / MINUTE_US }), check(serviceCheckUs)],
  };
}

export function drainOf(...stated: DrainInput[]): DrainRule {
  const wait = stated.map((drain) => drain?.wait).find((value) => value !== undefined);
  const overdue = stated.map((drain) => drain?.overdue).find((value) => value !== undefined);
  return { waitUs: wait === 'forever' ? Infinity : (wait ?? DRAIN.waitUs), overdue: overdue ?? DRAIN.overdue };
}

/** A number of nodes or a share of them, after reporting one that is none, or more than all. */
export function someOf(text: string, path: readonly PathStep[], at: At): { count: number } | { share: number } {
  const value = Number.parseFloat(text);
  const percent = text.includes('%');
  if (value === 0) at(path, 'no node at all', 'at least 1');
  if (percent && value > 100) at(path, quote(text), 'at most 100%');
  return percent || !Number.isInteger(value) ? { share: percent ? value / 100 : value } : { count: value };
}
