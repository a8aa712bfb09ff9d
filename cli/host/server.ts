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
    try {
      answer(page, request, response);
    } catch (error) {
      refuse(response, 500, (error as Error).message.split('\n')[0]);
    }
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

function answer(page: Page, request: IncomingMessage, response: ServerResponse): void {
  // A name that somebody else's server points at this machine would make the files readable to his page.
  if (!/^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(request.headers.host ?? ''))
    return refuse(response, 421, 'simsup answers to 127.0.0.1 and localhost only');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return refuse(response, 405, 'only GET and HEAD');
  }
  const path = pathOf(request.url ?? '/');
  if (path === null) return refuse(response, 400, 'this address cannot be read');
  const only = request.method === 'HEAD';
  if (path === '/opened.json') {
    const names = page.opened().map(({ name }) => name);
    return send(response, 'application/json', JSON.stringify(names), only);
  }
  const number = /^\/opened\/(\d{1,4})$/.exec(path)?.[1];
  if (number !== undefined) {
    const file = page.opened()[Number(number)];
    return file === undefined
      ? refuse(response, 404, 'there is no such file')
      : send(response, 'application/octet-stream', file.bytes, only);
  }
  sendSite(page.site, path, response, only);
}

function pathOf(url: string): string | null {
  try {
    return decodeURIComponent(new URL(url, 'http://localhost').pathname);
  } catch {
    return null;
  }
}

function sendSite(site: string, path: string, response: ServerResponse, only: boolean): void {
  const file = normalize(join(site, path === '/' ? 'index.html' : path));
  const stat = file.startsWith(normalize(site + sep)) ? statSync(file, { throwIfNoEntry: false }) : undefined;
  const type = TYPES[extname(file)];
  if (stat === undefined || !stat.isFile() || type === undefined)
    return refuse(response, 404, `there is no ${path.slice(0, 100)}`);
  // Assets have their content's hash in their names.
  const caching = path.startsWith('/assets/') ? 'max-age=31536000, immutable' : 'no-cache';
  response.writeHead(200, {
    ...HEADERS,
    'content-type': type,
    'content-length': stat.size,
    'cache-control': caching,
  });
  if (only) response.end();
  else
    createReadStream(file)
      .on('error', () => response.destroy())
      .pipe(response);
}

function send(response: ServerResponse, type: string, content: string | Uint8Array, only: boolean): void {
  response
    .writeHead(200, { ...HEADERS, 'content-type': type, 'cache-control': 'no-store' })
    .end(only ? undefined : content);
}

function refuse(response: ServerResponse, status: number, why: string): void {
  if (!response.headersSent) response.writeHead(status, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${why}\n`);
}
