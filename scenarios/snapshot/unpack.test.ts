import { gzipSync, strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { unpack } from './unpack.ts';

const text = '{"rawObjects":{}}';
const plain = strToU8(text);
const textOf = (bytes: Uint8Array, name = 'file') => new TextDecoder().decode(unpack(bytes, name).bytes);

describe('unpacking', () => {
  it('knows ZIP, gzip and plain JSON by their first bytes, whatever the name', () => {
    expect(textOf(plain)).toBe(text);
    expect(textOf(gzipSync(plain))).toBe(text);
    expect(textOf(zipSync({ 'snapshot.json': plain }), 'snapshot.gzip')).toBe(text);
    expect(textOf(zipSync({ 'readme.md': plain, 'other.json': plain }))).toBe(text);
    expect(unpack(zipSync({ 'snapshot.json': plain }), 's.zip').name).toBe('s.zip/snapshot.json');
  });

  it('reads the UTF-16 that PowerShell writes', () => {
    const units = [0xfeff, ...[...text].map((c) => c.charCodeAt(0))];
    expect(textOf(new Uint8Array(units.flatMap((u) => [u & 255, u >> 8])))).toBe(text);
  });

  it('refuses what is cut short, at every length', () => {
    const json = strToU8(JSON.stringify({ rawObjects: Array.from({ length: 300 }, (_, i) => `pod-${i * 7919}`) }));
    for (const whole of [zipSync({ 'snapshot.json': json }), gzipSync(json)]) {
      for (let cut = 1; cut < whole.length; cut += 97) {
        expect(() => unpack(whole.subarray(0, whole.length - cut), 's')).toThrow(/^s /);
      }
    }
  });

  it('refuses bombs before they go off', () => {
    const zeros = new Uint8Array(4 * 2 ** 20);
    const limit = 2 ** 20;
    expect(() => unpack(zipSync({ 'snapshot.json': zeros }), 's.zip', limit)).toThrow(
      's.zip/snapshot.json unpacks to at least 4 MiB: a snapshot has at most 1 MiB',
    );
    expect(() => unpack(gzipSync(zeros), 's.gz', limit)).toThrow(/at most 1 MiB/);
    expect(() => unpack(zeros, 's.json', limit)).toThrow(/at most 1 MiB/);
  });

  it('takes no more from an archive than its directory says', () => {
    const zip = zipSync({ 'snapshot.json': strToU8(`${text}${' '.repeat(5000)}`) });
    // The directory's uncompressed size, 24 bytes after its signature.
    const at = zip.findIndex((_, i) => zip[i] === 0x50 && zip[i + 1] === 0x4b && zip[i + 2] === 1 && zip[i + 3] === 2);
    zip.set([text.length, 0, 0, 0], at + 24);
    expect(unpack(zip, 's').bytes.length).toBeLessThanOrEqual(text.length);
  });

  it.each([
    ['', 'empty'],
    ['  \n', 'empty'],
    ['apiVersion: v1', 'no snapshot'],
  ])('refuses %j', (given, expected) => {
    expect(() => unpack(strToU8(given), 'file')).toThrow(expected);
  });

  it('says what an archive without a snapshot holds', () => {
    expect(() => unpack(zipSync({ 'a.txt': plain }), 's.zip')).toThrow(/found 'a\.txt', expected snapshot\.json/);
  });
});
