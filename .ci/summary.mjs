// @ts-check
/** Prints "N passed, N failed[, N skipped]" from vitest's JSON: `node .ci/summary.mjs RESULTS STATUS`. */
import { existsSync, readFileSync } from 'node:fs';

const [file = '', status = '0'] = process.argv.slice(2);
const results = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8'))
  : { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, numFailedTestSuites: 0 };
const passed = results.numPassedTests;
const skipped = results.numPendingTests + results.numTodoTests;
// A file that does not load, a lint error or a missed threshold is a failure without a failed test.
const failed = results.numFailedTests || (results.numFailedTestSuites > 0 || status !== '0' ? 1 : 0);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
if (failed > 0 || passed === 0) process.exitCode = 1;
