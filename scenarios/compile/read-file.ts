/** How a scenario gets at the files it names: given from outside, so that reading works in a browser too. */

/** The file's text, whole or line by line (without line ends). Throws an Error whose message says why it cannot be read. */
export type ReadFile = (path: string) => string | Iterable<string>;

/** What a scenario gets that was given no reader. */
export const noFiles: ReadFile = () => {
  throw new Error('no files can be read here');
};

/** Lines of a text without their ends; LF, CRLF and a byte-order mark are all the same. */
export function* linesOf(text: string | Iterable<string>): Generator<string> {
  let first = true;
  if (typeof text !== 'string') {
    for (const line of text) {
      yield first && line.charCodeAt(0) === 0xfeff ? line.slice(1) : line;
      first = false;
    }
    return;
  }
  let from = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  while (from < text.length) {
    const end = text.indexOf('\n', from);
    const to = end < 0 ? text.length : end;
    yield text.slice(from, to > from && text.charCodeAt(to - 1) === 13 ? to - 1 : to);
    from = to + 1;
  }
}
