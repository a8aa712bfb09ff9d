/** A worker, and what happens when it dies: every call under way ends with `WorkerCrash`, and the next one gets a new worker. */
import { proxy, type Remote, transfer, wrap } from 'comlink';
import type { DroppedFile } from './open.ts';
import type { FiguresAnswer, Opened, Outcome, Progress, RunRequest } from './requests.ts';
import type { SimulationWorker } from './worker.ts';

export class WorkerCrash extends Error {
  override name = 'WorkerCrash';
}

/** While a call is under way the worker is asked for a sign of life so often, and given up after so long without, ms. */
const PING_MS = 5000;
const SILENCE_MS = 90_000;

export class Client {
  private worker: Worker | null = null;
  private remote: Remote<SimulationWorker> | null = null;
  private crash: (error: WorkerCrash) => void = () => {};
  private crashed: Promise<never> = new Promise(() => {});
  private calls = 0;
  private heard = 0;
  private timer = 0;

  /** Runs something in the worker. */
  async call<T>(work: (remote: Remote<SimulationWorker>) => PromiseLike<T>): Promise<T> {
    const remote = this.start();
    this.calls++;
    this.watch();
    try {
      return await Promise.race([work(remote), this.crashed]);
    } finally {
      this.calls--;
      if (this.calls === 0) clearInterval(this.timer);
    }
  }

  async run(id: number, request: RunRequest, progress: (progress: Progress) => void): Promise<Outcome> {
    // What a dead worker said last may arrive after the news of its death.
    let over = false;
    const heard = proxy((now: Progress) => {
      if (!over) progress(now);
    });
    try {
      return await this.call<Outcome>((remote) => remote.run(id, request, heard) as PromiseLike<Outcome>);
    } finally {
      over = true;
    }
  }

  // Comlink makes of an answer that is one of several kinds several promises; these say that it is one.

  /** The files' bytes are handed over, not copied. */
  open(files: DroppedFile[]): Promise<Opened> {
    const buffers = files.map(({ bytes }) => bytes.buffer as ArrayBuffer);
    return this.call<Opened>((remote) => remote.open(transfer(files, buffers)) as PromiseLike<Opened>);
  }

  figures(request: RunRequest): Promise<FiguresAnswer> {
    return this.call<FiguresAnswer>((remote) => remote.figures(request) as PromiseLike<FiguresAnswer>);
  }

  /** The run under way ends with what it has. */
  cancel(): void {
    void this.remote?.cancel();
  }

  end(): void {
    this.give(new WorkerCrash('The simulation was stopped.'));
  }

  private start(): Remote<SimulationWorker> {
    if (this.remote !== null) return this.remote;
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'simsup' });
    this.crashed = new Promise((_, reject) => {
      this.crash = reject;
    });
    this.crashed.catch(() => {});
    worker.addEventListener('error', (event) => {
      event.preventDefault();
      if (this.worker === worker)
        this.give(
          new WorkerCrash(
            event.message
              ? `The simulation’s worker failed: ${event.message}`
              : 'The simulation’s worker could not be loaded.',
          ),
        );
    });
    this.worker = worker;
    this.remote = wrap<SimulationWorker>(worker);
    return this.remote;
  }

  private give(error: WorkerCrash): void {
    this.worker?.terminate();
    this.worker = null;
    this.remote = null;
    this.crash(error);
  }

  private watch(): void {
    if (this.calls !== 1) return;
    this.heard = performance.now();
    clearInterval(this.timer);
    this.timer = window.setInterval(() => {
      const { remote } = this;
      if (remote === null) return;
      void remote.ping().then(() => {
        this.heard = performance.now();
      });
      // A page that slept has heard nothing either.
      if (document.visibilityState === 'visible' && performance.now() - this.heard > SILENCE_MS)
        this.give(new WorkerCrash('The simulation’s worker does not answer any more; perhaps it ran out of memory.'));
    }, PING_MS);
  }
}
