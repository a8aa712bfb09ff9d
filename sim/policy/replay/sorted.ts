/**
 * Job numbers in order of (key, number), in chunks so that adding or removing one moves a few hundred others at most,
 * however many there are. Plain data: part of a policy's memory.
 */
export type SortedJobs = number[][];

const MOST = 512;

export function addSorted(sorted: SortedJobs, key: Float64Array, job: number): void {
  if (sorted.length === 0) {
    sorted.push([job]);
    return;
  }
  const c = Math.min(chunkOf(sorted, key, job), sorted.length - 1);
  const chunk = sorted[c];
  chunk.splice(positionIn(chunk, key, job), 0, job);
  if (chunk.length > MOST) sorted.splice(c + 1, 0, chunk.splice(MOST / 2));
}

/** Removes a job whose key has not changed since it was added; false if it is not there. */
export function removeSorted(sorted: SortedJobs, key: Float64Array, job: number): boolean {
  const c = chunkOf(sorted, key, job);
  if (c === sorted.length) return false;
  const chunk = sorted[c];
  const at = positionIn(chunk, key, job);
  if (chunk[at] !== job) return false;
  if (chunk.length === 1) sorted.splice(c, 1);
  else chunk.splice(at, 1);
  return true;
}

/** The chunk whose last job is not before this one; past the end if there is none. */
function chunkOf(sorted: SortedJobs, key: Float64Array, job: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const chunk = sorted[middle];
    if (before(key, chunk[chunk.length - 1], job)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function positionIn(chunk: number[], key: Float64Array, job: number): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(key, chunk[middle], job)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function before(key: Float64Array, a: number, b: number): boolean {
  return key[a] < key[b] || (key[a] === key[b] && a < b);
}
