/**
 * Job numbers in order of (key, tie), where `tie` is the number itself if none is given, in chunks so that adding or removing one moves a few hundred others at most,
 * however many there are. Plain data: part of a policy's memory.
 */
export type SortedJobs = number[][];

const MOST = 512;

export function addSorted(sorted: SortedJobs, key: Float64Array, job: number, tie?: Float64Array): void {
  if (sorted.length === 0) {
    sorted.push([job]);
    return;
  }
  const c = Math.min(chunkOf(sorted, key, job, tie), sorted.length - 1);
  const chunk = sorted[c];
  chunk.splice(positionIn(chunk, key, job, tie), 0, job);
  if (chunk.length > MOST) sorted.splice(c + 1, 0, chunk.splice(MOST / 2));
}

/** Removes a job whose key has not changed since it was added; false if it is not there. */
export function removeSorted(sorted: SortedJobs, key: Float64Array, job: number, tie?: Float64Array): boolean {
  const c = chunkOf(sorted, key, job, tie);
  if (c === sorted.length) return false;
  const chunk = sorted[c];
  const at = positionIn(chunk, key, job, tie);
  if (chunk[at] !== job) return false;
  if (chunk.length === 1) sorted.splice(c, 1);
  else chunk.splice(at, 1);
  return true;
}

/** The smallest key that is at least `from`; undefined if there is none. */
export function keyFrom(sorted: SortedJobs, key: Float64Array, from: number): number | undefined {
  const c = lowerBound(sorted.length, (i) => key[sorted[i][sorted[i].length - 1]] < from);
  if (c === sorted.length) return undefined;
  const chunk = sorted[c];
  return key[chunk[lowerBound(chunk.length, (i) => key[chunk[i]] < from)]];
}

/** Whether `a` comes before `b`. */
export function comesBefore(key: Float64Array, a: number, b: number, tie?: Float64Array): boolean {
  if (key[a] !== key[b]) return key[a] < key[b];
  return tie === undefined ? a < b : tie[a] < tie[b];
}

/** The chunk whose last job is not before this one; past the end if there is none. */
function chunkOf(sorted: SortedJobs, key: Float64Array, job: number, tie?: Float64Array): number {
  return lowerBound(sorted.length, (i) => comesBefore(key, sorted[i][sorted[i].length - 1], job, tie));
}

function positionIn(chunk: number[], key: Float64Array, job: number, tie?: Float64Array): number {
  return lowerBound(chunk.length, (i) => comesBefore(key, chunk[i], job, tie));
}

/** The first of 0..count-1 for which `isBefore` no longer holds; `count` if it holds for all. */
function lowerBound(count: number, isBefore: (i: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
