/** docs/cli.md names every command and every option: the part that lists them is what the program itself says. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { program } from './program.ts';

const PAGE = new URL('../docs/cli.md', import.meta.url);
const [FROM, TO] = ['<!-- every option, from the program itself -->\n', '<!-- end of options -->\n'];

/** Commands that do something, by the words that are typed. */
function* commandsOf(command: Command, before = ''): Generator<{ words: string; command: Command }> {
  for (const own of command.commands) {
    const words = `${before}${own.name()}`;
    if (own.commands.length > 0) yield* commandsOf(own, `${words} `);
    else yield { words, command: own };
  }
}
const all = [...commandsOf(program())];
const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
const usage = (command: Command) =>
  command.registeredArguments.map((a) => {
    const name = `${a.name().toUpperCase()}${a.variadic ? '…' : ''}`;
    return a.required ? ` ${name}` : ` [${name}]`;
  });

/** A table a command, in the order of `--help`. */
function listed(): string {
  const parts = all.map(({ words, command }) => {
    const rows = command.options
      .filter(({ hidden }) => !hidden)
      .map(({ flags, description, defaultValue }) => {
        const shown = ['string', 'number'].includes(typeof defaultValue) && defaultValue !== '';
        const standard = shown ? ` (default ${defaultValue})` : '';
        return `| \`${flags.replaceAll('|', '\\|')}\` | ${cell(description)}${cell(standard)} |\n`;
      });
    const table = rows.length === 0 ? '' : `\n| option | does |\n|---|---|\n${rows.join('')}`;
    return `\n### \`${words}${usage(command).join('')}\`\n\n${cell(command.description())}\n${table}`;
  });
  return parts.join('');
}

describe('docs/cli.md', () => {
  const page = () => readFileSync(PAGE, 'utf8');

  it('lists every option of every command as the program has it (SIMSUP_UPDATE=1 writes it anew)', () => {
    const [head, rest] = page().split(FROM);
    const [, tail] = rest.split(TO);
    if (process.env.SIMSUP_UPDATE === '1') writeFileSync(PAGE, `${head}${FROM}${listed()}${TO}${tail}`);
    expect(page().split(FROM)[1].split(TO)[0]).toBe(listed());
  });

  it.each(all)('says in its own words what $words does', ({ words }) => {
    const [prose] = page().split(FROM);
    // What a page of its own explains is named with a link to it; kinds of report stand in the section of `report`.
    const [first, second] = words.split(' ');
    expect(prose).toMatch(new RegExp(`\`simsup ${first}\\b`));
    if (second !== undefined) expect(prose).toContain(`\`${second}\``);
  });

  it('has no option twice, and none without a description', () => {
    for (const { words, command } of all) {
      const longs = command.options.map(({ long }) => long);
      expect(new Set(longs).size, words).toBe(longs.length);
      for (const { description } of command.options) expect(description, words).not.toBe('');
    }
  });
});
