/** Whatever is changed in a snapshot, it is decided about or refused with a sentence; and no secret comes out. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { UserError } from '../scenarios/import/importer.ts';
import { readSnapshot } from '../scenarios/snapshot/read.ts';
import { bytesOf, kubectlJson, SECRET, smallCluster, snapshotJson } from '../scenarios/snapshot/testing.ts';
import { decide } from './decide.ts';
import { decideText } from './decide-text.ts';

type Node = Record<string, unknown> | unknown[];

/** Every object and list inside a value, with the keys that can be changed. */
function places(value: unknown, out: [Node, string | number][] = []): [Node, string | number][] {
  if (Array.isArray(value)) {
    value.forEach((entry, i) => {
      out.push([value, i]);
      places(entry, out);
    });
  } else if (value !== null && typeof value === 'object') {
    for (const [key, entry] of Object.entries(value)) {
      out.push([value as Node, key]);
      places(entry, out);
    }
  }
  return out;
}

const odd = fc.oneof(
  fc.constantFrom(
    null,
    -1,
    0,
    1e308,
    0.5,
    '',
    ' ',
    '0',
    '-3',
    '1e99',
    'Pending',
    'gone',
    SECRET,
    true,
    [],
    {},
    [null],
    [[]],
  ),
  fc.integer(),
  fc.string(),
);

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
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: count - 1 }), fc.option(odd, { nil: undefined })), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.boolean(),
      (changes, skipDangling) => {
        const json = make();
        const all = places(json);
        let planted = false;
        for (const [at, value] of changes) {
          const [parent, key] = all[at];
          // Where a name is read, a secret is a name.
          if (value === SECRET) planted = true;
          if (value === undefined) delete (parent as Record<string, unknown>)[key as string];
          else (parent as Record<string, unknown>)[key as string] = value;
        }
        const text = outcome(bytesOf(json), skipDangling);
        expect(text.length).toBeGreaterThan(10);
        if (!planted) expect(text).not.toContain(SECRET);
      },
    ),
    { numRuns: 400, seed: 20261124 },
  );
});
