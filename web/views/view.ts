/** What every view is: mounted on a run, told of changes, asked for its pictures and tables. */
import type { Plate } from '../draw/plate.ts';
import type { RunModel } from '../model.ts';
import type { Store, Topic } from '../store.ts';

export interface TableData {
  name: string;
  columns: { name: string; values: (string | number | null)[] }[];
}

export interface MountedView {
  update(topics: ReadonlySet<Topic>): void;
  destroy(): void;
  plates: Plate[];
  tables(): TableData[];
  /** Where it has rows of nodes: others of them, so many screens further, or so many times as many at once. */
  rows?(screens: number, factor: number): void;
}

export type Mount = (host: HTMLElement, model: RunModel, store: Store) => MountedView;

export interface ViewSpec {
  id: string;
  title: string;
  /** One sentence: what it shows. */
  about: string;
  load(): Promise<Mount>;
}

/** A view that says why it has nothing to show. */
export function emptyView(host: HTMLElement, message: string): MountedView {
  const text = document.createElement('p');
  text.className = 'empty';
  text.textContent = message;
  host.append(text);
  return { update() {}, destroy: () => text.remove(), plates: [], tables: () => [] };
}

/** The topics after which a chart over time is drawn anew, and those after which only its overlay is. */
export function redraw(plates: readonly Plate[], topics: ReadonlySet<Topic>): void {
  if (topics.has('range') || topics.has('theme') || topics.has('selection') || topics.has('runs')) {
    for (const plate of plates) plate.draw();
  } else if (topics.has('cursor')) {
    for (const plate of plates) plate.drawAbove();
  }
}

export const NO_INTERVALS =
  'This run was saved without what happened on each GPU. Open its scenario here, or write it anew with simsup run --out.';
