/** Requests in flight, as columns; a slot is used again once its request is over, so that memory follows concurrency. */

/** What kept a request waiting or slowed it; bits of `marks`. */
export const MARK = {
  /** Stood at the head of the line while there were too few free KV blocks. */
  kvPressure: 1,
  /** Came when its replica was not up yet. */
  coldStart: 2,
  /** Lost its replica to a fault and began again, or waited for one to come back. */
  fault: 4,
  /** Was sent by counts that were out of date to another replica than fresh ones would have chosen. */
  staleTelemetry: 8,
  /** Its replica was told to go before it was done. */
  preempted: 16,
} as const;

export class Requests {
  /** Slots in use. */
  live = 0;
  arrivalUs = new Float64Array(0);
  /** Tokens of the prompt as it came; tokens to generate. */
  prompt = new Int32Array(0);
  output = new Int32Array(0);
  tenant = new Int32Array(0);
  /** Number in the order of arrival, from 0. */
  number = new Float64Array(0);
  /** Hashes of the prompt's leading whole blocks, each standing for all before it too. */
  hashes: (readonly number[] | null)[] = [];
  marks = new Uint8Array(0);
  preemptions = new Int32Array(0);
  /** First admission to a batch, first token: µs rounded up; -1 = not yet. */
  admittedUs = new Float64Array(0);
  firstTokenUs = new Float64Array(0);
  replica = new Int32Array(0);
  /** Tokens found in the prefix cache at the first admission. */
  hitTokens = new Int32Array(0);
  /** Tokens generated when it last joined the decoding batch. */
  generated = new Int32Array(0);
  /** Tokens to bring into the cache before the next one can be generated, and how many of them are there. */
  target = new Int32Array(0);
  done = new Int32Array(0);
  /** Prefix-cache entries it holds. */
  shared = new Int32Array(0);
  /** Decode step of its replica at which it joined, and at which it will be complete. */
  joinStep = new Float64Array(0);
  finishStep = new Float64Array(0);
  /** Order of admission in its replica. */
  order = new Float64Array(0);
  /** When it last lost its place in the batch, µs; -1 = never, or it has generated since. */
  interruptedUs = new Float64Array(0);
  /** Neighbours in its replica's order of admission. */
  next = new Int32Array(0);
  prev = new Int32Array(0);
  private readonly free: number[] = [];

  add(arrivalUs: number, prompt: number, output: number, tenant: number, hashes: readonly number[] | null): number {
    if (this.free.length === 0) this.grow();
    const slot = this.free.pop() as number;
    this.live++;
    this.arrivalUs[slot] = arrivalUs;
    this.prompt[slot] = prompt;
    this.output[slot] = output;
    this.tenant[slot] = tenant;
    this.hashes[slot] = hashes;
    this.marks[slot] = 0;
    this.preemptions[slot] = 0;
    this.hitTokens[slot] = 0;
    this.admittedUs[slot] = -1;
    this.restart(slot);
    return slot;
  }

  /** Nothing of it has been computed (any more). */
  restart(slot: number): void {
    this.firstTokenUs[slot] = -1;
    this.generated[slot] = 0;
    this.target[slot] = this.prompt[slot];
    this.done[slot] = 0;
    this.shared[slot] = 0;
    this.interruptedUs[slot] = -1;
  }

  remove(slot: number): void {
    this.hashes[slot] = null;
    this.live--;
    this.free.push(slot);
  }

  private grow(): void {
    const from = this.prompt.length;
    const to = Math.max(64, 2 * from);
    const float = (old: Float64Array<ArrayBuffer>) => {
      const wider = new Float64Array(to);
      wider.set(old);
      return wider;
    };
    const int = (old: Int32Array<ArrayBuffer>) => {
      const wider = new Int32Array(to);
      wider.set(old);
      return wider;
    };
    this.arrivalUs = float(this.arrivalUs);
    this.number = float(this.number);
    this.admittedUs = float(this.admittedUs);
    this.firstTokenUs = float(this.firstTokenUs);
    this.joinStep = float(this.joinStep);
    this.finishStep = float(this.finishStep);
    this.order = float(this.order);
    this.interruptedUs = float(this.interruptedUs);
    this.prompt = int(this.prompt);
    this.output = int(this.output);
    this.tenant = int(this.tenant);
    this.preemptions = int(this.preemptions);
    this.replica = int(this.replica);
    this.hitTokens = int(this.hitTokens);
    this.generated = int(this.generated);
    this.target = int(this.target);
    this.done = int(this.done);
    this.shared = int(this.shared);
    this.next = int(this.next);
    this.prev = int(this.prev);
    const marks = new Uint8Array(to);
    marks.set(this.marks);
    this.marks = marks;
    for (let slot = to - 1; slot >= from; slot--) {
      this.free.push(slot);
      this.hashes[slot] = null;
    }
  }
}
