/** Amounts of work in the words of reasons. */

/** `45 s`, `8.2 min`, `3.5 h`, `2.1 d`. */
export function workText(us: number): string {
  const seconds = us / 1e6;
  if (seconds < 120) return `${tenths(seconds)} s`;
  if (seconds < 7200) return `${tenths(seconds / 60)} min`;
  return seconds < 48 * 3600 ? `${tenths(seconds / 3600)} h` : `${tenths(seconds / 86_400)} d`;
}

/** To the tenth, to the hundredth below one: what was lost is not told as nothing. */
export const tenths = (n: number): string => String(Number(n.toFixed(n < 1 ? 2 : 1)));
