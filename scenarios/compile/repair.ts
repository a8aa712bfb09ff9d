/** `repair` of a FaultModel or a Provisioning → how long each step takes and how often it helps. */

import type { RepairSettings } from '../../sim/scenario.ts';
import type { At } from '../documents.ts';
import type { RepairInput } from '../schema/faults.ts';

/** A triangle of times has its corners in order. */
export function checkRepair(given: RepairInput | undefined, at: At): void {
  const { least = 0, likeliest = 0, most = 0 } = given?.rma ?? {};
  if (likeliest < least) at(['repair', 'rma', 'likeliest'], 'less than least', 'least ≤ likeliest ≤ most');
  if (most < likeliest) at(['repair', 'rma', 'most'], 'less than likeliest', 'least ≤ likeliest ≤ most');
}

export function repairOf(given: RepairInput, defaults: RepairSettings): RepairSettings {
  const step = (name: 'gpuReset' | 'reboot' | 'service') => ({
    medianUs: given[name]?.median ?? defaults[name].medianUs,
    sigma: given[name]?.sigma ?? defaults[name].sigma,
    success: given[name]?.success ?? defaults[name].success,
  });
  const { rma } = given;
  return {
    gpuReset: step('gpuReset'),
    reboot: step('reboot'),
    service: step('service'),
    rma: rma === undefined ? defaults.rma : { leastUs: rma.least, likeliestUs: rma.likeliest, mostUs: rma.most },
    retries: given.retries ?? defaults.retries,
    repeatWithinUs: given.repeatWithin ?? defaults.repeatWithinUs,
    crews: given.crews ?? defaults.crews,
    checkUs: given.check ?? defaults.checkUs,
    serviceCheckUs: given.serviceCheck ?? defaults.serviceCheckUs,
    burnInUs: given.burnIn ?? defaults.burnInUs,
  };
}
