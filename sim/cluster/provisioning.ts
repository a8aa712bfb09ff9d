/** What provisioning reports: `world/` fills it in, a run keeps it. */

/** A roll-out's progress. Times in µs, -1 = not yet. */
export interface RolloutRow {
  name: string;
  /** Nodes it was for when it began; those that left the cluster meanwhile are not waited for. */
  nodes: number;
  done: number;
  /** Updates that failed: these nodes went to repair, which counts as done once they are back. */
  failed: number;
  waves: number;
  pauses: number;
  /** Stopped for good: too many updates failed. */
  stopped: boolean;
  /** Nodes whose jobs did not end in the time they were given. */
  drainedByForce: number;
  /** Most nodes of its pools that were out of service at one time while it ran. */
  mostUnavailable: number;
  startedUs: number;
  finishedUs: number;
}

/** Nodes that join, leave or go over to another pool. */
export interface ChangeRow {
  name: string;
  kind: 'join' | 'leave' | 'move';
  nodes: number;
  /** In service where they were to go, or gone. */
  done: number;
  plannedUs: number;
  finishedUs: number;
}

export interface ProvisioningReport {
  rollouts: RolloutRow[];
  changes: ChangeRow[];
  counts: {
    imaged: number;
    /** Nodes imaged at one time, at most; and time nodes have waited for their turn, µs. */
    mostImaging: number;
    imagingWaitUs: number;
    burnIns: number;
    burnInsFailed: number;
    checks: number;
    checksFailed: number;
    drains: number;
    /** Spares that took the place of a node that went to repair. */
    sparesUsed: number;
  };
}
