/** One line of `npm run peers`: our run of a case beside what a published simulator gave for it. */
export interface PeerRow {
  /** Folder of the peer's results: `helios`, `muri`, `fgd`, … */
  peer: string;
  /** The virtual cluster, trace or workload. */
  case: string;
  /** By the peer's own name for it. */
  policy: string;
  /** Jobs (pods, workloads) compared. */
  jobs: number;
  /** How many of them came out equal; null where single jobs are not what is compared (curves, totals). */
  equal: number | null;
  /** Largest difference found, in `unit`; null where none could be measured. */
  maxDifference: number | null;
  /** Of `maxDifference`: `s`, `placements`, `% of GPUs`, … */
  unit: string;
  /** Modules under sim/ that decided what is compared, e.g. `sim/policy/packing/fgd`. */
  modules: string[];
  /** Ours, reading files not counted. */
  wallSeconds: number | null;
  /** The peer's own program on the same input, as its authors or its results state it; null if neither does. */
  peerWallSeconds: number | null;
  pass: boolean;
  /** Why it does not pass, or could not be run; what was compared where that is not plain. */
  note?: string;
}

/** A case that cannot be run is a row all the same. */
export function notRun(peer: string, name: string, policy: string, note: string): PeerRow {
  return {
    peer,
    case: name,
    policy,
    jobs: 0,
    equal: null,
    maxDifference: null,
    unit: '',
    modules: [],
    wallSeconds: null,
    peerWallSeconds: null,
    pass: false,
    note,
  };
}
