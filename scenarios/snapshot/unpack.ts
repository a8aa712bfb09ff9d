/** From the file an operator has (ZIP, gzip or plain JSON) to the bytes of its JSON, with a limit on what it unpacks to. */
import { Gunzip, type UnzipFileInfo, unzipSync } from 'fflate';
import { quoted, SnapshotError } from './problems.ts';

/** A snapshot of 10,000 nodes and 100,000 pods with all their fields has about this much JSON. */
export const MAX_SNAPSHOT_BYTES = 512 * 2 ** 20;
/** Name of the file in the scheduler's ZIP. */
const SNAPSHOT_FILE = 'snapshot.json';

export interface UnpackedJson {
  bytes: Uint8Array;
  /** For messages: the name in the archive, or the file's own. */
  name: string;
}

/** Throws `SnapshotError` for what is no snapshot or unpacks to more than `limit` bytes. */
export function unpack(bytes: Uint8Array, name: string, limit = MAX_SNAPSHOT_BYTES): UnpackedJson {
  if (bytes.length === 0) throw new SnapshotError(`${name} is empty`);
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return unzipped(bytes, name, limit);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return { bytes: gunzipped(bytes, name, limit), name };
  if (bytes.length > limit) throw tooLarge(name, bytes.length, limit);
  return { bytes: utf8(bytes, name), name };
}

function unzipped(bytes: Uint8Array, name: string, limit: number): UnpackedJson {
  const files: UnzipFileInfo[] = [];
  readZip(bytes, name, (file) => {
    files.push(file);
    return false;
  });
  const json = files.filter((f) => /\.json$/i.test(f.name));
  const file = json.find((f) => f.name === SNAPSHOT_FILE) ?? (json.length === 1 ? json[0] : undefined);
  if (file === undefined) {
    const found = files.slice(0, 8).map((f) => quoted(f.name));
    throw new SnapshotError(
      `${name}: found ${found.length === 0 ? 'an empty archive' : found.join(', ')}, expected ${SNAPSHOT_FILE}, as the scheduler's /get-snapshot serves it`,
    );
  }
  const inside = `${name}/${file.name}`;
  if (file.originalSize > limit) throw tooLarge(inside, file.originalSize, limit);
  let taken = false;
  const out = readZip(bytes, name, (f) => {
    const wanted = !taken && f.name === file.name;
    taken ||= wanted;
    return wanted;
  })[file.name];
  if (out === undefined) throw new SnapshotError(`${inside} cannot be unpacked. Take the snapshot again`);
  return { bytes: utf8(out, inside), name: inside };
}

function readZip(bytes: Uint8Array, name: string, filter: (file: UnzipFileInfo) => boolean) {
  try {
    return unzipSync(bytes, { filter });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SnapshotError(
      `${name} is no whole ZIP archive (${why}): it is cut short or damaged. Take the snapshot again`,
    );
  }
}

/** Piece by piece, so that nothing larger than the limit is ever made. */
function gunzipped(bytes: Uint8Array, name: string, limit: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  let size = 0;
  let whole = false;
  const stream = new Gunzip((piece, final) => {
    size += piece.length;
    if (size > limit) throw tooLarge(name, size, limit);
    pieces.push(piece);
    whole ||= final;
  });
  try {
    const step = 1 << 16;
    for (let at = 0; at < bytes.length; at += step) {
      stream.push(bytes.subarray(at, at + step), at + step >= bytes.length);
    }
  } catch (error) {
    if (error instanceof SnapshotError) throw error;
    throw new SnapshotError(`${name} is no whole gzip file: it is cut short or damaged. Take the snapshot again`);
  }
  // The last four bytes hold the unpacked size (RFC 1952).
  const end = bytes.subarray(-4);
  const stated = end[0] + end[1] * 2 ** 8 + end[2] * 2 ** 16 + end[3] * 2 ** 24;
  if (!whole || stated !== size)
    throw new SnapshotError(`${name} is no whole gzip file: it is cut short or damaged. Take the snapshot again`);
  const out = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    out.set(piece, at);
    at += piece.length;
  }
  return utf8(out, name);
}

/** PowerShell's `>` writes UTF-16. What does not begin like JSON is told apart here, with what would be right. */
function utf8(bytes: Uint8Array, name: string): Uint8Array {
  const little = bytes[0] === 0xff && bytes[1] === 0xfe;
  if (little || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return new TextEncoder().encode(new TextDecoder(little ? 'utf-16le' : 'utf-16be').decode(bytes));
  }
  let at = bytes[0] === 0xef ? 3 : 0;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  if (at >= bytes.length) throw new SnapshotError(`${name} is empty`);
  if (bytes[at] !== 0x7b && bytes[at] !== 0x5b) {
    throw new SnapshotError(
      `${name} is no snapshot: expected a ZIP with ${SNAPSHOT_FILE} (the scheduler's /get-snapshot), or JSON (kubectl get nodes,pods,queues,podgroups -A -o json)`,
    );
  }
  return bytes;
}

const tooLarge = (name: string, bytes: number, limit: number) =>
  new SnapshotError(
    `${name} unpacks to ${bytes === limit ? '' : 'at least '}${Math.ceil(bytes / 2 ** 20)} MiB: a snapshot has at most ${Math.floor(limit / 2 ** 20)} MiB`,
  );
