/** A claim: what theory, a paper or another program says, and what a run of ours gives. */
export interface Claim {
  /** `group/…`, unique. */
  id: string;
  group: string;
  /** Where the expected value comes from. */
  source: string;
  expected: number | null;
  got: number | null;
  /** |got − expected| may be this much. */
  tolerance: number | null;
  /** null = cannot be run here; `reason` then says why. */
  pass: boolean | null;
  /** Repeats it. */
  command: string;
  /** Of the three figures. */
  unit: string;
  reason?: string;
}

/** How much of a group is run: `quick` is a smaller sample for the tests, with the same claims where it can hold them. */
export interface Effort {
  quick: boolean;
}

export interface ClaimGroup {
  name: string;
  /** One sentence. */
  about: string;
  run(effort: Effort): Claim[];
}

export const commandFor = (group: string) => `npm run validate -- --only ${group}`;
