/** The visualizer on this machine: the built site, and the files that were named on the command line, to this machine alone. */
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { UserError } from '../../scenarios/import/import.ts';

export interface OpenedFile {
  /** As the scenario or the command line names it. */
  name: string;
  bytes: Uint8Array;
}

export interface Page {
  /** Folder of the built site. */
  site: string;
  /** Read anew each time the page is loaded; the first is the one that was named. */
  opened(): OpenedFile[];
}

const LOOPBACK = '127.0.0.1';

/** The same as the built page states for hosts that send no headers (vite.config.ts), and that nobody may frame it. */
const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.map': 'application/json',
};

/** Listens on loopback; port 0 = any that is free. */
export function servePage(page: Page, port: number): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    let given: Answer;
    try {
      given = answer(page, request);
    } catch (error) {
      given = refusal(500, (error as Error).message.split('\n')[0]);
    }
    send(response, given, request.method !== 'HEAD');
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE' ? 'it is in use: choose another with --port, or 0 for any' : error.message;
      reject(new UserError(`cannot listen on ${LOOPBACK}:${port}: ${why}`));
    });
    server.listen(port, LOOPBACK, () => {
      const address = server.address();
      const own = typeof address === 'object' && address !== null ? address.port : port;
      resolve({ url: `http://${LOOPBACK}:${own}/`, close: () => closed(server) });
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** `content`: text, bytes, or the path of a file of the site. */
interface Answer {
  status: number;
  type: string;
  content: string | Uint8Array | { file: string; bytes: number };
  caching: string;
  allow?: string;
}

const refusal = (status: number, why: string): Answer => ({
  ...{ status, type: 'text/plain; charset=utf-8', content: `${why}\n`, caching: 'no-store' },
});

function answer(page: Page, { method, url, headers }: IncomingMessage): Answer {
  // A name that somebody else's server points at this machine would make the files readable to his page.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? ''))
    return refusal(421, 'simsup answers to 127.0.0.1 and localhost only');
  if (method !== 'GET' && method !== 'HEAD') return { ...refusal(405, 'only GET and HEAD'), allow: 'GET, HEAD' };
  const path = pathOf(url ?? '/');
  if (path === null) return refusal(400, 'this address cannot be read');
  const fresh = { status: 200, caching: 'no-store' };
  if (path === '/opened.json') {
    const names = page.opened().map(({ name }) => name);
    return { ...fresh, type: 'application/json', content: JSON.stringify(names) };
  }
  const number = /^\/opened\/(\d{1,4})$/.exec(path)?.[1];
  if (number === undefined) return sitePart(page.site, path);
  const file = page.opened()[Number(number)];
  return file === undefined
    ? refusal(404, 'there is no such file')
    : { ...fresh, type: 'application/octet-stream', content: file.bytes };
}

function pathOf(url: string): string | null {
  try {
    return decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return null;
  }
}

function sitePart(site: string, path: string): Answer {
  const file = normalize(join(site, path === '/' ? 'index.html' : path));
  const inside = file.startsWith(normalize(site + sep)) && !file.includes('\0');
  const stat = inside ? statSync(file, { throwIfNoEntry: false }) : undefined;
  const type = TYPES[extname(file)];
  if (stat === undefined || !stat.isFile() || type === undefined)
    return refusal(404, `there is no ${path.slice(0, 100)}`);
  // Assets have their content's hash in their names.
  const caching = path.startsWith('/assets/') ? 'max-age=31536000, immutable' : 'no-cache';
  return { status: 200, type, content: { file, bytes: stat.size }, caching };
}

function send(response: ServerResponse, { status, type, content, caching, allow }: Answer, body: boolean): void {
  const file = typeof content === 'object' && 'file' in content ? content : null;
  response.writeHead(status, {
    ...HEADERS,
    'content-type': type,
    'cache-control': caching,
    ...(allow !== undefined && { allow }),
    ...(file !== null && { 'content-length': file.bytes }),
  });
  if (!body) response.end();
  else if (file === null) response.end(content);
  else
    createReadStream(file.file)
      .on('error', () => response.destroy())
      .pipe(response);
}
