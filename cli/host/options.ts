/** Values of options that several commands take. */
import { UserError } from '../../scenarios/import/import.ts';
import { parseDuration, quote, UnitError } from '../../scenarios/units.ts';

/** `7d` → µs. */
export const durationOption =
  (option: string) =>
  (text: string): number => {
    try {
      const us = parseDuration(text);
      if (us > 0) return us;
    } catch (error) {
      if (!(error instanceof UnitError)) throw error;
    }
    throw new UserError(`${option} ${quote(text)}: expected a duration above zero, such as 60s, 12h or 30d`);
  };
