/** What a topology is made of: a tree of domains over the nodes. */

export interface Domain {
  id: string;
  /** Its number in the tree. */
  index: number;
  level: string;
  children: Domain[];
  nodes: number[];
  /** Tasks of the kind at hand that fit, or −1 = only their sum was compared. */
  fits: number;
  /** Idle and being released; a domain without children shares it with `known`. */
  free: Float64Array;
  /** How full it would be with the tasks at hand; it is sorted by this. */
  ratio: number;
  /** Of a domain without children: `fits` by what was counted, and `free`, until one of its nodes changes. */
  known: { free: Float64Array | null; fits: Map<string, number> };
}

export interface TopologyTree {
  name: string;
  /** How many domains. */
  count: number;
  /** Node labels, outermost first. */
  levels: string[];
  root: Domain;
  byLevel: Map<string, Map<string, Domain>>;
  /** By level, the domain each node is in. */
  domainOf: Map<string, Domain[]>;
  /** The innermost domain each node is in. */
  leafOf: Domain[];
  /** By node: part of the topology. */
  member: Uint8Array;
}

/** A node of the domain changed. */
export function forgetDomain({ known }: Domain): void {
  known.free = null;
  if (known.fits.size > 0) known.fits.clear();
}
