/**
 * Files of inference requests, one a line, in the order of time:
 * `arrival_seconds,prompt_tokens,output_tokens,tenant,hash_ids` (hashes separated by spaces, empty = not known), or a
 * published trace as it is.
 */

import type { Arrival, RequestColumns } from '../sim/world/serving/arrivals.ts';
import { azureLlm } from './import/azure-llm.ts';
import type { RowNotes } from './import/importer.ts';
import { mooncake } from './import/mooncake.ts';
import type { RequestImporter } from './import/request-importer.ts';

export const REQUESTS_HEADER = 'arrival_seconds,prompt_tokens,output_tokens,tenant,hash_ids';

export function requestLine(
  r: { timeUs: number; prompt: number; output: number; hashes: readonly number[] | null },
  tenant = '',
): string {
  return `${(r.timeUs / 1e6).toFixed(6)},${r.prompt},${r.output},${tenant},${r.hashes === null ? '' : r.hashes.join(' ')}`;
}

/** What is wrong with a line, to be told with its number. */
export class RequestLineError extends Error {}

function requestOf(line: string, tenants: Map<string, number>): Arrival {
  const [time, prompt, output, tenant = '', hashes = ''] = line.split(',');
  const whole = (text: string | undefined, what: string) => {
    const n = Number(text);
    if (text === undefined || text === '' || !Number.isInteger(n) || n < 1 || n > 1e7)
      throw new RequestLineError(`${what} '${text ?? ''}' is not a number of tokens`);
    return n;
  };
  const seconds = Number(time);
  if (time === '' || !(seconds >= 0 && seconds < 9e9))
    throw new RequestLineError(`arrival '${time}' is not a number of seconds`);
  if (!tenants.has(tenant)) tenants.set(tenant, tenants.size);
  return {
    timeUs: Math.round(seconds * 1e6),
    prompt: whole(prompt, 'prompt_tokens'),
    output: whole(output, 'output_tokens'),
    tenant: tenants.get(tenant) as number,
    hashes: hashes.trim() === '' ? null : hashes.trim().split(' ').map(Number),
  };
}

/** One request after the other: for files of any length. Throws with the line's number. */
export function* readRequests(lines: Iterable<string>, tenants = new Map<string, number>()): Generator<Arrival> {
  let number = 0;
  let before = 0;
  let read: ((line: string) => Arrival) | undefined;
  for (const line of lines) {
    number++;
    if (line.trim() === '') continue;
    try {
      if (read === undefined) {
        const { reader, isHeader } = readerOf(line.trim(), tenants);
        read = reader;
        if (isHeader) continue;
      }
      const request = read(line.trim());
      if (request.timeUs < before) throw new RequestLineError('comes before the line above it: sort by arrival');
      before = request.timeUs;
      yield request;
    } catch (error) {
      if (error instanceof RequestLineError) throw new RequestLineError(`line ${number}: ${error.message}`);
      throw error;
    }
  }
}

/** What reads the lines of a file that begins with this one. */
function readerOf(first: string, tenants: Map<string, number>) {
  if (first === REQUESTS_HEADER) return { reader: (line: string) => requestOf(line, tenants), isHeader: true };
  const published = REQUEST_TRACES.find((trace) => trace.begins(first));
  if (published === undefined)
    throw new RequestLineError(
      `found '${first.slice(0, 80)}', expected ${REQUESTS_HEADER}, ${REQUEST_TRACES.map(({ importer }) => importer.expects).join(', or ')}`,
    );
  const { importer } = published;
  const read = importer.read(importer.header ? first : undefined);
  let zeroUs: number | undefined;
  const reader = (line: string): Arrival => {
    const request = read(line, STRICT);
    if (request === null) throw new RequestLineError('is no request');
    if (!tenants.has('')) tenants.set('', tenants.size);
    zeroUs ??= request.timeUs;
    return { ...request, timeUs: request.timeUs - zeroUs, tenant: tenants.get('') as number };
  };
  return { reader, isHeader: importer.header };
}

/** Published traces, which can be named as they are; `simsup import` also mends rows and says which. */
const REQUEST_TRACES: readonly { importer: RequestImporter; begins(line: string): boolean }[] = [
  { importer: azureLlm, begins: (line) => /^"?timestamp"?,/i.test(line) && /contexttokens/i.test(line) },
  { importer: mooncake, begins: (line) => line.startsWith('{') },
];

const STRICT: RowNotes = {
  refuse(_kind, what) {
    throw new RequestLineError(what);
  },
  mend() {},
  remark() {},
};

/** All of them, as columns. */
export function requestColumns(requests: Iterable<Arrival>): RequestColumns {
  const all = [...requests];
  const hashes = new Map<number, readonly number[]>();
  all.forEach((r, i) => {
    if (r.hashes !== null) hashes.set(i, r.hashes);
  });
  return {
    count: all.length,
    timeUs: Float64Array.from(all, (r) => r.timeUs),
    prompt: Int32Array.from(all, (r) => r.prompt),
    output: Int32Array.from(all, (r) => r.output),
    tenant: Int32Array.from(all, (r) => r.tenant),
    hashes,
  };
}
