/** What all views share: runs, the cursor in time, the visible range, the selection, the scenario's text. Changes go out once a frame. */
import type { Problem } from '../scenarios/problem.ts';
import type { RunModel } from './model.ts';
import type { Branch, ScenarioSource } from './requests.ts';

export type Topic = 'runs' | 'cursor' | 'range' | 'selection' | 'view' | 'theme' | 'source' | 'status' | 'playing';

export type Selection = { kind: 'job' | 'node' | 'project'; id: number } | null;

export interface Slot {
  model: RunModel;
  /** What tells it from the other: a policy, or what was changed. */
  label: string;
  /** Null where it was read from a file. */
  source: ScenarioSource | null;
  /** The run goes on: this is what there was when there was something to see. */
  early?: boolean;
}

export type Status =
  | { kind: 'idle' }
  | { kind: 'running'; label: string; share: number; nowUs: number; events: number }
  | { kind: 'problems'; problems: Problem[] }
  | { kind: 'failed'; message: string; crashed: boolean };

/** What stands beside the run. */
export type Beside =
  | { kind: 'policy'; policy: string }
  | { kind: 'scenario'; source: ScenarioSource; name: string }
  | { kind: 'branch'; branch: Branch; label: string };

export interface State {
  /** One run, or two side by side. */
  slots: Slot[];
  cursorUs: number;
  range: [number, number];
  selection: Selection;
  view: string;
  source: ScenarioSource;
  beside: Beside | null;
  status: Status;
  playing: boolean;
  /** Simulated seconds per second. */
  speed: number;
}

export class Store {
  readonly state: State;
  /** What was chosen inside of views (colours, units, rows), by view and name: it outlives the run that was shown. */
  readonly choices = new Map<string, string>();
  private readonly listeners = new Set<(topics: ReadonlySet<Topic>) => void>();
  private readonly changed = new Set<Topic>();
  private scheduled = false;

  constructor(source: ScenarioSource) {
    this.state = {
      slots: [],
      cursorUs: 0,
      range: [0, 1],
      selection: null,
      view: 'overview',
      source,
      beside: null,
      status: { kind: 'idle' },
      playing: false,
      speed: 21_600,
    };
  }

  /** Called at most once a frame with what has changed since. Returns how to end it. */
  subscribe(listener: (topics: ReadonlySet<Topic>) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  set(topic: Topic, change: Partial<State>): void {
    Object.assign(this.state, change);
    this.changed.add(topic);
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => this.tell());
  }

  /** Moves the cursor, and the range with it where it would leave it. */
  moveTo(us: number): void {
    const end = this.endUs;
    const cursorUs = Math.max(0, Math.min(end, us));
    const [from, to] = this.state.range;
    this.set('cursor', { cursorUs });
    if (cursorUs >= from && cursorUs <= to) return;
    const width = to - from;
    const start = Math.max(0, Math.min(end - width, cursorUs - width / 2));
    this.set('range', { range: [start, start + width] });
  }

  /** Shows a stretch of time; at least a millisecond, at most everything. */
  show(from: number, to: number): void {
    const end = this.endUs;
    const width = Math.max(Math.min(1000, end), Math.min(end, to - from));
    const start = Math.max(0, Math.min(end - width, from));
    this.set('range', { range: [start, start + width] });
  }

  /** Makes what is shown `factor` times as long, holding the moment `at` where it is. */
  zoom(factor: number, at = this.state.cursorUs): void {
    const [from, to] = this.state.range;
    const width = Math.max(1000, Math.min(this.endUs, (to - from) * factor));
    const share = Math.max(0, Math.min(1, (at - from) / (to - from)));
    this.show(at - share * width, at - share * width + width);
  }

  get endUs(): number {
    return Math.max(1, ...this.state.slots.map(({ model }) => model.run.simulatedUs));
  }

  private tell(): void {
    this.scheduled = false;
    const topics = new Set(this.changed);
    this.changed.clear();
    for (const listener of [...this.listeners]) listener(topics);
  }
}
