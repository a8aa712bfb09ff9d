/** `npm run docs`: README and docs/ as a static site in dist/docs, with the library's reference. No network, no scripts. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { escaped, html } from './markdown.mjs';
import { reference } from './reference.mjs';

const STYLE = `:root{color-scheme:light dark;--line:#8884}body{font:16px/1.55 system-ui,sans-serif;margin:0;display:grid;grid-template-columns:15rem minmax(0,58rem);gap:2.5rem}
nav{padding:1.5rem 1rem;border-right:1px solid var(--line);font-size:.95rem}nav a{display:block;padding:.15rem 0;text-decoration:none}nav a[aria-current]{font-weight:700}nav p{margin:1.2rem 0 .3rem;opacity:.7}
main{padding:1rem 1rem 6rem 0}pre{overflow:auto;padding:.8rem 1rem;background:#8881;border-radius:6px}code{font:.88em/1.5 ui-monospace,monospace}
.table{overflow:auto}table{border-collapse:collapse;font-size:.92rem}th,td{border-bottom:1px solid var(--line);padding:.35rem .7rem .35rem 0;text-align:left;vertical-align:top}.number{text-align:right}img{max-width:100%}
h3 small{font-weight:400;opacity:.7}@media(max-width:55rem){body{display:block;padding:0 1rem}nav{border:0;columns:2}}`;

/** Pages by what one wants to do; those of docs/ that are in none come last. */
const GROUPS = [
  ['Begin', ['README.md', 'docs/concepts.md', 'docs/tutorial.md']],
  [
    'Do',
    ['docs/import.md', 'docs/decide.md', 'docs/faults.md', 'docs/serving.md', 'docs/observability.md', 'docs/web.md'],
  ],
  ['Look up', ['docs/cli.md', 'docs/scenario.md', 'docs/policies.md', 'docs/ledger.md']],
  ['Trust', ['docs/validation.md', 'docs/peers.md', 'docs/scale.md', 'docs/threat-model.md', 'CONTRIBUTING.md']],
];

const outOf = (page) =>
  page === 'README.md'
    ? 'index.html'
    : `${page
        .replace(/^docs\//, '')
        .replace(/\.md$/, '')
        .toLowerCase()}.html`;
const titleOf = (text, page) => (page === 'README.md' ? 'simsup' : (/^# (.+)$/m.exec(text)?.[1] ?? page));

/** @param {string} project @param {string} out */
export function buildSite(project, out) {
  const inDocs = readdirSync(join(project, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`);
  const present = ['README.md', 'CONTRIBUTING.md', ...inDocs];
  const grouped = new Set(GROUPS.flatMap(([, pages]) => pages));
  const groups = [...GROUPS, ['More', present.filter((page) => !grouped.has(page))]].map(([name, pages]) => [
    name,
    pages.filter((page) => present.includes(page)),
  ]);
  const texts = new Map(present.map((page) => [page, readFileSync(join(project, page), 'utf8')]));
  const api = reference(project);
  const apiOut = (name) => `api-${name.replaceAll('/', '-')}.html`;
  const nav = (current) => {
    const one = (file, title) =>
      `<a href="${file}"${file === current ? ' aria-current="page"' : ''}>${escaped(title)}</a>`;
    const parts = groups
      .filter(([, pages]) => pages.length > 0)
      .map(
        ([name, pages]) =>
          `<p>${name}</p>${pages.map((page) => one(outOf(page), titleOf(texts.get(page), page))).join('')}`,
      );
    return `<nav>${parts.join('')}<p>Library</p>${api.map(({ name }) => one(apiOut(name), name)).join('')}</nav>`;
  };
  const write = (file, title, body) =>
    writeFileSync(
      join(out, file),
      `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'self'; img-src 'self'"><title>${escaped(title)}</title><link rel="stylesheet" href="style.css"></head><body>${nav(file)}<main>\n${body}\n</main></body></html>\n`,
    );
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'style.css'), STYLE);
  for (const [page, text] of texts) {
    const link = (target) => {
      if (/^https?:/.test(target)) return target;
      const [path, anchor] = target.split('#');
      if (path === '') return `#${anchor}`;
      const file = join(dirname(page), path);
      if (texts.has(file)) return outOf(file) + (anchor === undefined ? '' : `#${anchor}`);
      // A picture, an example, a schema: brought along.
      const copy = relative('docs', file).replaceAll('../', '');
      mkdirSync(dirname(join(out, copy)), { recursive: true });
      copyFileSync(join(project, file), join(out, copy));
      return copy;
    };
    write(outOf(page), titleOf(text, page), html(text, link));
  }
  for (const { name, entries } of api) {
    const body = entries.map(
      (entry) =>
        `<h3 id="${escaped(entry.name)}">${escaped(entry.name)} <small>${entry.kind}</small></h3>\n${entry.doc === '' ? '' : `<p>${escaped(entry.doc)}</p>\n`}<pre><code>${escaped(entry.text)}</code></pre>`,
    );
    write(
      apiOut(name),
      name,
      `<h1>${escaped(name)}</h1>\n<pre><code>import { … } from '${escaped(name)}';</code></pre>\n${body.join('\n')}`,
    );
  }
  return { pages: texts.size, api };
}

const project = fileURLToPath(new URL('../..', import.meta.url));
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { pages, api } = buildSite(project, join(project, 'dist/docs'));
  const names = api.reduce((sum, { entries }) => sum + entries.length, 0);
  process.stdout.write(`dist/docs: ${pages} pages, ${names} names of the library\n`);
}
