/** The event loop: pops events in their total order, hashes each, and calls the handler of its kind. */
import { Digest } from './digest.ts';
import { type EventId, EventQueue } from './queue.ts';

/** Called with the event's two integers. */
export type Handler = (a: number, b: number) => void;

export class Engine {
  /** Time of the event in hand, µs. */
  now = 0;
  /** Events handled so far. */
  events = 0;
  digest = new Digest();
  queue = new EventQueue();
  private readonly handlers: Handler[] = [];
  private stopped = false;

  /** `kind` is a small integer chosen by the caller. */
  on(kind: number, handler: Handler): void {
    if (this.handlers[kind] !== undefined) throw new Error(`event kind ${kind} has a handler already`);
    this.handlers[kind] = handler;
  }

  schedule(timeUs: number, priority: number, kind: number, a = 0, b = 0): EventId {
    return this.queue.schedule(timeUs, priority, kind, a, b);
  }

  /** Handles every event up to and including `untilUs`, or until `stop` is called or `limit` events were handled. */
  run(untilUs: number, limit = Infinity): void {
    const { queue, digest, handlers } = this;
    this.stopped = false;
    const last = this.events + limit;
    while (!this.stopped && this.events < last && queue.peekTime() <= untilUs && queue.pop()) {
      const { kind, a, b } = queue;
      this.now = queue.time;
      this.events++;
      digest.time(queue.time);
      digest.word(kind);
      digest.word(a);
      digest.word(b);
      handlers[kind](a, b);
    }
  }

  stop(): void {
    this.stopped = true;
  }

  snapshot() {
    return { now: this.now, events: this.events, digest: this.digest.snapshot(), queue: this.queue.snapshot() };
  }

  /** Handlers stay; time, queue and digest become those of the snapshot. */
  restore(snapshot: ReturnType<Engine['snapshot']>): void {
    this.now = snapshot.now;
    this.events = snapshot.events;
    this.digest = Digest.restore(snapshot.digest);
    this.queue = EventQueue.restore(snapshot.queue);
  }
}
