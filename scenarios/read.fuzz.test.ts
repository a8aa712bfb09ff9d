/** Whatever is changed in a scenario, it is compiled or refused with the place; anything else that is thrown is a defect. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { builtins, memoryReader } from './builtin/index.ts';
import { ScenarioError } from './problem.ts';
import { readScenario } from './read.ts';
import { apply, changes, fuzzRuns, places } from './testing.ts';

/** 'fine', or the sentences of the refusal. */
function outcome(text: string, readFile: ReturnType<typeof memoryReader>): string {
  try {
    readScenario(text, { readFile });
    return 'fine';
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
}

const NAMES = ['H100-SXM5', 'runai', '10d', '3h', '40GiB', '$3/h', '50%', 'llama-3.1-70b', '2026-03-01', '__proto__'];
/** Those whose jobs are read from long files take long to compile, and have the same documents. */
const short = builtins.filter(({ files }) => Object.values(files).every((text) => text.length < 100_000));

it.each(short.map(({ name, text, files }) => [name, text, files] as const))(
  '%s with anything in it changed',
  (...of) => {
    const [, text, files] = of;
    const make = () => parseAllDocuments(text).map((document) => document.toJS() as unknown);
    const readFile = memoryReader(files);
    fc.assert(
      fc.property(changes(places(make()).length, NAMES), (made) => {
        const documents = make();
        apply(documents, made);
        const said = outcome(documents.map((document) => stringify(document)).join('---\n'), readFile);
        expect(said.length).toBeGreaterThan(3);
      }),
      { numRuns: fuzzRuns(25) },
    );
  },
);

it.each(short.map(({ name, text, files }) => [name, text, files] as const))('%s cut up and glued together', (...of) => {
  const [, text, files] = of;
  const readFile = memoryReader(files);
  const at = fc.nat({ max: text.length });
  fc.assert(
    fc.property(fc.array(fc.tuple(at, at, fc.string({ maxLength: 8 })), { minLength: 1, maxLength: 4 }), (cuts) => {
      let torn = text;
      for (const [from, to, more] of cuts) torn = torn.slice(0, from) + more + torn.slice(to);
      expect(outcome(torn.slice(0, 20_000), readFile).length).toBeGreaterThan(3);
    }),
    { numRuns: fuzzRuns(25) },
  );
});
