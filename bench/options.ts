/** What the bench programs are told on their command line: flags, values, and the words that belong to none. */
import { type ParseArgsConfig, parseArgs } from 'node:util';

export type Told = { values: Record<string, string | boolean | undefined>; words: string[] };

/**
 * Prints `help` where it is asked for (exit code 0) or where an argument is not one of `options` (2, and why on standard
 * error); the number is then the program's exit code.
 */
export function toldOrExit(
  options: NonNullable<ParseArgsConfig['options']>,
  help: string,
  allowPositionals = false,
): Told | number {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals,
      options: { ...options, help: { type: 'boolean', short: 'h' } },
    });
    if (!values.help) return { values: values as Told['values'], words: positionals };
    console.log(help);
    return 0;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    return 2;
  }
}
