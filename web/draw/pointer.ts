/** Pointer and wheel on a chart over time: click or drag moves the cursor, wheel zooms, shift and wheel or a drag with shift pans. */
import type { Store } from '../store.ts';
import { frameOf } from './axes.ts';
import type { Plate } from './plate.ts';

export interface PointerOptions {
  /** Pointed at; null = left. CSS pixels. */
  hover?(at: { x: number; y: number } | null): void;
  click?(at: { x: number; y: number }): void;
  /** Wheel with ctrl or alt: rows. */
  wheelRows?(delta: number, y: number): void;
}

export function timePointer(plate: Plate, store: Store, options: PointerOptions = {}): void {
  const { element } = plate;
  const frame = () => frameOf(plate.size, store.state.range);
  let dragging: 'no' | 'scrub' | 'pan' = 'no';
  let lastX = 0;
  const at = (event: PointerEvent | WheelEvent) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    const { x } = at(event);
    dragging = event.shiftKey ? 'pan' : 'scrub';
    lastX = x;
    element.setPointerCapture(event.pointerId);
    if (dragging === 'scrub') store.moveTo(inside(frame().us(x)));
  });
  element.addEventListener('pointermove', (event) => {
    const here = at(event);
    if (dragging === 'scrub') store.moveTo(inside(frame().us(here.x)));
    else if (dragging === 'pan') {
      const moved = frame().us(lastX) - frame().us(here.x);
      const [from, to] = store.state.range;
      store.show(from + moved, to + moved);
      lastX = here.x;
    }
    options.hover?.(here);
  });
  const inside = (us: number) => Math.max(store.state.range[0], Math.min(store.state.range[1], us));
  element.addEventListener('pointerup', (event) => {
    if (dragging === 'scrub') options.click?.(at(event));
    dragging = 'no';
  });
  element.addEventListener('pointercancel', () => {
    dragging = 'no';
  });
  element.addEventListener('pointerleave', () => options.hover?.(null));
  element.addEventListener(
    'wheel',
    (event) => {
      const here = at(event);
      if (event.altKey && options.wheelRows !== undefined) {
        event.preventDefault();
        options.wheelRows(event.deltaY, here.y);
        return;
      }
      const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY);
      // The wheel alone scrolls the page; with ctrl (or a pinch) it zooms, sideways it pans.
      if (!event.ctrlKey && !sideways && !event.shiftKey) return;
      event.preventDefault();
      if (event.ctrlKey) {
        store.zoom(Math.exp(event.deltaY * 0.004), frame().us(here.x));
        return;
      }
      const delta = sideways ? event.deltaX : event.deltaY;
      const [from, to] = store.state.range;
      const by = (delta / Math.max(1, plate.size.width)) * (to - from);
      store.show(from + by, to + by);
    },
    { passive: false },
  );
  element.addEventListener('dblclick', () => store.zoom(0.5));
}
