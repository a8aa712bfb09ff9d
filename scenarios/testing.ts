/** For tests that try what happens when something in a document is not as it should be. */
import fc from 'fast-check';

type Inside = Record<string, unknown> | unknown[];
/** A place in a document by its number in reading order; what is put there, undefined = it is taken out. */
export type Change = readonly [place: number, value: unknown];

/** How many cases a fuzz test tries: few in the test command, SIMSUP_FUZZ times as many where there is time. */
export const fuzzRuns = (few: number): number => few * Number(process.env.SIMSUP_FUZZ ?? 1);

/** Every object and list inside a value, with the keys that can be changed. */
export function places(value: unknown, out: [Inside, string | number][] = []): [Inside, string | number][] {
  if (value !== null && typeof value === 'object') {
    for (const [key, entry] of Object.entries(value)) {
      out.push([value as Inside, key]);
      places(entry, out);
    }
  }
  return out;
}

/** Up to `most` changes to a document of `count` places, to things that people and programs really write, and others. */
export function changes(count: number, more: readonly unknown[] = [], most = 4): fc.Arbitrary<Change[]> {
  const odd = fc.oneof(
    fc.constantFrom(null, -1, 0, 1e308, 0.5, '', ' ', '0', '-3', '1e99', true, [], {}, [null], [[]], ...more),
    fc.integer(),
    fc.string(),
  );
  const change = fc.tuple(fc.nat({ max: count - 1 }), fc.option(odd, { nil: undefined }));
  return fc.array(change, { minLength: 1, maxLength: most });
}

/** Changes a document in place. */
export function apply(document: unknown, made: readonly Change[]): void {
  const all = places(document);
  for (const [at, value] of made) {
    const [parent, key] = all[at];
    if (value === undefined) delete (parent as Record<string, unknown>)[key];
    else (parent as Record<string, unknown>)[key] = value;
  }
}
