#!/usr/bin/env node
import { isMainThread, workerData } from 'node:worker_threads';
import { BAD_INPUTS } from './bad-inputs.ts';

// Whoever reads our output may stop (`simsup run | head`): then there is nobody left to tell.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
    // Nothing more can be said there (a full disk, say), perhaps on the other stream.
    if (stream === process.stdout) process.stderr.write(`simsup: the output cannot be written: ${error.message}\n`);
    process.exit(2);
  });
}

// Each loads what it needs: a thread that simulates has no use for all commands, and begins in half the time without them.
if (isMainThread) {
  const { main } = await import('./program.ts');
  process.exitCode = await main(process.argv.slice(2));
} else if (workerData?.external !== undefined) {
  // A thread beside a scheduler of the user's, in a program of its own.
  const { talk } = await import('./host/external-thread.ts');
  talk(workerData.external);
} else {
  // A thread of `compare` and its like: it simulates what it is sent.
  const { serve } = await import('./host/pool.ts');
  await serve(BAD_INPUTS);
}
