/** Azure's LLM inference traces of 2023 and 2024: time, prompt and output tokens. Patel et al. (Splitwise), ISCA '24. */

import { cellAt, columnsOf, UserError } from './importer.ts';
import { type RequestImporter, tokens } from './request-importer.ts';
import { decimal, submitTime } from './values.ts';

const NEEDS = ['timestamp', 'contexttokens', 'generatedtokens'];

export const azureLlm: RequestImporter = {
  name: 'azure-llm',
  describe: 'Azure LLM inference traces (code, conversation): requests with prompt and output tokens',
  expects: 'TIMESTAMP,ContextTokens,GeneratedTokens',
  header: true,
  read(header = '') {
    const columns = columnsOf(header.split(','));
    const missing = NEEDS.filter((name) => columns.at(name) < 0);
    if (missing.length > 0)
      throw new UserError(
        `this is no azure-llm file: its header lacks ${missing.join(', ')}.\n  expected ${azureLlm.expects}\n  found    ${header.replace(/[^\x20-\x7e]/g, '?').slice(0, 80)}`,
      );
    const [time, prompt, output] = NEEDS.map((name) => columns.at(name));
    const width = columns.names.length;
    return (line, notes) => {
      const cells = line.split(',');
      if (cells.length !== width)
        return notes.refuse('field count', `has ${cells.length} fields, the header has ${width}`);
      const timeUs = submitTime(cellAt(cells, time), notes);
      if (timeUs === null) return null;
      const [context, generated] = [cellAt(cells, prompt), cellAt(cells, output)];
      const promptTokens = tokens(decimal(context), 'ContextTokens', context, notes);
      if (promptTokens === null) return null;
      const outputTokens = tokens(decimal(generated), 'GeneratedTokens', generated, notes);
      return outputTokens === null ? null : { timeUs, prompt: promptTokens, output: outputTokens, hashes: null };
    };
  },
};
