/** The optional event trace: what happened to jobs, and every movement in the ledger, one row each. */
import { CATEGORIES, type Ledger } from './ledger.ts';

/** A row means what its `event` says; fields that mean nothing there are empty (-1, 0, ''). */
export interface TraceRow {
  timeUs: number;
  /** submit, wait, place, start, checkpoint, saved, preempt, shrink, reclaim, kill, release, complete, fail, unschedulable, node, ledger, lost. */
  event: string;
  job: number;
  task: number;
  node: number;
  /** GPUs of the node as bits. */
  mask: number;
  /** Ledger categories the units leave and enter; '' = outside the cluster. */
  from: string;
  to: string;
  /** Units of 1/7000 GPU that moved (`ledger`), or GPU·µs/7000 rebooked (`lost`). */
  units: string;
  /** Pool, project and whether over quota, of the account entered (of the one left where nobody's is entered). */
  pool: number;
  project: number;
  overQuota: boolean;
  reason: string;
}

export type TraceSink = (row: TraceRow) => void;

const EMPTY = {
  job: -1,
  task: -1,
  node: -1,
  mask: 0,
  from: '',
  to: '',
  units: '0',
  pool: -1,
  project: -1,
  overQuota: false,
  reason: '',
};

export function jobRow(
  timeUs: number,
  event: string,
  job: number,
  task: number,
  node: number,
  mask: number,
  reason: string,
): TraceRow {
  return { ...EMPTY, timeUs, event, job, task, node, mask, reason };
}

export function ledgerRow(
  ledger: Ledger,
  timeUs: number,
  event: string,
  from: number,
  to: number,
  units: string,
): TraceRow {
  const n = CATEGORIES.length;
  const source = from < 0 ? null : ledger.owners[Math.floor(from / n)];
  const target = to < 0 ? null : ledger.owners[Math.floor(to / n)];
  const named = (target !== null && target.project >= 0) || source === null ? target : source;
  return {
    ...EMPTY,
    timeUs,
    event,
    from: source === null ? '' : CATEGORIES[from % n],
    to: target === null ? '' : CATEGORIES[to % n],
    units,
    pool: named?.pool ?? -1,
    project: named?.project ?? -1,
    overQuota: named?.overQuota ?? false,
  };
}
