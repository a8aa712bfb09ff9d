/** A picture on the page: a canvas with a second one above it for what moves, sized to its place and to the screen's pixels. */
import { h } from '../dom.ts';
import { themeNow } from '../palette.ts';
import { CanvasPen, type Pen, SvgPen } from './pen.ts';
import { inTurn, leaveLine } from './turns.ts';

export interface Size {
  width: number;
  height: number;
}

export interface PlateOptions {
  /** CSS pixels; a picture that follows its place has `fill` in its class. */
  height: number;
  className?: string;
  /** What it shows, for those who do not see it. */
  label: string;
  paint(pen: Pen, size: Size): void;
  /** Drawn above, again for every movement of cursor and pointer. */
  overlay?(pen: Pen, size: Size): void;
}

export class Plate {
  readonly element: HTMLElement;
  private readonly base = h('canvas', { 'aria-hidden': 'true' });
  private readonly above = h('canvas', { class: 'above', 'aria-hidden': 'true' });
  private readonly options: PlateOptions;
  private readonly resize: ResizeObserver;
  /** Whether more than what moves is to be drawn. */
  private stale = false;
  size: Size = { width: 0, height: 0 };

  constructor(options: PlateOptions) {
    this.options = options;
    this.element = h(
      'div',
      { class: `plate ${options.className ?? ''}`, role: 'img', 'aria-label': options.label },
      this.base,
      this.above,
    );
    if (!options.className?.includes('fill')) this.element.style.height = `${options.height}px`;
    this.resize = new ResizeObserver(() => this.fit());
    this.resize.observe(this.element);
  }

  set label(text: string) {
    if (this.element.getAttribute('aria-label') !== text) this.element.setAttribute('aria-label', text);
  }

  setHeight(height: number): void {
    this.element.style.height = `${height}px`;
  }

  /** Everything anew, now or in one of the next frames. */
  draw(): void {
    this.stale = true;
    inTurn(this, () => this.drawNow());
  }

  drawAbove(): void {
    inTurn(this, () => this.drawNow());
  }

  destroy(): void {
    leaveLine(this);
    this.resize.disconnect();
    this.element.remove();
  }

  /** As it is now, cursor included. */
  png(): HTMLCanvasElement {
    const both = document.createElement('canvas');
    both.width = this.base.width;
    both.height = this.base.height;
    const context = both.getContext('2d') as CanvasRenderingContext2D;
    context.fillStyle = themeNow().page;
    context.fillRect(0, 0, both.width, both.height);
    context.drawImage(this.base, 0, 0);
    context.drawImage(this.above, 0, 0);
    return both;
  }

  svg(): string {
    const pen = new SvgPen();
    this.options.paint(pen, this.size);
    this.options.overlay?.(pen, this.size);
    return pen.finish(this.size.width, this.size.height, themeNow().page);
  }

  private fit(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === this.size.width && height === this.size.height) return;
    this.size = { width, height };
    this.draw();
  }

  private drawNow(): void {
    const { paint, overlay } = this.options;
    if (this.stale) {
      this.stale = false;
      this.on(this.base, (pen) => paint(pen, this.size));
    }
    if (overlay !== undefined) this.on(this.above, (pen) => overlay(pen, this.size));
  }

  private on(canvas: HTMLCanvasElement, draw: (pen: Pen) => void): void {
    const { width, height } = this.size;
    if (width === 0 || height === 0) return;
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    const [w, t] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== t) {
      canvas.width = w;
      canvas.height = t;
    }
    const context = canvas.getContext('2d') as CanvasRenderingContext2D;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, w, t);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw(new CanvasPen(context));
  }
}
