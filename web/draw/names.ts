/** Names where there is little room. */
import type { Pen } from './pen.ts';

/** Two letters: the first of two words, else the first two of one. */
export function initialsOf(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
  const letters = words.length > 1 ? words.map((word) => [...word][0]) : [...(words[0] ?? '?')];
  return letters.slice(0, 2).join('').toUpperCase();
}

/** As many characters of a name's last parts tell it from others. */
const TELLING = 4;

/** A name in little room: its last parts, as what nodes of a pool share stands in front; else its end. */
export function shortName(pen: Pick<Pen, 'measure'>, name: string, width: number, size: number): string {
  if (pen.measure(name, size) <= width) return name;
  const parts = name.split(/(?<=[-._/])/);
  for (let from = 1; from < parts.length; from++) {
    const rest = parts.slice(from).join('');
    if (rest.length >= TELLING && pen.measure(rest, size) <= width) return rest;
  }
  const kept = [...name].slice(1);
  while (kept.length > 1 && pen.measure(`…${kept.join('')}`, size) > width) kept.shift();
  return `…${kept.join('')}`;
}

/** A text in little room: its beginning. */
export function cutText(pen: Pick<Pen, 'measure'>, text: string, width: number, size: number): string {
  if (pen.measure(text, size) <= width) return text;
  const kept = [...text];
  while (kept.length > 1 && pen.measure(`${kept.join('')}…`, size) > width) kept.pop();
  return `${kept.join('')}…`;
}
