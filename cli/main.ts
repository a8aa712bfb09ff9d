#!/usr/bin/env node
import { isMainThread, workerData } from 'node:worker_threads';
import { talk } from './host/external-thread.ts';
import { serve } from './host/pool.ts';
import { BAD_INPUTS, main } from './program.ts';

// Whoever reads our output may stop (`simsup run | head`): then there is nobody left to tell.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
    // Nothing more can be said there (a full disk, say), perhaps on the other stream.
    if (stream === process.stdout) process.stderr.write(`simsup: the output cannot be written: ${error.message}\n`);
    process.exit(2);
  });
}

if (isMainThread) process.exitCode = await main(process.argv.slice(2));
// A thread beside a scheduler of the user's, in a program of its own.
else if (workerData?.external !== undefined) talk(workerData.external);
// A thread of `compare` and its like: it simulates what it is sent.
else await serve(BAD_INPUTS);
