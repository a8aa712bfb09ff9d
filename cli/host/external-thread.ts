/** The thread's side of `external.ts`: starts the program, hands on questions and answers, and ends it. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { MessagePort } from 'node:worker_threads';
import type { Reply } from './external.ts';

export interface ExternalAssignment {
  command: string;
  /** [0] is rung when a reply is in the port; [1] is the program's process group, 0 before it runs and once it is gone. */
  bell: Int32Array;
  port: MessagePort;
  /** One answer; a scheduler that says more than this has lost its way. */
  mostChars: number;
}

const KEPT_ERRORS = 2000;
/** Between asking the program to end and ending it. */
const GRACE_MS = 1000;

export function talk({ command, bell, port, mostChars }: ExternalAssignment): void {
  const child = spawn(command, {
    shell: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  });
  Atomics.store(bell, 1, child.pid ?? 0);
  let pieces: string[] = [];
  let length = 0;
  let complaints = '';
  /** Why nothing more is to be expected of it. */
  let gone: string | null = null;
  let asked = false;
  const reply = (message: Reply) => {
    asked = false;
    port.postMessage(message);
    Atomics.store(bell, 0, 1);
    Atomics.notify(bell, 0);
  };
  /** It has broken the rules: it is ended, and whoever asks is told why. */
  const fail = (why: string) => {
    if (gone === null) kill(child);
    gone ??= why;
    pieces = [];
    if (asked) reply({ failed: gone });
  };
  child.on('error', (error) => fail(`could not be started: ${error.message}`));
  child.on('close', (code, signal) => {
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    const last = complaints.trim().split('\n').at(-1) ?? '';
    fail(`${how} before it answered${last === '' ? '' : `; it said: ${last.slice(0, 200)}`}`);
    Atomics.store(bell, 1, 0);
  });
  child.stdin.on('error', () => {});
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-KEPT_ERRORS);
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (gone !== null) return;
    if (!asked) return fail('says something without being asked: one line for each line it is sent');
    const lineEnd = text.indexOf('\n');
    pieces.push(lineEnd < 0 ? text : text.slice(0, lineEnd));
    length += text.length;
    if (length > mostChars) return fail(`says more than ${mostChars / 2 ** 20} MiB in one answer`);
    if (lineEnd < 0) return;
    if (lineEnd < text.length - 1) return fail('answers more than one line for each line it is sent');
    const line = pieces.join('');
    pieces = [];
    length = 0;
    reply({ line });
  });
  port.on('message', (question: string | null) => {
    if (question === null) {
      stop(child);
      port.close();
      return;
    }
    asked = true;
    if (gone !== null) reply({ failed: gone });
    else child.stdin.write(`${question}\n`);
  });
}

/** Its end of the pipe closes first: a program that reads to the end ends by itself. */
function stop(child: ChildProcess): void {
  child.stdin?.end();
  const timer = setTimeout(() => kill(child), GRACE_MS);
  child.on('close', () => clearTimeout(timer));
  // Without one, 'close' has been already.
  if (child.exitCode !== null || child.signalCode !== null) clearTimeout(timer);
}

/** The whole group: the shell's children, too. */
function kill(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
