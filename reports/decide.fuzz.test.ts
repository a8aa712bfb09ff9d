/** Whatever is changed in a snapshot, it is decided about or refused with a sentence; and no secret comes out. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { UserError } from '../scenarios/import/importer.ts';
import { readSnapshot } from '../scenarios/snapshot/read.ts';
import { bytesOf, kubectlJson, SECRET, smallCluster, snapshotJson } from '../scenarios/snapshot/testing.ts';
import { apply, changes, fuzzRuns, places } from '../scenarios/testing.ts';
import { decide } from './decide.ts';
import { decideText } from './decide-text.ts';

function outcome(bytes: Uint8Array, skipDangling: boolean): string {
  try {
    const snapshot = readSnapshot(bytes, 'snapshot.json', { skipDangling });
    const decided = decide({
      ...snapshot,
      config: snapshot.settings.config,
      periodUs: 1e6,
      cycles: 2,
      checkpointEveryUs: 0,
      timeGiven: false,
    });
    return JSON.stringify(decided) + decideText(decided);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/** No two places share an object. */
const copied = (json: unknown) => JSON.parse(JSON.stringify(json));

it.each([
  ["the scheduler's", () => copied(snapshotJson(smallCluster()))],
  ["kubectl's", () => copied(kubectlJson(smallCluster()))],
])('%s snapshot with anything in it changed', (_, make) => {
  const count = places(make()).length;
  fc.assert(
    fc.property(changes(count, ['Pending', 'gone', SECRET]), fc.boolean(), (made, skipDangling) => {
      const json = make();
      apply(json, made);
      // Where a name is read, a secret is a name.
      const planted = made.some(([, value]) => value === SECRET);
      const text = outcome(bytesOf(json), skipDangling);
      expect(text.length).toBeGreaterThan(10);
      if (!planted) expect(text).not.toContain(SECRET);
    }),
    { numRuns: fuzzRuns(400) },
  );
});
