/** Kinds of events, and in which order they are handled when they fall on the same microsecond. */
export const KIND = {
  phase: 0,
  nodeState: 1,
  arrive: 2,
  decide: 3,
} as const;

/** What frees GPUs comes first, then what asks for them, then the decision that sees both. */
export const PRIORITY = {
  phase: 10,
  nodeState: 20,
  arrive: 30,
  decide: 200,
} as const;
