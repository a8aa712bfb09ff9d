// Named random streams: one per cause (`faults/node-17`), seeded from the scenario's seed and the name alone, so that
// adding a cause, or changing the policy, shifts nobody else's numbers (common random numbers).
//
// The generator is Baagøe's Alea, as seedrandom implements it: a multiply-with-carry generator whose state is four
// doubles (so a snapshot is small), using only + − × and truncation (so every JavaScript engine agrees).

import alea from 'seedrandom/lib/alea.js';

/** A stream's name and generator state: plain JSON data. */
export interface StreamState {
  readonly name: string;
  readonly c: number;
  readonly s0: number;
  readonly s1: number;
  readonly s2: number;
}

export interface Stream {
  readonly name: string;
  /** Uniform in [0, 1), a multiple of 2⁻⁵³. */
  next(): number;
  /** Uniform in 0 … n−1, unbiased; n a whole number from 1 to 2⁵³. Almost always one draw. */
  integer(n: number): number;
  state(): StreamState;
}

export interface StreamsState {
  readonly seed: string;
  readonly streams: readonly StreamState[];
}

/** The stream of that name, at its beginning. */
export function openStream(seed: string, name: string): Stream {
  // JSON keeps the pair unambiguous: ('a', 'bc') and ('ab', 'c') are different streams.
  return new AleaStream(name, alea(JSON.stringify([seed, name]), { state: true }));
}

/** A stream that goes on where `state()` was taken. */
export function resumeStream(s: StreamState): Stream {
  for (const key of ['c', 's0', 's1', 's2'] as const) {
    if (!Number.isFinite(s[key]))
      throw new Error(`The saved random stream '${s.name}' has no valid ${key}: ${s[key]}.`);
  }
  return new AleaStream(s.name, alea('', { state: { c: s.c, s0: s.s0, s1: s.s1, s2: s.s2 } }));
}

/** All streams of a run, each opened on first use and kept. */
export class Streams {
  readonly seed: string;
  private readonly open = new Map<string, Stream>();

  constructor(seed: string) {
    this.seed = seed;
  }

  get(name: string): Stream {
    let stream = this.open.get(name);
    if (stream === undefined) {
      stream = openStream(this.seed, name);
      this.open.set(name, stream);
    }
    return stream;
  }

  snapshot(): StreamsState {
    return { seed: this.seed, streams: [...this.open.values()].map((s) => s.state()) };
  }

  static restore(state: StreamsState): Streams {
    const streams = new Streams(state.seed);
    for (const s of state.streams) streams.open.set(s.name, resumeStream(s));
    return streams;
  }
}

class AleaStream implements Stream {
  readonly name: string;
  private readonly generator: ReturnType<typeof alea>;

  constructor(name: string, generator: ReturnType<typeof alea>) {
    this.name = name;
    this.generator = generator;
  }

  next(): number {
    return this.generator.double();
  }

  integer(n: number): number {
    if (!(n >= 1 && n <= 2 ** 53) || Math.floor(n) !== n) {
      throw new Error(`A random integer needs a whole number of choices from 1 to 2^53, got ${n}.`);
    }
    // Draws beyond the last whole multiple of n would favour small results; they are drawn again.
    const limit = 2 ** 53 - (2 ** 53 % n);
    let draw = this.next() * 2 ** 53;
    while (draw >= limit) draw = this.next() * 2 ** 53;
    return draw % n;
  }

  state(): StreamState {
    const { c, s0, s1, s2 } = this.generator.state();
    return { name: this.name, c, s0, s1, s2 };
  }
}
