import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const project = fileURLToPath(new URL('.', import.meta.url));

/** As `simsup web` sends it in a header (cli/host/server.ts), for hosts that send none. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'";

/** Into the built page: the policy, and a service worker that keeps every file, so that the page works without a network. */
function site(): Plugin {
  return {
    name: 'simsup-site',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler: () => [
        {
          tag: 'meta',
          attrs: { 'http-equiv': 'Content-Security-Policy', content: CONTENT_SECURITY_POLICY },
          injectTo: 'head-prepend',
        },
      ],
    },
    generateBundle(_, bundle) {
      const files = Object.keys(bundle).filter((name) => !name.endsWith('.map'));
      const version = createHash('sha256').update(files.join('\n')).digest('hex').slice(0, 12);
      this.emitFile({ type: 'asset', fileName: 'sw.js', source: serviceWorker(version, files) });
    },
  };
}

/** The built page begins with one policy and loads the others when they are asked for (web/policies.ts). */
function policiesWhenAskedFor(): Plugin {
  const all = `${project}sim/policy/index.ts`;
  const own = `${project}web/policies.ts`;
  return {
    name: 'simsup-policies',
    apply: 'build',
    enforce: 'pre',
    async resolveId(source, importer, options) {
      if (!source.endsWith('/policy/index.ts') || importer === own) return null;
      const found = await this.resolve(source, importer, { ...options, skipSelf: true });
      return found?.id === all ? own : found;
    },
  };
}

function serviceWorker(version: string, files: string[]): string {
  const list = JSON.stringify(['./', ...files.filter((name) => name !== 'index.html').map((name) => `./${name}`)]);
  return `const NAME = 'simsup-${version}';
addEventListener('install', (event) => event.waitUntil(caches.open(NAME).then((cache) => cache.addAll(${list})).then(() => skipWaiting())));
addEventListener('activate', (event) => event.waitUntil(caches.keys().then((names) => Promise.all(names.filter((name) => name.startsWith('simsup-') && name !== NAME).map((name) => caches.delete(name)))).then(() => clients.claim())));
addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== location.origin || /\\/opened(\\.json|\\/\\d+)$/.test(request.url)) return;
  // The page itself from the network where there is one, so that a new version is seen; its files never change.
  if (request.mode === 'navigate') event.respondWith(fetch(request).catch(() => caches.match('./')));
  else event.respondWith(caches.match(request).then((found) => found ?? fetch(request)));
});
`;
}

/** The layers below do nothing when they are loaded but define things: what the page does not use of them stays out. */
const treeshake = { moduleSideEffects: (id: string) => !/\/(sim|scenarios|reports|studies)\/[^?]*\.ts$/.test(id) };

/** One file for both: the web page (`vite build`, root web/) and the tests (`vitest`, root the whole project). */
export default defineConfig({
  root: `${project}web`,
  // Relative addresses, so that the site works under any path.
  base: './',
  plugins: [site(), policiesWhenAskedFor()],
  worker: { format: 'es', plugins: () => [policiesWhenAskedFor()], rolldownOptions: { treeshake } },
  build: {
    outDir: `${project}dist/web`,
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: true,
    rolldownOptions: { treeshake },
    chunkSizeWarningLimit: 2000,
  },
  test: {
    root: project,
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', 'coverage/**'],
    // Unless told otherwise vitest leaves one core to its own process, which needs a tenth of it.
    maxWorkers: '100%',
    setupFiles: ['.ci/seed.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    coverage: {
      provider: 'v8',
      include: ['sim/**/*.ts', 'scenarios/**/*.ts', 'reports/**/*.ts', 'studies/**/*.ts'],
      exclude: ['**/*.test.ts', '**/testing.ts', '**/*.d.ts'],
      reporter: ['text-summary', 'json-summary', 'html'],
      thresholds: { statements: 80, branches: 70, functions: 80, lines: 80 },
    },
  },
});
