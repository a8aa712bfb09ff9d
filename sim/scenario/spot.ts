/** Capacity that the cloud takes away and gives back. */

/** How spot capacity of a pool is taken away and comes back. */
export interface SpotSpec {
  /** Warning before it goes, µs. */
  noticeUs: number;
  /** Mean time to reclaim of one node at factor 1, µs. */
  meanUs: number;
  /** Factor on the hazard by age of the node: from `fromUs` on; ascending, the first at 0. */
  byAge: { fromUs: number; factor: number }[];
  /** Nodes older than this are taken for certain, µs (GCP's preemptible VMs: a day); Infinity = no limit. */
  maxAgeUs: number;
  /** Factor on the hazard by hour of the day, 24 of them. */
  byHour: number[];
  /** Chance that a node of the pool goes along when another does. */
  batchShare: number;
  /** Within what time of it, µs. */
  batchWindowUs: number;
  /** Mean time until capacity that was taken returns, µs. */
  returnMeanUs: number;
}
