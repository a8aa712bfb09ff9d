/**
 * Files of inference requests, one a line, in the order of time:
 * `arrival_seconds,prompt_tokens,output_tokens,tenant,hash_ids` (hashes separated by spaces, empty = not known).
 */

import type { Arrival, RequestColumns } from '../sim/world/serving/arrivals.ts';

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
  for (const line of lines) {
    number++;
    if (number === 1) {
      if (line.trim() !== REQUESTS_HEADER)
        throw new RequestLineError(`line 1: expected ${REQUESTS_HEADER}, found '${line.slice(0, 80)}'`);
      continue;
    }
    if (line.trim() === '') continue;
    try {
      const request = requestOf(line.trim(), tenants);
      if (request.timeUs < before) throw new RequestLineError('comes before the line above it: sort by arrival');
      before = request.timeUs;
      yield request;
    } catch (error) {
      if (error instanceof RequestLineError) throw new RequestLineError(`line ${number}: ${error.message}`);
      throw error;
    }
  }
}

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
