/**
 * Posts messages to a URL, signed, at least once each. What is to be sent is on disk before the first is sent, and what was
 * received is noted, so that a process killed at any moment loses nothing: the next one goes on where it was. A message
 * whose receipt was not noted is sent again with the same idempotency key.
 */
import { createHash, createHmac } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../scenarios/import/import.ts';

export interface Message {
  /** Idempotency key. */
  key: string;
  body: string;
}

export interface Delivery {
  sent: number;
  /** Received by an earlier process. */
  before: number;
  /** Refused for good (4xx), with what was answered. */
  refused: { key: string; why: string }[];
  /** Left for the next time: the receiver could not be reached. */
  left: number;
  why: string;
}

export interface DeliveryOptions {
  url: string;
  secret: Uint8Array;
  /** Tries of one message before it is left for another time. */
  attempts: number;
  /** First pause, ms; doubled at each try, up to a minute. */
  backoffMs: number;
  timeoutMs: number;
  onProgress?: (done: number, of: number) => void;
}

const MOST_PAUSE_MS = 60_000;

/** A folder with `messages.jsonl`, complete before anything is sent, and `received.log`, a key a line. */
export class Outbox {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Takes the messages in, or finds the same ones already there. Others than those are refused: what was posted is final. */
  fill(messages: readonly Message[]): void {
    mkdirSync(this.folder, { recursive: true });
    const content = messages.map((message) => `${JSON.stringify(message)}\n`).join('');
    const file = join(this.folder, 'messages.jsonl');
    if (existsSync(file)) {
      if (digest(readFileSync(file)) === digest(Buffer.from(content))) return;
      throw new UserError(
        `the outbox ${this.folder} holds other messages: what was posted of an hour is final. Name another --outbox for another run or other rules`,
      );
    }
    const part = `${file}.part-${process.pid}`;
    try {
      writeSafely(part, 'w', content);
      renameSync(part, file);
      syncFolder(this.folder);
    } finally {
      rmSync(part, { force: true });
    }
  }

  /** Keys whose receipt is noted; a line that a crash cut short does not count. */
  received(): Set<string> {
    const file = join(this.folder, 'received.log');
    if (!existsSync(file)) return new Set();
    const text = readFileSync(file, 'utf8');
    return new Set(
      text
        .slice(0, text.lastIndexOf('\n') + 1)
        .split('\n')
        .filter((key) => key !== ''),
    );
  }

  /** Each key goes on a line of its own, whatever a crash left of the line before. */
  note(key: string): void {
    const file = join(this.folder, 'received.log');
    const torn = existsSync(file) && !/(^|\n)$/.test(readFileSync(file, 'utf8').slice(-1));
    writeSafely(file, 'a', `${torn ? '\n' : ''}${key}\n`);
  }
}

function writeSafely(path: string, flags: 'w' | 'a', text: string): void {
  const fd = openSync(path, flags);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** A new name is safe only when its folder is. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** `sha256=` and the HMAC of `timestamp.body`, so that an old message cannot be passed off as a new one. */
export function signature(secret: Uint8Array, timestamp: string, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;
}

/** Sends what was not yet received, in order. Never throws for what the receiver does. */
export async function deliver(
  outbox: Outbox,
  messages: readonly Message[],
  options: DeliveryOptions,
): Promise<Delivery> {
  const received = outbox.received();
  const result: Delivery = { sent: 0, before: 0, refused: [], left: 0, why: '' };
  let done = 0;
  for (const message of messages) {
    options.onProgress?.(done++, messages.length);
    if (received.has(message.key)) {
      result.before++;
      continue;
    }
    const answer = await post(message, options);
    if (answer.kind === 'received') {
      outbox.note(message.key);
      result.sent++;
    } else if (answer.kind === 'refused') {
      result.refused.push({ key: message.key, why: answer.why });
    } else {
      // The receiver is away: the others would only wait for it one by one.
      result.why = answer.why;
      break;
    }
  }
  options.onProgress?.(messages.length, messages.length);
  result.left = messages.length - result.before - result.sent - result.refused.length;
  return result;
}

type Answer = { kind: 'received' } | { kind: 'refused' | 'away'; why: string };

async function post({ key, body }: Message, options: DeliveryOptions): Promise<Answer> {
  let why = '';
  for (let attempt = 0; attempt < options.attempts; attempt++) {
    let askedMs = 0;
    try {
      const timestamp = String(Math.floor(Date.now() / 1000));
      const response = await fetch(options.url, {
        method: 'POST',
        redirect: 'error',
        signal: AbortSignal.timeout(options.timeoutMs),
        headers: {
          'content-type': 'application/json',
          'idempotency-key': key,
          'x-simsup-timestamp': timestamp,
          'x-simsup-signature': signature(options.secret, timestamp, body),
        },
        body,
      });
      await response.arrayBuffer();
      if (response.ok) return { kind: 'received' };
      why = `HTTP ${response.status}`;
      if (!worthAnotherTry(response.status)) return { kind: 'refused', why };
      askedMs = 1000 * Number(response.headers.get('retry-after') ?? 0) || 0;
    } catch (error) {
      const { name, message, cause } = error as Error & { cause?: { code?: string } };
      why = cause?.code ?? (name === 'TimeoutError' ? 'no answer in time' : message);
    }
    if (attempt + 1 < options.attempts) await pause(Math.max(askedMs, options.backoffMs * 2 ** attempt));
  }
  return { kind: 'away', why };
}

const worthAnotherTry = (status: number) => status >= 500 || status === 408 || status === 425 || status === 429;

/** Up to half of it again at random, so that many senders do not come back at once. */
function pause(ms: number): Promise<void> {
  const jittered = Math.min(MOST_PAUSE_MS, ms * (1 + Math.random() / 2));
  return new Promise((resolve) => setTimeout(resolve, jittered));
}
