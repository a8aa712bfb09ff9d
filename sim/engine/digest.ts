// A running 64-bit fingerprint of everything a run did: two 32-bit lanes that each absorb every word, then stir each
// other. For given input every step is a bijection of the 64-bit state (xor, odd multiplication, xor-shift, rotation),
// so a difference never dies out by itself; two different runs of any length agree with a chance of about 2⁻⁶⁴.
// It is a checksum, not cryptography. Only 32-bit integer operations: the same in every JavaScript engine.

// Odd multipliers: 2³² divided by the golden ratio, and by the plastic number (both rounded to odd).
const GOLDEN = 0x9e3779b9 | 0;
const PLASTIC = 0xc13fa9a9 | 0;

export class Digest {
  private a = 0x243f6a88; // the first fractional bits of π
  private b = 0x85a308d3 | 0; // the next ones

  /** Absorbs one 32-bit integer (a wider number counts modulo 2³²; see `time`). */
  word(x: number): void {
    let a = Math.imul(this.a ^ x, GOLDEN);
    let b = Math.imul(this.b ^ ((x << 16) | (x >>> 16)), PLASTIC);
    a ^= a >>> 15;
    b ^= b >>> 14;
    a = (a + b) | 0;
    this.a = a;
    this.b = ((b << 13) | (b >>> 19)) ^ a;
  }

  /**
   * Absorbs a time, or any other non-negative integer up to 2⁵³, as two words, the high one first. Negative numbers and
   * fractions are not for it: they would not be told apart from their neighbours.
   */
  time(us: number): void {
    this.word((us * 2 ** -32) | 0);
    this.word(us | 0);
  }

  /** Absorbs a string: its length, then its UTF-16 code units, so that 'ab','c' differs from 'a','bc'. */
  text(s: string): void {
    this.word(s.length);
    for (let i = 0; i < s.length; i++) this.word(s.charCodeAt(i));
  }

  /** The fingerprint so far, 16 lower-case hexadecimal digits; more may be absorbed afterwards. */
  hex(): string {
    // Four rounds without input bring the last words to full avalanche (each output bit flips with chance ½).
    const end = Digest.restore(this.snapshot());
    for (let round = 0; round < 4; round++) end.word(0);
    return hex32(end.a) + hex32(end.b);
  }

  /** The state as plain data, for `restore`. */
  snapshot(): number[] {
    return [this.a, this.b];
  }

  static restore(state: readonly number[]): Digest {
    const [a, b] = state;
    if (state.length !== 2 || !isInt32(a) || !isInt32(b)) {
      throw new Error(`A digest is restored from two 32-bit integers, got [${state.join(', ')}].`);
    }
    const digest = new Digest();
    digest.a = a;
    digest.b = b;
    return digest;
  }
}

function isInt32(x: number | undefined): x is number {
  return x !== undefined && (x | 0) === x;
}

function hex32(x: number): string {
  return (x >>> 0).toString(16).padStart(8, '0');
}
