/** Names where there is little room. */
import type { Pen } from './pen.ts';

export function initialsOf(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
  const letters = words.length > 1 ? words.map((word) => [...word][0]).join('') : (words[0] ?? '?').slice(0, 2);
  return letters.slice(0, 2).toUpperCase();
}

/** A name in little room: its last parts, as what nodes of a pool share stands in front; else its end. */
export function shortName(pen: Pen, name: string, width: number, size: number): string {
  if (pen.measure(name, size) <= width) return name;
  const parts = name.split(/(?<=[-._/])/);
  for (let from = 1; from < parts.length; from++) {
    const rest = parts.slice(from).join('');
    if (pen.measure(rest, size) <= width) return rest;
  }
  let kept = name.slice(1);
  while (kept.length > 1 && pen.measure(`…${kept}`, size) > width) kept = kept.slice(1);
  return `…${kept}`;
}
