/**
 * The parts of prompts that a plan computes. Iterations before its last one have a part of the first prompt alone; in the
 * last one others may begin beside that prompt's end.
 */
import type { CostModel } from './cost.ts';
import type { Requests } from './requests.ts';

export class Prefill {
  /** Prompts, and the tokens of each in this plan. */
  readonly slots: number[] = [];
  readonly tokens: number[] = [];
  /** Of its last iteration: tokens that it could take beside those it has, and what its prompts add to its time, ps. */
  room = 0;
  private lastTokens = 0;
  private lastPrompts = 0;
  private lastPs = 0;
  private readonly requests: Requests;
  private readonly cost: CostModel;

  constructor(requests: Requests, cost: CostModel) {
    this.requests = requests;
    this.cost = cost;
  }

  clear(): void {
    this.slots.length = this.tokens.length = 0;
  }

  /** An iteration more, in which prompts may take so many tokens. */
  open(room: number): void {
    this.room = room;
    this.lastTokens = this.lastPrompts = this.lastPs = 0;
  }

  /** The next `n` tokens of a prompt are in it. */
  take(slot: number, n: number): void {
    const { requests, slots, tokens } = this;
    const known = slots.length > 0 && slots[0] === slot;
    this.lastPs += this.cost.chunk(requests.done[slot] + (known ? tokens[0] : 0), n);
    if (known) tokens[0] += n;
    else {
      slots.push(slot);
      tokens.push(n);
    }
    this.lastTokens += n;
    this.lastPrompts++;
    this.room -= n;
  }

  /** Tokens that a prompt of this plan still lacks after it; 0 = it is done with it. */
  lacks(i: number): number {
    const slot = this.slots[i];
    return this.requests.target[slot] - this.requests.done[slot] - this.tokens[i];
  }

  /** How long the last iteration takes beside so many decodes, ps. */
  iterationPs(decodes: number, context: number): number {
    return this.cost.mixed(decodes, context, this.lastTokens, this.lastPrompts, this.lastPs);
  }
}
