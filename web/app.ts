/** What the page can do: run what is in the store, set something beside it, open files, share, undo. Views and dialogs call this. */
import type { Comparison } from '../studies/compare.ts';
import { Client, WorkerCrash } from './client.ts';
import { TextHistory } from './history.ts';
import { RunModel } from './model.ts';
import type { DroppedFile } from './open.ts';
import type { FileName, Outcome, PolicyFacts, RunRequest, ScenarioSource, ShownRun } from './requests.ts';
import { type Beside, type Slot, Store } from './store.ts';

export interface BuiltinFacts {
  name: string;
  sentence: string;
  text: string;
}

const WITHOUT_SCENARIO = '# This run was opened from a file, which does not hold its scenario.\n';
/** Between the last key pressed and the next run, ms. */
const QUIET_MS = 400;

export class App {
  readonly store: Store;
  readonly history: TextHistory;
  /** One worker for each of two runs side by side, so that both simulate at once. */
  readonly clients = [new Client(), new Client()];
  builtins: BuiltinFacts[] = [];
  policies: PolicyFacts[] = [];
  /** Said once, below the head: what became of a file that was opened. */
  onNote: (text: string) => void = () => {};
  private generation = 0;
  private timer = 0;
  private nextId = 1;

  constructor(source: ScenarioSource) {
    this.store = new Store(source);
    this.history = new TextHistory(source.text);
  }

  /** Simulates what the store holds; a run under way is dropped. */
  async run(): Promise<void> {
    const generation = ++this.generation;
    clearTimeout(this.timer);
    const { store } = this;
    const { source, beside } = store.state;
    const requests: { label: string; request: RunRequest }[] = [
      { label: '', request: { source, early: store.state.slots.length === 0 && beside === null } },
    ];
    if (beside !== null) requests.push({ label: labelOf(beside), request: besideRequest(source, beside) });
    if (this.busy()) for (const client of this.clients) client.end();
    // The worker knows its runs by these.
    const firstId = this.nextId;
    this.nextId += requests.length;
    const shares = requests.map(() => 0);
    store.set('status', { status: { kind: 'running', label: source.file, share: 0, nowUs: 0, events: 0 } });
    try {
      const outcomes = await Promise.all(
        requests.map(({ request }, i) =>
          this.clients[i].run(firstId + i, request, ({ nowUs, events, share, early }) => {
            if (generation !== this.generation) return;
            if (early !== undefined) this.showEarly(early, source);
            shares[i] = share;
            const least = Math.min(...shares);
            store.set('status', { status: { kind: 'running', label: source.file, share: least, nowUs, events } });
          }),
        ),
      );
      if (generation !== this.generation) return;
      const bad = outcomes.find(({ kind }) => kind === 'problems' || kind === 'failed');
      if (bad !== undefined) {
        this.refuse(bad);
        return;
      }
      const slots: Slot[] = [];
      outcomes.forEach((outcome, i) => {
        if (outcome.kind !== 'run') return;
        const model = new RunModel(firstId + i, outcome);
        slots.push({
          model,
          label: requests[i].label || outcome.columns.summary.policy,
          source: requests[i].request.source,
        });
      });
      if (slots.length === 2 && beside?.kind === 'branch') slots[0].label = 'as it was';
      if (slots.length === 2 && beside?.kind === 'scenario') slots[0].label = source.file.replace(/\.ya?ml$/, '');
      if (slots.length > 0) this.show(slots);
      store.set('status', { status: { kind: 'idle' } });
    } catch (error) {
      if (generation !== this.generation) return;
      const message = error instanceof Error ? error.message : String(error);
      store.set('status', { status: { kind: 'failed', message, crashed: error instanceof WorkerCrash } });
    }
  }

  cancel(): void {
    for (const client of this.clients) client.cancel();
  }

  /** Another text for the same scenario: run again as soon as nothing changes for a moment. */
  setText(text: string, typed = false): void {
    const { source } = this.store.state;
    if (text === source.text) return;
    this.history.push(text, typed);
    this.store.set('source', { source: { ...source, text } });
    this.runSoon(typed ? QUIET_MS : 0);
  }

  undo(redo = false): void {
    const text = redo ? this.history.redo() : this.history.undo();
    if (text === null) {
      this.onNote(redo ? 'There is nothing to redo.' : 'There is nothing to undo.');
      return;
    }
    this.store.set('source', { source: { ...this.store.state.source, text } });
    this.runSoon(0);
  }

  /** Another scenario altogether. */
  openSource(source: ScenarioSource): void {
    this.history.push(source.text);
    this.store.set('source', { source, beside: null, selection: null, cursorUs: 0, playing: false });
    void this.run();
  }

  /** What the dialogs and the list of scenarios name. */
  async loadFacts(): Promise<void> {
    if (this.builtins.length > 0) return;
    this.builtins = await this.clients[0].call((remote) => remote.builtins());
    this.policies = await this.clients[0].call((remote) => remote.policies());
  }

  openBuiltin(name: string): void {
    const found = this.builtins.find((builtin) => builtin.name === name);
    if (found !== undefined) this.openSource({ file: `${name}.yaml`, text: found.text, files: {} });
  }

  /** Says what came of it; false where nothing could be made of them. */
  async openFiles(files: DroppedFile[]): Promise<boolean> {
    try {
      const opened = await this.clients[0].open(files);
      if (opened.kind === 'refused') {
        this.onNote(`That cannot be opened: ${opened.message}`);
        return false;
      }
      if (opened.note !== '') this.onNote(opened.note);
      if (opened.kind === 'scenario') {
        this.openSource(opened.source);
        return true;
      }
      const model = new RunModel(this.nextId++, opened);
      // What was edited before is no text of this run; undo brings it back.
      const source = { file: files[0].name, text: WITHOUT_SCENARIO, files: {} };
      this.history.push(source.text);
      this.generation++;
      this.store.set('source', { source, beside: null, selection: null, playing: false });
      this.show([{ model, label: opened.columns.summary.policy, source: null }]);
      this.store.set('status', { status: { kind: 'idle' } });
      return true;
    } catch (error) {
      this.onNote(`That cannot be opened: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  }

  setBeside(beside: Beside | null): void {
    this.store.set('source', { beside });
    if (beside === null) {
      const [first] = this.store.state.slots;
      this.generation++;
      if (first !== undefined) this.store.set('runs', { slots: [first] });
      if (this.store.state.view === 'differences') this.store.set('view', { view: 'overview' });
    } else void this.run();
  }

  /** A table or the report of what is shown; null where it was opened from a file, or is no longer kept. */
  file(slot: number, name: FileName): Promise<Uint8Array | null> {
    return this.clients[slot].call((remote) => remote.file(this.store.state.slots[slot].model.id, name));
  }

  /** Both that are shown, over several seeds, on as many workers as there are cores. */
  async overSeeds(count: number, progress: (done: number, of: number) => void): Promise<Comparison | string> {
    const { source, beside } = this.store.state;
    if (beside === null || beside.kind === 'branch')
      return 'A future from one moment on has one seed: that of its past.';
    const [{ compareRuns }, { FIGURES }] = await Promise.all([
      import('../studies/compare.ts'),
      import('../studies/figures.ts'),
    ]);
    const seeds = Array.from({ length: count }, (_, i) => String(i + 1));
    const requests = [{ source }, besideRequest(source, beside)];
    const tasks = seeds.flatMap((seed, s) =>
      requests.map((request, side) => ({ request: { ...request, seed }, s, side })),
    );
    const results: Record<string, number | null>[][] = [[], []];
    const pool = Array.from(
      { length: Math.max(1, Math.min(4, navigator.hardwareConcurrency || 2, tasks.length)) },
      () => new Client(),
    );
    let failed = '';
    let next = 0;
    let done = 0;
    progress(0, tasks.length);
    try {
      await Promise.all(
        pool.map(async (client) => {
          while (next < tasks.length && failed === '') {
            const { request, s, side } = tasks[next++];
            const answer = await client.figures(request);
            if ('failed' in answer) failed = answer.failed;
            else results[side][s] = answer.figures;
            progress(++done, tasks.length);
          }
        }),
      );
    } catch (error) {
      failed = error instanceof Error ? error.message : String(error);
    } finally {
      for (const client of pool) client.end();
    }
    if (failed !== '') return `The runs failed: ${failed}`;
    const [a, b] = this.store.state.slots;
    return compareRuns(FIGURES, seeds, { name: a.label, runs: results[0] }, [{ name: b.label, runs: results[1] }]);
  }

  private busy(): boolean {
    return this.store.state.status.kind === 'running';
  }

  private runSoon(ms: number): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.run(), ms);
  }

  private refuse(outcome: Outcome): void {
    if (outcome.kind === 'problems')
      this.store.set('status', { status: { kind: 'problems', problems: outcome.problems } });
    else if (outcome.kind === 'failed')
      this.store.set('status', { status: { kind: 'failed', message: outcome.message, crashed: false } });
  }

  /** A run that goes on, as far as it is. */
  private showEarly(run: ShownRun, source: ScenarioSource): void {
    const model = new RunModel(-this.nextId++, run);
    this.show([{ model, label: run.columns.summary.policy, source, early: true }]);
  }

  /** The cursor and the range stay where they are while they are inside the new run. */
  private show(slots: Slot[]): void {
    const { store } = this;
    const { cursorUs, range, selection } = store.state;
    const first = store.state.slots.length === 0;
    const before = first ? 0 : store.endUs;
    store.set('runs', { slots });
    const end = store.endUs;
    const wasWhole = range[0] <= 0 && range[1] >= before;
    if (first || wasWhole || range[1] > end) store.set('range', { range: [0, end] });
    const untouched = first ? cursorUs === 0 : cursorUs === begunAt(before);
    if (untouched) store.set('cursor', { cursorUs: begunAt(end) });
    else if (cursorUs > end) store.set('cursor', { cursorUs: end });
    const { run } = slots[0].model;
    const most = { job: run.jobs.count, node: run.nodes.count, project: run.projects.length };
    if (selection !== null && selection.id >= most[selection.kind]) store.set('selection', { selection: null });
  }
}

/** Where the cursor stands before anybody moves it: in the middle of things. */
const begunAt = (endUs: number) => Math.round(endUs * 0.4);

export function labelOf(beside: Beside): string {
  if (beside.kind === 'policy') return beside.policy;
  return beside.kind === 'scenario' ? beside.name : beside.label;
}

function besideRequest(source: ScenarioSource, beside: Beside): RunRequest {
  if (beside.kind === 'policy') return { source, policy: beside.policy };
  if (beside.kind === 'scenario') return { source: beside.source };
  return { source, branch: beside.branch };
}
