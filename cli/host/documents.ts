/** Options of commands whose answer is a document, and the files it becomes. */
import type { Command } from 'commander';
import { documentCsv, documentHtml, documentMarkdown, type ReportDocument } from '../../reports/document.ts';
import { writeWhole } from './output.ts';

export interface DocumentFlags {
  html?: string;
  markdown?: string;
  csv?: string;
}

export function withDocumentOptions(command: Command): Command {
  return command
    .option('--html <file>', 'the report as one self-contained page')
    .option('--markdown <file>', 'the same as Markdown')
    .option('--csv <file>', 'its tables: table, row, column, value');
}

export function writeDocument(flags: DocumentFlags, document: ReportDocument): void {
  if (flags.html !== undefined) writeWhole(flags.html, [documentHtml(document)]);
  if (flags.markdown !== undefined) writeWhole(flags.markdown, [documentMarkdown(document)]);
  if (flags.csv !== undefined) writeWhole(flags.csv, [documentCsv(document)]);
}

/** The command line that makes the same again; options that only say where to write are left out. */
export function commandLine(args: readonly string[]): string {
  const kept: string[] = [];
  for (let i = 0; i < args.length; i++) {
    if (/^--(html|markdown|csv|threads|secret-file|webhook|outbox)$/.test(args[i])) i++;
    else if (!/^--(html|markdown|csv|threads|json|secret-file|webhook|outbox)/.test(args[i])) kept.push(args[i]);
  }
  return `npx simsup ${kept.map((arg) => (/^[\w./:,=@%+-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`)).join(' ')}`;
}
