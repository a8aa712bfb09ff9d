import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { html } from './markdown.mjs';
import { buildSite } from './site.mjs';

const project = fileURLToPath(new URL('../..', import.meta.url));
const same = (target: string) => target;

describe('Markdown as our pages have it', () => {
  it.each([
    ['## A *small* `a|b` heading', '<h2 id="a-small-ab-heading">A <em>small</em> <code>a|b</code> heading</h2>'],
    ['one\ntwo\n\nthree', '<p>one two</p>\n<p>three</p>'],
    ['- a\n  more\n- **b**', '<ul><li>a more</li><li><strong>b</strong></li></ul>'],
    ['1. a\n2. b', '<ol><li>a</li><li>b</li></ol>'],
    ['```sh\na < b | c\n```', '<pre><code>a &lt; b | c</code></pre>'],
    ['see [`x`](y.md#z)', '<p>see <a href="y.md#z"><code>x</code></a></p>'],
    ['![a "picture"](p.svg)', '<p><img src="p.svg" alt="a &quot;picture&quot;"></p>'],
    ['<script>alert(1)</script>', '<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>'],
    ['2 * 3 * 4 and a_b_c', '<p>2 * 3 * 4 and a_b_c</p>'],
    ['<!-- npm run x -->\ntext', '<p>text</p>'],
  ])('%j', (text, expected) => {
    expect(html(text, same)).toBe(expected);
  });

  it('tables: alignment, borders in code and behind a backslash', () => {
    expect(html('| a | b |\n|---|---:|\n| `x|y` \\| z | 1 |', same)).toBe(
      '<div class="table"><table><thead><tr><th>a</th><th class="number">b</th></tr></thead><tbody><tr><td><code>x|y</code> | z</td><td class="number">1</td></tr></tbody></table></div>',
    );
  });
});

describe('the site', () => {
  let out = '';
  let built: ReturnType<typeof buildSite>;
  beforeAll(() => {
    out = mkdtempSync(join(tmpdir(), 'simsup-site-'));
    built = buildSite(project, out);
  });
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  const pages = () => readdirSync(out).filter((name) => name.endsWith('.html'));

  it('has a page for every page of docs, README first, and one for each entry of the library', () => {
    const docs = readdirSync(join(project, 'docs')).filter((name) => name.endsWith('.md'));
    for (const name of docs) expect(pages()).toContain(name.replace('.md', '.html'));
    expect(pages()).toEqual(
      expect.arrayContaining(['index.html', 'contributing.html', 'api-simsup.html', 'api-simsup-scenarios.html']),
    );
  });

  it('leads nowhere that is not there, and loads nothing from elsewhere', () => {
    const broken: string[] = [];
    for (const page of pages()) {
      const text = readFileSync(join(out, page), 'utf8');
      expect(text).not.toMatch(/<script|src="https?:|@import|url\(/);
      for (const [, target] of text.matchAll(/(?:href|src)="([^"]+)"/g)) {
        if (/^https?:/.test(target)) continue;
        const [file, anchor] = target.split('#');
        const there = join(out, file === '' ? page : file);
        if (!existsSync(there)) broken.push(`${page}: ${target}`);
        else if (anchor !== undefined && !readFileSync(there, 'utf8').includes(`id="${anchor}"`))
          broken.push(`${page}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it('leaves no Markdown in the text', () => {
    for (const page of pages().filter((name) => !name.startsWith('api-'))) {
      const text = readFileSync(join(out, page), 'utf8').replaceAll(/<(pre|code)>[\s\S]*?<\/\1>/g, '');
      expect(text.match(/\]\([^)]*\)|\*\*|^```|^#{1,4} /m)?.[0], page).toBeUndefined();
      expect(text, page).not.toMatch(/[\ue000\ue001]/);
    }
  });

  it('says of what people call what it is: the front doors have docstrings', () => {
    const entries = built.api.flatMap((module) => module.entries);
    expect(entries.length).toBeGreaterThan(50);
    for (const name of ['simulate', 'Simulation', 'Scenario', 'readScenario', 'builtin', 'summarise'])
      expect(
        entries.some((entry) => entry.name === name),
        name,
      ).toBe(true);
    const undocumented = entries.filter(({ kind, missing }) => missing && (kind === 'function' || kind === 'class'));
    expect(undocumented.length / entries.length).toBeLessThan(0.1);
  });
});
