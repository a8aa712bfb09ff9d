import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../sim/simulate.ts';
import { importText } from './import.ts';
import { readBack, TRACES } from './testing.ts';

const AZURE = `TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
2023-11-16 18:15:50.5,10,3
2023-11-16 18:15:51,0,7
2023-11-16 18:15:52,12,x
nonsense,12,3
1,2
`;
const MOONCAKE = `{"timestamp": 0, "input_length": 1025, "output_length": 5, "hash_ids": [0, 1, 2]}
{"timestamp": 3000, "input_length": 1100, "output_length": 2, "hash_ids": [0, 1, 3]}
{"timestamp": 3100, "input_length": 7, "output_length": 2, "hash_ids": "none"}
[1]
{"timestamp": -1, "input_length": 7, "output_length": 2}
`;

describe('request traces', () => {
  it('azure-llm: takes, mends and refuses rows, and says which', async () => {
    const { report, jobsCsv } = await importText('azure-llm', AZURE);
    expect(report).toMatchObject({ rows: 7, taken: 4, mended: 2, refused: 3 });
    expect(report.problems.map((p) => p.line)).toEqual([4, 5, 6, 7, 8]);
    expect(jobsCsv.split('\n').slice(1, 5)).toEqual([
      '0.000000,374,44,,',
      '4.314579,396,109,,',
      '4.314579,10,3,,',
      '4.319410,1,7,,',
    ]);
  });

  it('mooncake: keeps the hashes, which a replica then finds in its cache', async () => {
    const imported = await importText('mooncake', MOONCAKE);
    expect(imported.report).toMatchObject({ rows: 5, taken: 3, mended: 1, refused: 2 });
    const run = simulate(readBack(imported));
    expect(run.serving?.[0]).toMatchObject({ requests: 3, completed: 3, cachedTokens: 1024, outputTokens: 9 });
  });

  it('another format is refused with what was found', async () => {
    await expect(importText('azure-llm', 'a,b\n1,2\n')).rejects.toThrow(/its header lacks timestamp, contexttokens/);
    await expect(importText('mooncake', '')).rejects.toThrow(/the file is empty/);
  });

  const conversation = new URL('azure-llm-2023/azure_conv.csv', TRACES);
  it.skipIf(!existsSync(conversation))('the whole Azure conversation hour is served', async () => {
    const imported = await importText('azure-llm', readFileSync(conversation));
    expect(imported.report).toMatchObject({ rows: 19_366, taken: 19_366, refused: 0, problemCount: 0 });
    const [serving] = simulate(readBack(imported)).serving ?? [];
    expect(serving).toMatchObject({ requests: 19_366, completed: 19_366, refused: 0 });
    expect(serving.events).toBeLessThanOrEqual(1.5 * 2 * 19_366);
    // 211 tokens out on average, as the trace's owner counts.
    expect(serving.outputTokens / serving.requests).toBeCloseTo(211, 0);
  });
});
