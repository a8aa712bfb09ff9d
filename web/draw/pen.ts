/** What views draw with: a canvas on the screen, an SVG on export. Coordinates in CSS pixels. */
import type { Hatch, Paint } from '../palette.ts';
import { hatchMarks, hatchTile, TILE } from './hatch.ts';

export interface TextStyle {
  fill: string;
  size?: number;
  align?: 'left' | 'center' | 'right';
  baseline?: 'top' | 'middle' | 'alphabetic';
  bold?: boolean;
}

export interface Pen {
  rect(x: number, y: number, width: number, height: number, paint: Paint | string): void;
  /** A closed outline; points as x, y, x, y … */
  area(points: ArrayLike<number>, paint: Paint | string): void;
  line(points: ArrayLike<number>, stroke: string, width?: number, dash?: number[]): void;
  text(x: number, y: number, text: string, style: TextStyle): void;
  /** Width of a text at a size. */
  measure(text: string, size?: number): number;
  image(canvas: HTMLCanvasElement, x: number, y: number, width: number, height: number): void;
  clip(x: number, y: number, width: number, height: number, draw: () => void): void;
}

const FONT = 'system-ui, sans-serif';

const plain = (paint: Paint | string): Paint => (typeof paint === 'string' ? { fill: paint, hatch: '' } : paint);

export class CanvasPen implements Pen {
  private readonly context: CanvasRenderingContext2D;
  private static tiles = new Map<string, CanvasPattern | null>();

  constructor(context: CanvasRenderingContext2D) {
    this.context = context;
  }

  rect(x: number, y: number, width: number, height: number, paint: Paint | string): void {
    const { fill, hatch } = plain(paint);
    const { context } = this;
    context.fillStyle = fill;
    context.fillRect(x, y, width, height);
    if (hatch === '' || width < 3 || height < 3) return;
    context.fillStyle = this.hatch(hatch) ?? fill;
    context.fillRect(x, y, width, height);
  }

  area(points: ArrayLike<number>, paint: Paint | string): void {
    const { fill, hatch } = plain(paint);
    const { context } = this;
    context.beginPath();
    for (let i = 0; i < points.length; i += 2) context.lineTo(points[i], points[i + 1]);
    context.closePath();
    context.fillStyle = fill;
    context.fill();
    if (hatch === '') return;
    context.fillStyle = this.hatch(hatch) ?? fill;
    context.fill();
  }

  line(points: ArrayLike<number>, stroke: string, width = 1, dash: number[] = []): void {
    const { context } = this;
    context.beginPath();
    for (let i = 0; i < points.length; i += 2) context.lineTo(points[i], points[i + 1]);
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.setLineDash(dash);
    context.stroke();
    context.setLineDash([]);
  }

  text(x: number, y: number, text: string, style: TextStyle): void {
    const { context } = this;
    context.font = `${style.bold ? '600 ' : ''}${style.size ?? 12}px ${FONT}`;
    context.textAlign = style.align ?? 'left';
    context.textBaseline = style.baseline ?? 'middle';
    context.fillStyle = style.fill;
    context.fillText(text, x, y);
  }

  measure(text: string, size = 12): number {
    this.context.font = `${size}px ${FONT}`;
    return this.context.measureText(text).width;
  }

  image(canvas: HTMLCanvasElement, x: number, y: number, width: number, height: number): void {
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(canvas, x, y, width, height);
  }

  clip(x: number, y: number, width: number, height: number, draw: () => void): void {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    draw();
    context.restore();
  }

  private hatch(hatch: Hatch): CanvasPattern | null {
    const known = CanvasPen.tiles.get(hatch);
    if (known !== undefined) return known;
    const pattern = this.context.createPattern(hatchTile(hatch), 'repeat');
    CanvasPen.tiles.set(hatch, pattern);
    return pattern;
  }
}

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
const n = (x: number) => String(Math.round(x * 100) / 100);

export class SvgPen implements Pen {
  private readonly parts: string[] = [];
  private readonly hatches = new Set<Hatch>();
  private readonly measuring = document.createElement('canvas').getContext('2d') as CanvasRenderingContext2D;
  private clips = 0;

  rect(x: number, y: number, width: number, height: number, paint: Paint | string): void {
    const { fill, hatch } = plain(paint);
    const box = `x="${n(x)}" y="${n(y)}" width="${n(Math.max(0, width))}" height="${n(Math.max(0, height))}"`;
    this.parts.push(`<rect ${box} fill="${escaped(fill)}"/>`);
    if (hatch !== '' && width >= 3 && height >= 3) this.parts.push(`<rect ${box} fill="url(#${this.hatch(hatch)})"/>`);
  }

  area(points: ArrayLike<number>, paint: Paint | string): void {
    const { fill, hatch } = plain(paint);
    const list = pointList(points);
    this.parts.push(`<polygon points="${list}" fill="${escaped(fill)}"/>`);
    if (hatch !== '') this.parts.push(`<polygon points="${list}" fill="url(#${this.hatch(hatch)})"/>`);
  }

  line(points: ArrayLike<number>, stroke: string, width = 1, dash: number[] = []): void {
    const dashed = dash.length > 0 ? ` stroke-dasharray="${dash.join(' ')}"` : '';
    this.parts.push(
      `<polyline points="${pointList(points)}" fill="none" stroke="${escaped(stroke)}" stroke-width="${width}"${dashed}/>`,
    );
  }

  text(x: number, y: number, text: string, style: TextStyle): void {
    const anchor = { left: 'start', center: 'middle', right: 'end' }[style.align ?? 'left'];
    const size = style.size ?? 12;
    const shift = { top: 0.8, middle: 0.35, alphabetic: 0 }[style.baseline ?? 'middle'] * size;
    this.parts.push(
      `<text x="${n(x)}" y="${n(y + shift)}" font-size="${size}"${style.bold ? ' font-weight="600"' : ''} text-anchor="${anchor}" fill="${escaped(style.fill)}">${escaped(text)}</text>`,
    );
  }

  measure(text: string, size = 12): number {
    this.measuring.font = `${size}px ${FONT}`;
    return this.measuring.measureText(text).width;
  }

  image(canvas: HTMLCanvasElement, x: number, y: number, width: number, height: number): void {
    this.parts.push(
      `<image x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" preserveAspectRatio="none" style="image-rendering:pixelated" href="${canvas.toDataURL()}"/>`,
    );
  }

  clip(x: number, y: number, width: number, height: number, draw: () => void): void {
    const id = `clip${this.clips++}`;
    this.parts.push(
      `<clipPath id="${id}"><rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}"/></clipPath><g clip-path="url(#${id})">`,
    );
    draw();
    this.parts.push('</g>');
  }

  /** The whole picture. */
  finish(width: number, height: number, background: string): string {
    const patterns = [...this.hatches].map(
      (hatch) =>
        `<pattern id="hatch-${hatch}" width="${TILE}" height="${TILE}" patternUnits="userSpaceOnUse">${hatchMarks(hatch)}</pattern>`,
    );
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${n(width)}" height="${n(height)}" viewBox="0 0 ${n(width)} ${n(height)}" font-family="${FONT}"><defs>${patterns.join('')}</defs><rect width="100%" height="100%" fill="${background}"/>${this.parts.join('')}</svg>`;
  }

  private hatch(hatch: Hatch): string {
    this.hatches.add(hatch);
    return `hatch-${hatch}`;
  }
}

function pointList(points: ArrayLike<number>): string {
  let list = '';
  for (let i = 0; i < points.length; i += 2) list += `${n(points[i])},${n(points[i + 1])} `;
  return list.trimEnd();
}
