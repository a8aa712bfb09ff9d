/** Axes of charts over time: what is common to all of them. */
import { ticks } from 'd3';
import type { Theme } from '../palette.ts';
import { type Clock, timeTicks } from '../time.ts';
import type { Pen, TextStyle } from './pen.ts';
import type { Size } from './plate.ts';

/** Left and right of all charts over time, so that moments stand above each other. */
export const LEFT = 64;
export const RIGHT = 12;
export const BOTTOM = 22;

export interface Frame {
  x(us: number): number;
  us(x: number): number;
  from: number;
  to: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export function frameOf({ width, height }: Size, [from, to]: readonly [number, number], top = 8): Frame {
  const left = Math.min(LEFT, width / 4);
  const right = width - RIGHT;
  const perUs = (right - left) / Math.max(1, to - from);
  return {
    x: (us) => left + (us - from) * perUs,
    us: (x) => from + (x - left) / perUs,
    ...{ from, to, left, right, top },
    bottom: height - BOTTOM,
  };
}

export function timeAxis(pen: Pen, frame: Frame, clock: Clock, theme: Theme): void {
  const { from, to, left, right, top, bottom } = frame;
  for (const { us, label } of timeTicks(from, to, right - left, clock)) {
    const x = Math.round(frame.x(us)) + 0.5;
    pen.line([x, top, x, bottom], theme.line, 0.5);
    const style: TextStyle = { fill: theme.muted, size: 11, baseline: 'top' };
    const half = pen.measure(label, 11) / 2;
    pen.text(Math.max(left + half - 8, Math.min(right - half, x)), bottom + 6, label, { ...style, align: 'center' });
  }
}

/** A scale for amounts from 0 on, with its lines and labels. */
export function amountAxis(pen: Pen, frame: Frame, most: number, unit: string, theme: Theme, format = short) {
  const { left, right, top, bottom } = frame;
  const end = most > 0 ? most : 1;
  const scale = (value: number) => bottom - (value / end) * (bottom - top);
  for (const value of ticks(0, end, Math.max(2, Math.floor((bottom - top) / 40)))) {
    const y = Math.round(scale(value)) + 0.5;
    pen.line([left, y, right, y], theme.line, 0.5);
    pen.text(left - 6, y, format(value), { fill: theme.muted, size: 11, align: 'right' });
  }
  if (unit !== '') pen.text(left - 6, Math.max(7, top - 14), unit, { fill: theme.muted, size: 11, align: 'right' });
  return scale;
}

export function cursorLine(pen: Pen, frame: Frame, us: number, theme: Theme): void {
  if (us < frame.from || us > frame.to) return;
  const x = Math.round(frame.x(us)) + 0.5;
  pen.line([x, frame.top, x, frame.bottom], theme.text, 1.5);
  pen.area([x - 5, frame.top - 6, x + 5, frame.top - 6, x, frame.top + 1], theme.text);
}

export function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${trim(value / 1e9)}G`;
  if (size >= 1e6) return `${trim(value / 1e6)}M`;
  if (size >= 1e4) return `${trim(value / 1e3)}k`;
  return trim(value);
}

const trim = (value: number) => String(Number(value.toFixed(Math.abs(value) < 10 ? 2 : 1)));

/** Points of a step function given as means over buckets, between two times; about a step a pixel where buckets are thinner. */
export function steps(
  values: ArrayLike<number>,
  bucketUs: number,
  endUs: number,
  frame: Frame,
  y: (value: number) => number,
): number[] {
  const points: number[] = [];
  const first = Math.max(0, Math.floor(frame.from / bucketUs));
  const last = Math.min(values.length - 1, Math.floor(frame.to / bucketUs));
  const perPixel = (last - first + 1) / Math.max(1, frame.right - frame.left);
  const stride = Math.max(1, Math.round(perPixel));
  for (let i = first; i <= last; i += stride) {
    let sum = 0;
    const until = Math.min(last + 1, i + stride);
    for (let k = i; k < until; k++) sum += values[k];
    const level = y(sum / (until - i));
    const a = Math.max(frame.left, frame.x(i * bucketUs));
    const b = Math.min(frame.right, frame.x(Math.min(endUs, until * bucketUs)));
    points.push(a, level, b, level);
  }
  return points;
}
