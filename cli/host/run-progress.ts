/** How far many runs are, on one line of a terminal. */

const EVERY_MS = 100;

/** Draws on stderr, if that is a terminal. `known`: runs that need not be made again, which say nothing of the speed. */
export class RunProgress {
  private readonly active = process.stderr.isTTY === true;
  private started = performance.now();
  private drawn = 0;
  private first = -1;

  show(done: number, of: number): void {
    const now = performance.now();
    if (this.first < 0) {
      this.first = done;
      this.started = now;
    }
    if (!this.active || (now - this.drawn < EVERY_MS && done < of)) return;
    this.drawn = now;
    process.stderr.write(`\r${runProgressLine(done, of, done - this.first, (now - this.started) / 1000)}\x1b[K`);
  }

  clear(): void {
    if (this.active && this.drawn > 0) process.stderr.write('\r\x1b[K');
  }
}

/** `made` of the runs that are done were made in these seconds. */
export function runProgressLine(done: number, of: number, made: number, seconds: number): string {
  const parts = [`${done} of ${of} runs`];
  if (made > 0 && seconds > 0) {
    const rate = made / seconds;
    parts.push(`${rate < 10 ? rate.toFixed(1) : Math.round(rate)} a second`, `${left((of - done) / rate)} left`);
  }
  return parts.join(', ');
}

function left(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
