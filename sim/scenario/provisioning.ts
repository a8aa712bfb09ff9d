/** How nodes come into the cluster, are updated and leave. */

import type { DrawnTime, RepairSettings } from './faults.ts';

/** What is done to a node before it takes work. `image` takes one of the places for imaging. */
export const PROVISIONING_STEPS = ['image', 'firmware', 'reboot', 'burn-in', 'check'] as const;
export interface ProvisioningStep {
  kind: (typeof PROVISIONING_STEPS)[number];
  time: DrawnTime;
  /** Probability that the node fails it and goes to repair. */
  failure: number;
}

/** How a node that has jobs is emptied. */
export interface DrainRule {
  /** How long its jobs may go on, µs; Infinity = as long as they like. */
  waitUs: number;
  /** Those that have not ended then write a checkpoint, if they write any, and leave; or die; or the node is let go for this time. */
  overdue: 'preempt' | 'kill' | 'skip';
}

/** New firmware, or a new image, for all nodes of some pools, a few at a time. */
export interface RolloutSpec {
  name: string;
  atUs: number;
  pools: number[];
  steps: ProvisioningStep[];
  drain: DrainRule;
  /** Nodes taken together: the next wave begins when all of them are over, and this much later; 0 = no waves. */
  perWave: number;
  betweenWavesUs: number;
  /** Most nodes of its pools out of service at a time, for whatever reason; a share (0–1) of them, rounded down, at least 1. */
  maxUnavailable: { count: number } | { share: number };
  order: 'rack' | 'name' | 'idle-first';
  /** After so many failed updates, or such a share of the nodes, no more nodes are taken for this long, µs; Infinity = it stops. */
  pause?: { failures: { count: number } | { share: number }; forUs: number };
  /** With what the repair of a node begins whose update failed. */
  repair: 'reboot' | 'service' | 'rma';
}

/** Nodes that join, leave, or go over to another pool at a stated time. */
export interface NodeChange {
  name: string;
  kind: 'join' | 'leave' | 'move';
  atUs: number;
  nodes: number[];
  /** Of a move: what each of the nodes is in its new pool. */
  becomes: number[];
  drain: DrainRule;
  /** What is done to nodes that come. */
  steps: ProvisioningStep[];
}

/** How nodes come into the cluster, are updated and leave (BCM). */
export interface ProvisioningSettings {
  /** Nodes that are not there at the start. */
  absent: number[];
  /** Nodes that can be imaged at the same time. */
  parallelImaging: number;
  /** What a node goes through before it returns: after a reset or reboot, after service, with new hardware. */
  returns: { quick: ProvisioningStep[]; served: ProvisioningStep[]; renewed: ProvisioningStep[] };
  /** With what the repair of a node begins that fails its burn-in or a check when it is new. */
  newRepair: 'reboot' | 'service' | 'rma';
  /** A spare of its pool takes the place of every node that goes to repair. */
  sparesReplace: boolean;
  rollouts: RolloutSpec[];
  changes: NodeChange[];
  /** Of repairs, in place of those of the fault model. */
  repair?: RepairSettings;
}
