/** The thread's side of `external.ts`: starts the program, hands on questions and answers, and ends it. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { MessagePort } from 'node:worker_threads';
import type { Reply } from './external.ts';

export interface ExternalAssignment {
  command: string;
  /** Rung when a reply is in the port. */
  bell: Int32Array;
  port: MessagePort;
}

/** One answer; a scheduler that says more than this has lost its way. */
const MOST_CHARS = 64 * 2 ** 20;
const KEPT_ERRORS = 2000;
/** Between asking the program to end and ending it. */
const GRACE_MS = 1000;

export function talk({ command, bell, port }: ExternalAssignment): void {
  const child = spawn(command, {
    shell: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  });
  let said = '';
  let complaints = '';
  let gone: string | null = null;
  let asked = false;
  const reply = (message: Reply) => {
    asked = false;
    port.postMessage(message);
    Atomics.store(bell, 0, 1);
    Atomics.notify(bell, 0);
  };
  const end = (why: string) => {
    gone ??= why;
    if (asked) reply({ failed: gone });
  };
  child.on('error', (error) => end(`could not be started: ${error.message}`));
  child.on('close', (code, signal) => {
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    const last = complaints.trim().split('\n').at(-1) ?? '';
    end(`${how} before it answered${last === '' ? '' : `; it said: ${last.slice(0, 200)}`}`);
  });
  child.stdin.on('error', () => {});
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-KEPT_ERRORS);
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    const lineEnd = said.indexOf('\n');
    if (lineEnd < 0) {
      if (said.length > MOST_CHARS) end(`said more than ${MOST_CHARS / 2 ** 20} MiB without a line end`);
      return;
    }
    const line = said.slice(0, lineEnd);
    said = said.slice(lineEnd + 1);
    if (asked) reply({ line });
    else end('said something without being asked: one line for each line it is sent');
  });
  port.on('message', (question: string | null) => {
    if (question === null) {
      stop(child);
      port.close();
      return;
    }
    asked = true;
    if (gone !== null) reply({ failed: gone });
    else if (said.includes('\n')) reply({ failed: 'answers more than one line for each line it is sent' });
    else child.stdin.write(`${question}\n`);
  });
}

/** Its end of the pipe closes first: a program that reads to the end ends by itself. */
function stop(child: ChildProcess): void {
  child.stdin?.end();
  const timer = setTimeout(() => {
    // The whole group: the shell's children, too.
    if (child.pid !== undefined) {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        child.kill('SIGKILL');
      }
    }
  }, GRACE_MS);
  child.on('close', () => clearTimeout(timer));
}
