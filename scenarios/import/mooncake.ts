/**
 * Mooncake's traces of Kimi: a JSON object a line, with the hashes of the prompt's blocks of 512 tokens, each of which
 * stands for all tokens before it too. Qin et al., FAST '25.
 */

import { type RequestImporter, tokens } from './request-importer.ts';

const MS = 1000;
/** Beyond it a time is a mistake: the year 2255 in milliseconds. */
const MAX_MS = 9e12;

export const mooncake: RequestImporter = {
  name: 'mooncake',
  describe: 'Mooncake traces (conversation, tool and agent): requests with hashes of their 512-token blocks',
  expects: '{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}',
  header: false,
  read() {
    return (line, notes) => {
      let row: Record<string, unknown>;
      try {
        row = JSON.parse(line) as Record<string, unknown>;
      } catch {
        return notes.refuse('no JSON', 'is no JSON object');
      }
      if (typeof row !== 'object' || row === null || Array.isArray(row))
        return notes.refuse('no JSON', 'is no JSON object');
      const { timestamp, input_length, output_length, hash_ids } = row;
      if (typeof timestamp !== 'number' || !(timestamp >= 0 && timestamp <= MAX_MS))
        return notes.refuse('bad timestamp', `timestamp ${JSON.stringify(timestamp) ?? 'missing'} is no time in ms`);
      const number = (value: unknown) => (typeof value === 'number' ? value : undefined);
      const shown = (value: unknown) => JSON.stringify(value) ?? '';
      const prompt = tokens(number(input_length), 'input_length', shown(input_length), notes);
      if (prompt === null) return null;
      const output = tokens(number(output_length), 'output_length', shown(output_length), notes);
      if (output === null) return null;
      const whole = (h: unknown) => typeof h === 'number' && Number.isSafeInteger(h);
      let hashes: number[] | null = null;
      if (Array.isArray(hash_ids) && hash_ids.every(whole)) hashes = hash_ids as number[];
      else if (hash_ids !== undefined)
        notes.mend('bad hash_ids', 'hash_ids is no list of whole numbers: left out, the prompt shares nothing');
      return { timeUs: Math.round(timestamp * MS), prompt, output, hashes };
    };
  },
};
