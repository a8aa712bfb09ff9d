/**
 * A scheduler behind a pipe. A policy answers at once, and Node's pipes do not: a thread of its own talks to the program
 * while this one sleeps, at most as long as an answer may take.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { UserError } from '../../scenarios/import/import.ts';
import { type Ask, externalPolicy } from '../../sim/policy/external.ts';
import { ForeignPolicyError, type PolicyFactory } from '../../sim/simulate.ts';

/** What the thread sends back: the program's line, or why there is none. */
export type Reply = { line: string } | { failed: string };

export interface ExternalProgram {
  policy: PolicyFactory;
  close(): Promise<void>;
}

const DEFAULT_LIMIT_US = 10_000_000;
const MOST_CHARS = 64 * 2 ** 20;

/** `command` goes through the shell, as typed. `limitUs`: longest an answer may take. */
export function externalProgram(command: string, limitUs = DEFAULT_LIMIT_US, mostChars = MOST_CHARS): ExternalProgram {
  if (command.trim() === '') throw new UserError('--policy-program needs a command, such as "python3 scheduler.py"');
  const who = `the program '${command}'`;
  const { port1, port2 } = new MessageChannel();
  const bell = new Int32Array(new SharedArrayBuffer(8));
  const thread = new Worker(process.argv[1], {
    workerData: { external: { command, bell, port: port2, mostChars } },
    transferList: [port2],
    argv: [],
  });
  thread.unref();
  const gone = new Promise((resolve) => thread.once('exit', resolve));
  // Should this process end in the middle, its program goes with it.
  const kill = () => killGroup(Atomics.load(bell, 1));
  process.once('exit', kill);
  const ask: Ask = (question) => {
    Atomics.store(bell, 0, 0);
    port1.postMessage(JSON.stringify(question));
    Atomics.wait(bell, 0, 0, limitUs / 1000);
    const reply = (receiveMessageOnPort(port1)?.message ?? { failed: slow(limitUs) }) as Reply;
    if ('failed' in reply) throw new ForeignPolicyError(`${who}: ${reply.failed}`);
    try {
      return JSON.parse(reply.line);
    } catch {
      throw new ForeignPolicyError(`${who}: its answer is not JSON: ${JSON.stringify(reply.line.slice(0, 120))}`);
    }
  };
  return {
    policy: externalPolicy(ask, who),
    close: async () => {
      // What is awaited must keep the process alive.
      thread.ref();
      port1.postMessage(null);
      await gone;
      port1.close();
      process.removeListener('exit', kill);
    },
  };
}

/** A group's number is not given away while somebody of it lives; 0: there is none. */
function killGroup(group: number): void {
  if (group === 0) return;
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // It is gone.
  }
}

const slow = (limitUs: number) => `gave no answer within ${limitUs / 1e6} s (--time-limit changes that)`;
