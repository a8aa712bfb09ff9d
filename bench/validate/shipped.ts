/** Data that ships with the project, found from the sources and from what was built of them. */
import { existsSync } from 'node:fs';

/** Address of a folder, ending in a slash; `path` is relative to the project. */
export function shipped(path: string): URL {
  // This file is bench/validate/ in the sources and dist/bench/validate/ when built.
  for (const root of ['../../', '../../../']) {
    const found = new URL(`${root}${path}/`, import.meta.url);
    if (existsSync(found)) return found;
  }
  throw new Error(`the project's folder ${path} is not there`);
}
