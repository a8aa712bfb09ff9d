import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const project = fileURLToPath(new URL('.', import.meta.url));

/** One file for both: the web page (`vite build`, root web/) and the tests (`vitest`, root the whole project). */
export default defineConfig({
  root: `${project}web`,
  // Relative addresses, so that the site works under any path.
  base: './',
  worker: { format: 'es' },
  build: {
    outDir: `${project}dist/web`,
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: true,
    chunkSizeWarningLimit: 2000,
  },
  test: {
    root: project,
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', 'dist/**', 'coverage/**'],
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
