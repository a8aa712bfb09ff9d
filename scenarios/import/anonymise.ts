/** Pseudonyms: the same name and salt give the same pseudonym; without the salt a name cannot be found by trying. */

const K = roots(64, 1 / 3);
const H0 = roots(8, 1 / 2);

/** First 32 bits of the fractional parts of roots of the first primes: SHA-256's constants (FIPS 180-4, 4.2.2, 5.3.3). */
function roots(count: number, power: number): Int32Array {
  const out = new Int32Array(count);
  for (let n = 2, i = 0; i < count; n++) {
    let prime = true;
    for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
    if (prime) out[i++] = Math.floor((n ** power % 1) * 2 ** 32) | 0;
  }
  return out;
}

/** SHA-256 as hexadecimal; in plain code because the browser's own is asynchronous. */
export function sha256(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const padded = new Uint8Array((((bytes.length + 8) >> 6) << 6) + 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded.length - 4, bytes.length << 3);
  const h = Int32Array.from(H0);
  const w = new Int32Array(64);
  const rotate = (x: number, n: number) => (x >>> n) | (x << (32 - n));
  for (let block = 0; block < padded.length; block += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(block + 4 * i);
    for (let i = 16; i < 64; i++) {
      const s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      const s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    const s = Int32Array.from(h);
    for (let i = 0; i < 64; i++) {
      const s1 = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
      const t1 = (s[7] + s1 + ((s[4] & s[5]) ^ (~s[4] & s[6])) + K[i] + w[i]) | 0;
      const s0 = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
      const t2 = (s0 + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]))) | 0;
      s.copyWithin(1, 0, 7);
      s[4] = (s[4] + t1) | 0;
      s[0] = (t1 + t2) | 0;
    }
    for (let i = 0; i < 8; i++) h[i] = (h[i] + s[i]) | 0;
  }
  return Array.from(h, (x) => (x >>> 0).toString(16).padStart(8, '0')).join('');
}

/** `user-3fa94c01b2d7`: 48 bits, so that a million names hardly ever meet. */
export const pseudonym = (kind: string, name: string, salt: string): string =>
  name === '' ? '' : `${kind}-${sha256(`${salt}\0${kind}\0${name}`).slice(0, 12)}`;
