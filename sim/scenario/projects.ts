/** Who work is for, and how much of the cluster they deserve. */

export interface DepartmentSpec {
  name: string;
  /** Index of the parent department, -1 at the top. */
  parent: number;
}

/** A project (Run:ai: queue of the lowest level). Quotas are per pool, in GPUs; -1 = unlimited. */
export interface ProjectSpec {
  name: string;
  department: number;
  /** Deserved GPUs per pool, indexed by pool. */
  deservedGpus: number[];
  /** Weight in the division of what nobody deserves. */
  overQuotaWeight: number;
  /** Cap on borrowing summed over pools, GPUs; -1 = none. */
  maxOverQuotaGpus: number;
  priority: number;
  chargebackLabel: string;
}
