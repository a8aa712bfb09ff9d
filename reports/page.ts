/** One page that needs nothing else: no script, no font, no address outside. */

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;color:#1d1d1b;background:#fff;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;width:100%;margin:.8rem 0 1.4rem}th,td{padding:.25rem .6rem;text-align:right;border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums}
th:first-child,td:first-child,.text{text-align:left}td.number{white-space:nowrap}.wide{overflow-x:auto}.warn{background:#fff3d6;border-left:4px solid #e6b33d;padding:.4rem .8rem}
.key{display:inline-block;width:.8em;height:.8em;margin-right:.5em;border:1px solid #0002}svg{width:100%;height:auto;display:block}svg text{fill:currentColor}
figure{margin:1rem 0;break-inside:avoid}figcaption{color:#666;font-size:.9rem}dt{font-weight:600}dd{margin:0 0 .4rem 1rem}pre{overflow:auto;white-space:pre-wrap}.headline{font-size:1.2rem;font-weight:600}
.figures{display:flex;gap:2rem;flex-wrap:wrap}.figures b{font-size:1.6rem;display:block}.muted{color:#666}code{word-break:break-all}
@media (prefers-color-scheme:dark){body{background:#16181b;color:#e6e6e1}th,td{border-color:#3a3d42}.muted,figcaption{color:#a0a4a8}.warn{background:#3d3319;border-color:#e6b33d}a{color:#9ec5ff}}
@media print{body{background:#fff;color:#000;max-width:none;margin:0;padding:0;font-size:11pt}.muted,figcaption{color:#555}th,td{border-color:#999}a{color:inherit}pre{white-space:pre-wrap;overflow-wrap:anywhere}h2,tr,figure{break-inside:avoid}h2{break-after:avoid}thead{display:table-header-group}table{font-size:8.5pt}th,td{padding:.2rem .25rem}.wide{overflow:visible}details{display:none}.warn{background:none}}`;

/** `body` is markup; everything in it that came from outside must have gone through `escapeHtml`. */
export function htmlPage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)} – simsup</title>
<style>${STYLE}</style>
</head>
<body>
${body}</body>
</html>
`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Cells are markup already; `text`: which columns are words, not numbers. */
export function htmlTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  text: readonly boolean[] = [],
): string {
  const row = (cells: readonly string[], tag: 'th' | 'td') =>
    `<tr>${cells.map((cell, i) => `<${tag}${text.length === 0 ? '' : text[i] ? ' class="text"' : ' class="number"'}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table>\n<thead>${row(head, 'th')}</thead>\n<tbody>\n${rows.map((cells) => row(cells, 'td')).join('\n')}\n</tbody>\n</table>`;
}
