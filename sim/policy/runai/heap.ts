/** A binary heap whose order may change under it: the top can be told to find its place again. */
export class Heap<T> {
  readonly items: T[] = [];
  private readonly first: (a: T, b: T) => boolean;

  /** `first(a, b)`: a goes before b. */
  constructor(first: (a: T, b: T) => boolean) {
    this.first = first;
  }

  push(item: T): void {
    const { items } = this;
    items.push(item);
    for (let at = items.length - 1; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.first(items[at], items[parent])) return;
      [items[at], items[parent]] = [items[parent], items[at]];
      at = parent;
    }
  }

  pop(): T {
    const { items } = this;
    const last = items.length - 1;
    [items[0], items[last]] = [items[last], items[0]];
    const top = items.pop() as T;
    this.settleTop();
    return top;
  }

  /** The top sinks to its place. */
  settleTop(): void {
    const { items } = this;
    for (let at = 0; ; ) {
      let child = 2 * at + 1;
      if (child >= items.length) return;
      if (child + 1 < items.length && this.first(items[child + 1], items[child])) child++;
      if (!this.first(items[child], items[at])) return;
      [items[at], items[child]] = [items[child], items[at]];
      at = child;
    }
  }
}
