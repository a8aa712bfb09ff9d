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

/** A whole number within bounds. */
export const wholeOption = (option: string, min: number, max: number) => (text: string) => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new UserError(`${option} ${quote(text)}: expected a whole number from ${min} to ${max}`);
  return value;
};

export function confidenceOption(text: string): number {
  const value = Number(text);
  if (!(value >= 0.5 && value < 1)) throw new UserError(`--confidence ${quote(text)}: expected a share such as 0.95`);
  return value;
}
