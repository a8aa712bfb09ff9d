/** The Markdown that our pages use → HTML: headings, paragraphs, lists, tables, fenced code, images, links, emphasis. Nothing else, and no HTML passes. */

/** @param {unknown} text */
export const escaped = (text) =>
  String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** As GitHub names the anchor of a heading. @param {string} heading */
export const anchorOf = (heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

/**
 * @param {string} text
 * @param {(target: string) => string} link where a link leads in the site
 */
export function html(text, link) {
  const lines = text.replaceAll(/<!--[\s\S]*?-->\n?/g, '').split('\n');
  const out = [];
  const isItem = (line = '') => /^\s*([-*]|\d+\.) /.test(line);
  const isBlock = (line = '') => line === '' || /^(#{1,4} |```|\|)/.test(line) || isItem(line);
  for (let i = 0; i < lines.length; ) {
    const line = lines[i];
    const heading = /^(#{1,4}) (.*)$/.exec(line);
    if (line.trim() === '') i++;
    else if (heading !== null) {
      const level = heading[1].length;
      out.push(`<h${level} id="${escaped(anchorOf(heading[2]))}">${inline(heading[2], link)}</h${level}>`);
      i++;
    } else if (line.startsWith('```')) {
      const end = lines.indexOf('```', i + 1);
      const body = lines.slice(i + 1, end < 0 ? lines.length : end).join('\n');
      out.push(`<pre><code>${escaped(body)}</code></pre>`);
      i = end < 0 ? lines.length : end + 1;
    } else if (line.startsWith('|')) {
      const rows = [];
      for (; lines[i]?.startsWith('|'); i++) rows.push(cellsOf(lines[i]));
      out.push(table(rows, link));
    } else if (isItem(line)) {
      const tag = /^\s*\d/.test(line) ? 'ol' : 'ul';
      const items = [];
      while (
        i < lines.length &&
        (isItem(lines[i]) || (/^\s+\S/.test(lines[i]) && items.length > 0) || (!isBlock(lines[i]) && items.length > 0))
      ) {
        if (isItem(lines[i])) items.push(lines[i].replace(/^\s*([-*]|\d+\.) /, ''));
        else items[items.length - 1] += ` ${lines[i].trim()}`;
        i++;
      }
      out.push(`<${tag}>${items.map((item) => `<li>${inline(item, link)}</li>`).join('')}</${tag}>`);
    } else {
      const part = [];
      while (i < lines.length && !isBlock(lines[i])) part.push(lines[i++]);
      out.push(`<p>${inline(part.join(' '), link)}</p>`);
    }
  }
  return out.join('\n');
}

/** Cells of a row; `\|` and what stands in backticks is no border. @param {string} row */
function cellsOf(row) {
  const cells = [''];
  let code = false;
  for (let i = 1; i < row.trimEnd().length - 1; i++) {
    if (row[i] === '`') code = !code;
    if (row[i] === '\\' && row[i + 1] === '|') cells[cells.length - 1] += row[++i];
    else if (row[i] === '|' && !code) cells.push('');
    else cells[cells.length - 1] += row[i];
  }
  return cells.map((cell) => cell.trim());
}

function table(rows, link) {
  const [head, rule = [], ...body] = rows;
  const right = rule.map((cell) => cell.endsWith(':'));
  const cell = (tag) => (text, i) => `<${tag}${right[i] ? ' class="number"' : ''}>${inline(text, link)}</${tag}>`;
  const header = head.some((text) => text !== '') ? `<thead><tr>${head.map(cell('th')).join('')}</tr></thead>` : '';
  return `<div class="table"><table>${header}<tbody>${body.map((row) => `<tr>${row.map(cell('td')).join('')}</tr>`).join('')}</tbody></table></div>`;
}

/** @param {string} text */
function inline(text, link) {
  // Code first: nothing in it means anything.
  const parts = text.split(/(`[^`]+`)/);
  return parts
    .map((part, i) => {
      if (i % 2 === 1) return `<code>${escaped(part.slice(1, -1))}</code>`;
      return part;
    })
    .reduce((before, part, i) => before + (i % 2 === 1 ? hidden(part) : part), '')
    .split(/(!?\[[^\]]*\]\([^)\s]+\))/)
    .map((part, i) => (i % 2 === 1 ? linked(part, link) : emphasised(part)))
    .join('')
    .replaceAll(/\ue000(\d+)\ue001/g, (_, n) => kept[Number(n)]);
}

/** Finished HTML that the next steps must not look into. @type {string[]} */
const kept = [];
const hidden = (text) => `\ue000${kept.push(text) - 1}\ue001`;

function linked(part, link) {
  const [, image, label, target] = /^(!?)\[([^\]]*)\]\(([^)]+)\)$/.exec(part) ?? [];
  if (image) return `<img src="${escaped(link(target))}" alt="${escaped(label)}">`;
  return `<a href="${escaped(link(target))}">${emphasised(label)}</a>`;
}

const emphasised = (text) =>
  escaped(text)
    .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replaceAll(/(^|[\s(])\*([^*\s][^*]*)\*(?=[\s).,;:]|$)/g, '$1<em>$2</em>')
    .replaceAll(/\\([*_|`<>])/g, '$1');
