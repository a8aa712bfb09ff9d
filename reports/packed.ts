/** Columns in JSON: a typed array becomes `{array, data}` with its bytes in base64, little-endian as all machines are that matter. */

const ARRAYS = { Float64Array, Float32Array, Int32Array, Uint32Array, Uint16Array, Int8Array, Uint8Array };
type ArrayName = keyof typeof ARRAYS;

/** Largest array that is read, bytes. */
const MOST_BYTES = 2 ** 30;
const PIECE = 0x6000;

export function packed(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    let data = '';
    // In pieces of whole triples, as too many arguments at once fail.
    for (let i = 0; i < bytes.length; i += PIECE) data += btoa(String.fromCharCode(...bytes.subarray(i, i + PIECE)));
    return { array: value.constructor.name, data };
  }
  if (Array.isArray(value)) return value.map(packed);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, packed(item)]));
  return value;
}

/** The inverse. Throws on what is no such thing. */
export function unpacked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpacked);
  if (typeof value !== 'object' || value === null) return value;
  const { array, data } = value as { array?: unknown; data?: unknown };
  if (typeof array === 'string' && typeof data === 'string' && Object.hasOwn(ARRAYS, array)) {
    if (data.length > MOST_BYTES) throw new Error(`found a column of ${data.length} bytes, expected less`);
    const text = atob(data);
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
    return new ARRAYS[array as ArrayName](bytes.buffer);
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpacked(item)]));
}
