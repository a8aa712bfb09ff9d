/** Tables in Markdown pages that a command keeps: between a comment that names the command and one that ends them. */

/** The commands whose output docs/validation.md and README.md hold. */
export const MARKDOWN = 'npm run validate -- --markdown';
export const SUMMARY = 'npm run validate -- --summary';

const END = '<!-- end of validation -->';

/** What stands there now; undefined where the page has no place for it. */
export function tableIn(text: string, command: string): string | undefined {
  return text.split(`<!-- ${command} -->`)[1]?.split(END)[0]?.trim();
}

/** The page with another table. Throws where it has no place for it, or more than one. */
export function withTable(text: string, command: string, table: string): string {
  const start = `<!-- ${command} -->`;
  const [before, after, ...more] = text.split(start);
  const end = after?.indexOf(END) ?? -1;
  if (end < 0 || more.length > 0) throw new Error(`the page has no single place between '${start}' and '${END}'`);
  return `${before}${start}\n\n${table}\n\n${after.slice(end)}`;
}
