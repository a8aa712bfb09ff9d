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
  /** A transfer to or from storage has landed. */
  transfer: 20,
  /** A node of a spot pool is about to be taken, is taken, returns; a checkpoint's retention is over. */
  spotNotice: 21,
  spotTake: 22,
  spotReturn: 23,
  retention: 24,
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
  arrive: 30,
  decide: 200,
} as const;
