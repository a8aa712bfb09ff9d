/** What is noticed of a fault and what is done about it: the contract between `world/faults` and `policy/recovery`. */
import type { FaultUnit, RecoverySettings } from '../scenario.ts';

/** How somebody came to know. `event`: by an event code; `exit`: a process ended; `silence`: a node answers no more. */
export type How = 'event' | 'utilization' | 'exit' | 'silence' | 'timeout';

export interface Notice {
  nowUs: number;
  how: How;
  /** Code of the event; 0 = none. */
  xid: number;
  /** The job still works: it can be saved. */
  alive: boolean;
  /** The node cannot be used until it is repaired. */
  unfit: boolean;
  /** A single pod, which can be started anew where it is. */
  single: boolean;
  /** A service or its like, which a controller always brings back. */
  service: boolean;
  /** It can go on without its workers on the nodes that are struck. */
  elastic: boolean;
  /** Nodes kept aside that could take its place. */
  spares: number;
  /** How often the policy has moved this job before. */
  attempts: number;
}

export interface Reaction {
  /** `leave`: the job stays as it is. */
  action: 'leave' | 'fail' | 'reschedule' | 'restart' | 'shrink' | 'spare';
  /** Not to be queued again before, µs. */
  notBeforeUs: number;
  /** A FaultTolerancePolicy decided, and counts it as an attempt. */
  byPolicy: boolean;
  /** What was decided and why, as `explain` shows it. */
  reason: string;
}

/** Decides what becomes of a job that a fault has struck. A function of what it is given. */
export interface Recovery {
  settings: RecoverySettings;
  /** Whether an event with this code makes somebody act on the job. */
  firesOn(xid: number): boolean;
  react(notice: Notice): Reaction;
  /** When a person has found out what to do about something that came up at `us`. */
  personDoneUs(us: number): number;
}

/** Why a candidate had no effect: what it would strike was away, or is not (or no more) of the kind that fails so often. */
export const OUT_OF_SERVICE = 'not in service';
export const OTHER_HARDWARE = 'the hardware is older, or newer, than those that fail so often';

/** One candidate fault and what became of it. Times in µs, -1 = has not happened. */
export interface FaultRow {
  timeUs: number;
  scope: FaultUnit;
  /** Name of the unit: a node, `node/gpu3`, `rack-2`, `storage` … */
  unit: string;
  /** Pools to which the unit's nodes belong; absent = all. */
  pools?: readonly number[];
  process: string;
  cause: string;
  kind: string;
  /** 0 = leaves no XID. */
  xid: number;
  /** XIDs that came with it and are no faults of their own. */
  with: readonly number[];
  node: number;
  /** GPU of the node; -1 = not of one GPU. */
  gpu: number;
  /** What it drew: chooses among jobs, and the name of the stream of what follows from it. */
  choice: number;
  stream: string;
  /** Struck something; else why not. */
  effective: boolean;
  why: '' | typeof OUT_OF_SERVICE | typeof OTHER_HARDWARE;
  /** The first of the jobs it struck, and how many. */
  job: number;
  jobs: number;
  detectedUs: number;
  /** How it was: a check of the node's health, or its results, where no job told. '' = it was not. */
  noticedBy: How | 'check' | 'results' | '';
  /** When the last of its jobs that came back had its first step. */
  recoveredUs: number;
  /** When the node was back in service. */
  returnedUs: number;
  /** Work lost to it, GPU·µs/7000. */
  lost: number;
}
