/** The ways to run a cluster that are compared. */

import type { StackSettings, TelemetrySettings } from './recovery.ts';
import type { PolicyChoice } from './schedulers.ts';

/** What it takes to set a stack up and keep it running, in hours of people; simulated faults come on top. */
export interface OperationsEffort {
  /** Hours of each engineer until the first job runs, and how many engineers. */
  setUpHours: number;
  engineers: number;
  /** Hours of upgrades and care in a month of 720 h, all engineers together. */
  upkeepHoursPerMonth: number;
  microUsdPerHour: number;
  /** Time over which the set-up is written off, µs. */
  setUpLastsUs: number;
}

/** One of the ways to run a cluster that are compared; docs/break-even.md has each value's source. */
export interface ComparedStack {
  name: string;
  title: string;
  /** Decides order, quota and gangs. */
  policy: PolicyChoice;
  /** Work that asks for part of a GPU gets a whole one. */
  wholeGpus: boolean;
  /** How faults are noticed and what is done about them. */
  settings: StackSettings;
  /** Absent = as the scenario says, else as shipped. */
  telemetry?: TelemetrySettings;
  /** `scenario`: its FaultTolerancePolicy, else the guide's; other stacks have none. */
  faultTolerance: 'scenario' | 'none';
  /** Where replicas of inference deployments go. Stated; the policy decides what is simulated of it. */
  servingPlacement: 'spread' | 'bin-pack' | 'slo-aware' | 'none';
  operations: OperationsEffort;
  /** Integer micro-dollars per GPU-year of 8,760 h. */
  licenceMicroUsd: number;
}
