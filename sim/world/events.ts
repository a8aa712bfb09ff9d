/** Kinds of events, and in which order they are handled when they fall on the same microsecond. */
export const KIND = {
  phase: 0,
  nodeState: 1,
  arrive: 2,
  decide: 3,
  /** A worker leaves an elastic job that goes on. */
  leave: 4,
  limit: 5,
  /** A candidate fault of a unit, of a list or a test; and one that follows another. */
  fault: 6,
  faultListed: 7,
  /** A fault is noticed, or what was decided about it is due. */
  faultStep: 8,
  /** The next step of a node's repair. */
  repair: 9,
  /** What made a node slow, or storage stand still, is over. */
  faultOver: 10,
  /** A job that was held back goes back to the queue. */
  requeue: 11,
  /** The next step of one GPU's reset. */
  gpuReset: 12,
  /** A transfer to or from storage has landed. */
  transfer: 20,
  /** A node of a spot pool is about to be taken, is taken, returns; a checkpoint's retention is over. */
  spotNotice: 21,
  spotTake: 22,
  spotReturn: 23,
  retention: 24,
  /** A node's step of provisioning is over, its drain is; something may be due; a roll-out or change begins; a week ends. */
  passage: 30,
  drain: 31,
  provisioningLook: 32,
  provisioningDue: 33,
  week: 34,
  /** A request comes; a step of a replica's start is done; a draining one is looked at; how busy, how many, where they are. */
  request: 40,
  servingStep: 41,
  servingDrain: 42,
  servingLevel: 43,
  servingScale: 44,
  servingLook: 45,
  /** A replica that only prefills is done with something; keys and values have come to where they decode. */
  servingWake: 46,
  servingHandOver: 47,
} as const;

/** What frees GPUs comes first, then what asks for them, then the decision that sees both. */
export const PRIORITY = {
  /** What has landed in time counts, before whatever else falls on that moment. */
  transfer: 8,
  phase: 10,
  limit: 15,
  fault: 18,
  nodeState: 20,
  faultStep: 22,
  spot: 24,
  provisioning: 26,
  arrive: 30,
  servingStep: 32,
  request: 40,
  servingTick: 50,
  decide: 200,
} as const;
