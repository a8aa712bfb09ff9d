/** Texts that were, for undo and redo; typing in a row is one step. */
const MOST = 200;
const TOGETHER_MS = 1500;

export class TextHistory {
  private readonly past: string[] = [];
  private future: string[] = [];
  /** When the last key was pressed that the next may join. Zero would not do for never: a page that has just loaded is at that time. */
  private since = -Infinity;
  now: string;

  constructor(text: string) {
    this.now = text;
  }

  /** `typed`: joins what was typed just before. `ms`: the time, for that. */
  push(text: string, typed = false, ms = performance.now()): void {
    if (text === this.now) return;
    const joins = typed && ms - this.since < TOGETHER_MS && this.past.length > 0;
    if (!joins) this.past.push(this.now);
    if (this.past.length > MOST) this.past.shift();
    this.since = typed ? ms : -Infinity;
    this.now = text;
    this.future = [];
  }

  undo(): string | null {
    return this.step(this.past, this.future);
  }

  redo(): string | null {
    return this.step(this.future, this.past);
  }

  private step(from: string[], to: string[]): string | null {
    const text = from.pop();
    if (text === undefined) return null;
    to.push(this.now);
    this.now = text;
    this.since = -Infinity;
    return text;
  }
}
