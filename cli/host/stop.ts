/** Ctrl-C in the middle of many runs: what is made is kept, and whoever stopped it is told how to go on. */

/** `state`: what there is by now, as a sentence without its end. Ends the process with 130, as shells do. */
export function onStop(state: () => string, kept: boolean): { end(): void } {
  const stop = () => {
    const next = kept ? '; the same command again goes on from there' : '; with --out DIR they would be kept';
    process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}Stopped: ${state()}${next}.\n`);
    process.exit(130);
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  return { end: () => void process.off('SIGINT', stop).off('SIGTERM', stop) };
}
