/** What is noticed of faults, and done about them. */

/** What the control plane sees is as old as its last sample. */
export interface TelemetrySettings {
  /** Between two readings of the GPUs by the exporter, µs. */
  exporterUs: number;
  /** Between two readings of the exporter by who acts on it, µs; 0 = at once. */
  scrapeUs: number;
}

/** What a stack does about faults by itself: docs/faults.md has each value's source. */
export interface StackSettings {
  name: string;
  /** From the death of a process to its being noticed, µs. */
  exitUs: number;
  /** From a node falling silent to its being given up, µs. */
  nodeDownUs: number;
  /** A gang that hangs is ended by its collective's timeout, µs. */
  hangUs: number;
  /** What is done with a dead job: its processes are started in place if it is a single pod, it is queued again, or a person has to do it. */
  gang: 'requeue' | 'person';
  single: 'requeue' | 'in-place';
  requeueDelayUs: number;
  /** From a GPU or node being unfit to its taking no new work, µs after it is noticed; -1 = when a person sees to it. */
  closeUs: number;
  /** Who repairs nodes and lets them return. */
  repairBy: 'person' | 'machine';
  /** What happens to healthy jobs on a node that has to be repaired. */
  neighbours: 'wait' | 'evacuate';
  /** Events of DCGM are seen and acted upon; otherwise only deaths are. */
  events: boolean;
  /** People: how long they take to find out what to do, and when they work (local hours; Monday to Friday unless `weekends`). */
  person: { takesUs: number; fromHour: number; toHour: number; weekends: boolean };
}

/** A FaultTolerancePolicy. */
export interface FaultToleranceSettings {
  name: string;
  /** XID codes. */
  eventCodes: number[];
  /** Mean of `utilizationField` over the window below which a job counts as stalled, 0..1; -1 = not watched. */
  utilizationDropThreshold: number;
  utilizationField: string;
  utilizationWindowUs: number;
  action: 'CheckpointAndReschedule' | 'RestartInPlace' | 'HotSpare' | 'ShrinkElastic' | 'Ignore';
  /** -1 = without limit. */
  maxRescheduleAttempts: number;
  rescheduleDelayUs: number;
  checkpointPath: string;
}

export interface RecoverySettings {
  stack: StackSettings;
  /** No stack was named: it is that of whichever policy is run. */
  stackOfPolicy?: boolean;
  telemetry: TelemetrySettings;
  /** Absent = what the stack does by itself. */
  faultTolerance?: FaultToleranceSettings;
  /** Nodes kept out of use for action `HotSpare`, by pool. */
  spares: number[];
}
