/**
 * XIDs that come with another one and are no faults of their own: which, how often, and who says so. A fault's own stream
 * decides where they come by chance, so that every policy sees the same.
 */
import type { Stream } from '../../engine/random.ts';

export interface FollowOn {
  /** Codes that it comes with. */
  after: readonly number[];
  /** At most one of these comes, each with its share of the cases; shares that add up to less than 1 leave cases without. */
  oneOf: readonly { xid: number; share: number }[];
  source: string;
}

/** In the order in which they are listed with a fault. */
export const FOLLOW_ONS: readonly FollowOn[] = [
  {
    after: [13, 31],
    oneOf: [{ xid: 43, share: 1 }],
    source: 'Xid Catalog: the channel is reset after an error of the application',
  },
  {
    after: [48, 64, 74, 94, 95, 140],
    oneOf: [{ xid: 31, share: 1 }],
    source: 'arXiv 2503.11901 sees page faults with fatal errors of the hardware; that each brings one is assumed',
  },
  {
    after: [122],
    oneOf: [{ xid: 31, share: 0.82 }],
    source: 'arXiv 2503.11901: 82 % of PMU SPI errors are followed by an MMU fault',
  },
  {
    after: [13, 31, 46, 48, 62, 64, 74, 79, 94, 95, 109, 119, 120, 140, 149, 158],
    oneOf: [{ xid: 45, share: 1 }],
    source: 'Xid Catalog: the channels of a process are torn down when it dies',
  },
  {
    after: [79, 119, 120],
    oneOf: [{ xid: 154, share: 1 }],
    source: 'Xid Catalog: the driver names the recovery action; that it does with each of these is assumed',
  },
  {
    // A bad row is remapped, which takes effect at the next reset (63), or cannot be (64).
    after: [48, 94],
    oneOf: [
      { xid: 63, share: 0.92 },
      { xid: 64, share: 0.08 },
    ],
    source:
      "arXiv 2503.11901: 92 % of the H100's uncorrectable errors were dealt with; that the rest is 64 is our reading",
  },
];

/** Codes that come with `xid`. One number of the stream for each follow-on that may stay out; it is opened if there is one. */
export function comesWith(xid: number, open: () => Stream): number[] {
  const codes: number[] = [];
  let stream: Stream | undefined;
  for (const { after, oneOf } of FOLLOW_ONS) {
    if (!after.includes(xid)) continue;
    if (oneOf[0].share === 1) {
      codes.push(oneOf[0].xid);
      continue;
    }
    stream ??= open();
    let rest = stream.next();
    for (const { xid: code, share } of oneOf) {
      rest -= share;
      if (rest >= 0) continue;
      codes.push(code);
      break;
    }
  }
  return codes;
}
