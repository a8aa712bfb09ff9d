/** Play, pause, speed, scrub, and stepping from one thing that happens to the next. */
import type { EventKind } from '../sim/record/recorder.ts';
import { h, replace } from './dom.ts';
import { Plate } from './draw/plate.ts';
import { themeNow } from './palette.ts';
import type { Store } from './store.ts';
import { clockOf, momentText } from './time.ts';

const SPEEDS: [number, string][] = [
  [60, '1 min/s'],
  [600, '10 min/s'],
  [3600, '1 h/s'],
  [21_600, '6 h/s'],
  [86_400, '1 day/s'],
  [604_800, '1 week/s'],
];
const KINDS: [EventKind | 'any' | 'start' | 'end', string][] = [
  ['any', 'anything'],
  ['start', 'job starts'],
  ['end', 'job ends'],
  ['preempt', 'preemption'],
  ['fault', 'fault'],
  ['detected', 'fault noticed'],
  ['reclaim', 'reclaim'],
  ['kill', 'job dies'],
  ['fail', 'job fails'],
];
const STEPS = 10_000;

export interface TimeBar {
  element: HTMLElement;
  toggle(): void;
  step(backwards: boolean): void;
}

export function timeBar(store: Store): TimeBar {
  const play = h(
    'button',
    { type: 'button', class: 'play', 'aria-label': 'Play', title: 'Play or pause (space)', onclick: () => toggle() },
    '▶',
  );
  const speed = h(
    'select',
    {
      'aria-label': 'Speed',
      title: 'Simulated time a second',
      onchange: () => store.set('playing', { speed: Number(speed.value) }),
    },
    ...SPEEDS.map(([value, text]) => h('option', { value, selected: value === store.state.speed }, text)),
  );
  const kind = h('select', { 'aria-label': 'Step to' }, ...KINDS.map(([value, text]) => h('option', { value }, text)));
  const button = (text: string, label: string, act: () => void) =>
    h('button', { type: 'button', 'aria-label': label, title: label, onclick: act }, text);
  const moment = h('output', { class: 'moment' });
  const scrub = h('input', {
    ...{ type: 'range', min: 0, max: STEPS, value: 0, step: 1, 'aria-label': 'Moment' },
    oninput: () => store.moveTo((Number(scrub.value) / STEPS) * store.endUs),
  });
  const strip = new Plate({
    height: 26,
    className: 'strip',
    label: 'How many jobs wait, over the whole run',
    paint(pen, { width, height }) {
      const theme = themeNow();
      const [slot] = store.state.slots;
      pen.rect(0, 0, width, height, theme.empty);
      if (!slot) return;
      const { series } = slot.model.recorded;
      let most = 1;
      for (const value of series.pendingJobs) most = Math.max(most, value);
      const points = [0, height];
      const columns = Math.min(series.count, Math.ceil(width));
      for (let c = 0; c < columns; c++) {
        let top = 0;
        for (let i = Math.floor((c * series.count) / columns); i < ((c + 1) * series.count) / columns; i++)
          top = Math.max(top, series.pendingJobs[i]);
        points.push((c * width) / columns, height - (top / most) * (height - 3));
      }
      points.push(width, height - 0, width, height);
      pen.area(points, theme.dark ? '#4a5561' : '#b6c0ca');
    },
    overlay(pen, { width, height }) {
      const theme = themeNow();
      const { range, cursorUs } = store.state;
      const end = store.endUs;
      const [a, b] = [(range[0] / end) * width, (range[1] / end) * width];
      if (b - a < width - 1) {
        pen.rect(0, 0, a, height, theme.dark ? '#00000090' : '#ffffffa0');
        pen.rect(b, 0, width - b, height, theme.dark ? '#00000090' : '#ffffffa0');
        pen.line([a, 1, b, 1, b, height - 1, a, height - 1, a, 0], theme.accent, 1.5);
      }
      const x = (cursorUs / end) * width;
      pen.line([x, 0, x, height], theme.text, 2);
    },
  });
  const element = h(
    'div',
    { class: 'timebar', role: 'group', 'aria-label': 'Time' },
    h('div', { class: 'transport' }, play, speed, moment),
    h('div', { class: 'scrubber' }, strip.element, scrub),
    h(
      'div',
      { class: 'transport' },
      button('|◀', 'Back to the last one ([)', () => step(true)),
      kind,
      button('▶|', 'On to the next one (])', () => step(false)),
      button('−', 'Show more time (−)', () => store.zoom(2)),
      button('+', 'Show less time (+)', () => store.zoom(0.5)),
      button('All', 'Show all of it (0)', () => store.show(0, store.endUs)),
    ),
  );
  let last = 0;
  const frame = (ms: number) => {
    if (!store.state.playing) return;
    const passed = Math.min(100, ms - last);
    last = ms;
    const next = store.state.cursorUs + passed * 1000 * store.state.speed;
    store.moveTo(next);
    if (next >= store.endUs) store.set('playing', { playing: false });
    else requestAnimationFrame(frame);
  };
  const toggle = () => {
    const playing = !store.state.playing && store.state.slots.length > 0;
    if (playing && store.state.cursorUs >= store.endUs) store.moveTo(0);
    store.set('playing', { playing });
    last = performance.now();
    if (playing) requestAnimationFrame(frame);
  };
  const step = (backwards: boolean) => {
    const [slot] = store.state.slots;
    if (!slot) return;
    const to = slot.model.nextEvent(kind.value as EventKind, store.state.cursorUs, backwards);
    if (to !== null) store.moveTo(to);
    else replace(moment, `no ${backwards ? 'earlier' : 'later'} one`);
  };
  const tell = () => {
    const [slot] = store.state.slots;
    const { cursorUs, playing } = store.state;
    const text = slot ? momentText(cursorUs, clockOf(slot.model.run)) : '–';
    replace(moment, text);
    scrub.value = String(Math.round((cursorUs / store.endUs) * STEPS));
    scrub.setAttribute('aria-valuetext', text);
    play.textContent = playing ? '⏸' : '▶';
    play.setAttribute('aria-label', playing ? 'Pause' : 'Play');
  };
  store.subscribe((topics) => {
    if (topics.has('cursor') || topics.has('playing') || topics.has('runs')) tell();
    if (topics.has('runs') || topics.has('theme')) strip.draw();
    else if (topics.has('cursor') || topics.has('range')) strip.drawAbove();
  });
  tell();
  return { element, toggle, step };
}
