/** The patterns of `Hatch`: as tiles for canvases, for SVG, and for the page's own elements. */
import { h } from '../dom.ts';
import type { Hatch, Paint } from '../palette.ts';

/** Side of a tile, px. */
export const TILE = 8;
const THICK = 1.2;
const OPACITY = 0.45;

/** In a tile; a line to its own start is a dot. */
const LINES: Record<Hatch, [number, number, number, number][]> = {
  '': [],
  rise: [
    [-2, 2, 2, -2],
    [0, 8, 8, 0],
    [6, 10, 10, 6],
  ],
  fall: [
    [-2, 6, 2, 10],
    [0, 0, 8, 8],
    [6, -2, 10, 2],
  ],
  dots: [
    [2, 2, 2, 2],
    [6, 6, 6, 6],
  ],
  lines: [
    [0, 2, 8, 2],
    [0, 6, 8, 6],
  ],
  grid: [
    [0, 4, 8, 4],
    [4, 0, 4, 8],
  ],
};

/** What is in a tile, as SVG. */
export function hatchMarks(hatch: Hatch): string {
  const marks = LINES[hatch].map(([x, y, toX, toY]) =>
    x === toX && y === toY
      ? `<circle cx="${x}" cy="${y}" r="${THICK}" fill="#fff" fill-opacity="${OPACITY}"/>`
      : `<line x1="${x}" y1="${y}" x2="${toX}" y2="${toY}" stroke="#fff" stroke-opacity="${OPACITY}" stroke-width="${THICK}"/>`,
  );
  return marks.join('');
}

export function hatchTile(hatch: Hatch): HTMLCanvasElement {
  const tile = document.createElement('canvas');
  tile.width = TILE;
  tile.height = TILE;
  const on = tile.getContext('2d') as CanvasRenderingContext2D;
  on.strokeStyle = `rgb(255 255 255 / ${OPACITY})`;
  on.fillStyle = on.strokeStyle;
  on.lineWidth = THICK;
  for (const [x, y, toX, toY] of LINES[hatch]) {
    on.beginPath();
    if (x === toX && y === toY) {
      on.arc(x, y, THICK, 0, 7);
      on.fill();
    } else {
      on.moveTo(x, y);
      on.lineTo(toX, toY);
      on.stroke();
    }
  }
  return tile;
}

/** A colour with its pattern, as it is drawn, for a legend. */
export function swatch(paint: Paint | string): HTMLElement {
  const mark = h('span', { class: 'swatch', 'aria-hidden': 'true' });
  const { fill, hatch } = typeof paint === 'string' ? { fill: paint, hatch: '' as const } : paint;
  mark.style.backgroundColor = fill;
  if (hatch !== '') {
    const tile = `<svg xmlns="http://www.w3.org/2000/svg" width="${TILE}" height="${TILE}">${hatchMarks(hatch)}</svg>`;
    mark.style.backgroundImage = `url("data:image/svg+xml,${encodeURIComponent(tile)}")`;
  }
  return mark;
}
