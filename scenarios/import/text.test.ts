import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineBatches, quotedCells } from './text.ts';

function reference(text: string): string[] | undefined {
  try {
    const records = parse(text, { relax_column_count: true }) as string[][];
    return records.length === 1 ? records[0] : undefined;
  } catch {
    return undefined;
  }
}

test('cells with quotes are those that csv-parse finds', () => {
  const piece = fc.constantFrom('"', '""', ',', 'a', ' ', '"b"', '"c,d"', '\n', '"e""f"', '');
  const text = fc.array(piece, { minLength: 1, maxLength: 10 }).map((p) => p.join(''));
  fc.assert(
    fc.property(
      text.filter((t) => t.trim() !== '' && t.includes('"') && !/^\n|\n$/.test(t)),
      (t) => {
        expect(quotedCells(t)).toEqual(reference(t));
      },
    ),
    { numRuns: 2000 },
  );
});

test('lines are the same however the source is cut into pieces', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r\n', '€'), maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      async (text, size) => {
        const bytes = new TextEncoder().encode(text);
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.slice(i * size, (i + 1) * size),
        );
        const lines: (string | null)[] = [];
        for await (const batch of lineBatches(pieces)) {
          expect(batch.first).toBe(lines.length + 1);
          lines.push(...batch.lines);
        }
        const expected = text.split(/\r?\n/);
        if (expected.at(-1) === '') expected.pop();
        expect(lines).toEqual(expected);
      },
    ),
  );
});
