import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RunModel } from './model.ts';
import { Store, type Topic } from './store.ts';

let frames: (() => void)[] = [];
beforeEach(() => {
  frames = [];
  vi.stubGlobal('requestAnimationFrame', (callback: () => void) => frames.push(callback));
});
afterEach(() => vi.unstubAllGlobals());
const frame = () => {
  for (const callback of frames.splice(0)) callback();
};

const END = 1e9;
function storeOf(): Store {
  const store = new Store({ file: 'a.yaml', text: '', files: {} });
  const model = { run: { simulatedUs: END } } as unknown as RunModel;
  store.set('runs', { slots: [{ model, label: 'a', source: null }], range: [0, END] });
  frame();
  return store;
}

test('whatever changes between two frames is told once, in the next one', () => {
  const store = storeOf();
  const told: Topic[][] = [];
  const end = store.subscribe((topics) => told.push([...topics].sort()));
  store.set('view', { view: 'map' });
  store.moveTo(5);
  store.moveTo(6);
  expect(told).toEqual([]);
  frame();
  expect(told).toEqual([['cursor', 'view']]);
  expect(store.state.cursorUs).toBe(6);
  // What is changed by those who are told goes out in the frame after.
  const again = store.subscribe(() => store.state.view === 'map' && store.set('view', { view: 'ledger' }));
  store.set('theme', {});
  frame();
  expect(told.slice(1)).toEqual([['theme']]);
  frame();
  expect(told.slice(2)).toEqual([['view']]);
  again();
  end();
  store.set('theme', {});
  frame();
  expect(told).toHaveLength(3);
});

test('however one moves and zooms, what is shown is a stretch of the run and holds the cursor that moved it', () => {
  const time = fc.double({ min: -END, max: 2 * END, noNaN: true });
  const step = fc.oneof(
    time.map((us) => (store: Store) => {
      store.moveTo(us);
      const { range, cursorUs } = store.state;
      expect(cursorUs).toBe(Math.max(0, Math.min(END, us)));
      expect(cursorUs).toBeGreaterThanOrEqual(range[0]);
      expect(cursorUs).toBeLessThanOrEqual(range[1]);
    }),
    fc.tuple(time, time).map(
      ([from, to]) =>
        (store: Store) =>
          store.show(from, to),
    ),
    fc.double({ min: 1e-9, max: 1e9, noNaN: true }).map((factor) => (store: Store) => store.zoom(factor)),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const store = storeOf();
      for (const each of steps) {
        each(store);
        const [from, to] = store.state.range;
        expect(from).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThanOrEqual(END * (1 + 1e-12));
        expect(to - from).toBeGreaterThan(999);
      }
    }),
  );
});

test('zooming holds the moment where it is', () => {
  const store = storeOf();
  store.zoom(0.5, 0.25 * END);
  expect(store.state.range).toEqual([0.125 * END, 0.625 * END]);
  store.zoom(2, 0.25 * END);
  expect(store.state.range).toEqual([0, END]);
});

test('time ends with the longest of the runs shown', () => {
  const store = storeOf();
  const longer = { model: { run: { simulatedUs: 3 * END } } as unknown as RunModel, label: 'b', source: null };
  store.set('runs', { slots: [...store.state.slots, longer] });
  expect(store.endUs).toBe(3 * END);
});
