/** Requests that wait at a replica: those that lost their place in front, last in first out, then the line as it came. */
export class WaitingLine {
  private readonly returned: number[] = [];
  private queue: number[] = [];
  private head = 0;

  get length(): number {
    return this.returned.length + this.queue.length - this.head;
  }

  first(): number {
    const { returned } = this;
    return returned.length > 0 ? returned[returned.length - 1] : this.queue[this.head];
  }

  join(slot: number): void {
    this.queue.push(slot);
  }

  /** It had a place and lost it. */
  comeBack(slot: number): void {
    this.returned.push(slot);
  }

  leave(): void {
    if (this.returned.length > 0) {
      this.returned.pop();
      return;
    }
    if (++this.head > 1024 && 2 * this.head > this.queue.length) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
  }

  /** All of them in order; nobody waits any more. */
  empty(): number[] {
    const all = [...this.returned.reverse(), ...this.queue.slice(this.head)];
    this.returned.length = 0;
    this.queue = [];
    this.head = 0;
    return all;
  }
}
