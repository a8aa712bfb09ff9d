/** simsup's own version, from package.json. */
import { readFileSync } from 'node:fs';

/** It stands above cli/ in the sources and above dist/ in the package; in a bundle, one or two folders above. */
export function packageVersion(): string {
  for (const above of ['../package.json', '../../package.json', '../../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(above, import.meta.url), 'utf8'));
      if (name === 'simsup') return version;
    } catch {
      // Not there: the next place.
    }
  }
  return 'unknown';
}
