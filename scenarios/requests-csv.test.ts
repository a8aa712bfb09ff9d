/** Published traces of requests, named by a Workload as they are. */
import { expect, it } from 'vitest';
import { simulate } from '../sim/simulate.ts';
import { builtins, memoryReader } from './builtin/index.ts';
import { readScenario } from './read.ts';
import { readRequests } from './requests-csv.ts';

const linesOf = (text: string) => text.split(/\r?\n/);
const timesAndTokens = (text: string) =>
  [...readRequests(linesOf(text))].map(({ timeUs, prompt, output }) => [timeUs, prompt, output]);

// Columns and ways of writing time as in Azure's files of 2023 and of 2024, a line as in Mooncake's.
const AZURE_2023 =
  'TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:17:03.9799600,4808,10\r\n2023-11-16 18:17:04.0319600,3180,8\r\n';
const AZURE_2024 =
  'TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:00.017335+00:00,2399,6\n';
const MOONCAKE =
  '{"timestamp": 27482, "input_length": 1025, "output_length": 52, "hash_ids": [46, 47, 48]}\n{"timestamp": 30535, "input_length": 1100, "output_length": 26, "hash_ids": [46, 47, 2353]}\n';

it('Azure and Mooncake: times count from the first request', () => {
  expect(timesAndTokens(AZURE_2023)).toEqual([
    [0, 4808, 10],
    [52_000, 3180, 8],
  ]);
  expect(timesAndTokens(AZURE_2024)).toEqual([
    [0, 2162, 5],
    [7405, 2399, 6],
  ]);
  expect([...readRequests(linesOf(MOONCAKE))].map(({ timeUs, hashes }) => [timeUs, hashes])).toEqual([
    [0, [46, 47, 48]],
    [3_053_000, [46, 47, 2353]],
  ]);
});

it('a row that the import would refuse is an error with its line', () => {
  expect(() => timesAndTokens(`${AZURE_2023}2023-11-16 18:17:05,many,8\n`)).toThrow(/^line 4: ContextTokens 'many'/);
  expect(() => timesAndTokens(`${MOONCAKE}[1]\n`)).toThrow(/^line 3: is no JSON object/);
});

it.each([
  ['2023', AZURE_2023],
  ['2024', AZURE_2024],
  ['Mooncake', MOONCAKE],
])('serve-azure runs on another trace in place of its own: %s', (_what, trace) => {
  const { text } = builtins.find(({ name }) => name === 'serve-azure') as (typeof builtins)[number];
  const scenario = readScenario(text.replace('azure-conversation.csv', 'mine'), {
    readFile: memoryReader({ mine: trace }),
  });
  expect(simulate(scenario).serving?.[0]).toMatchObject({ requests: 2, completed: 2, refused: 0 });
});
