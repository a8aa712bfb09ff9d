/**
 * Pictures take turns: as many are drawn in a frame as there is time for, the others in the next ones, so that many of them together
 * do not hold up the page.
 */

/** Time for pictures in one frame, ms. */
const BUDGET_MS = 8;

const waiting = new Map<object, () => void>();
let frame: unknown = null;
let began = 0;
let request = 0;

/** Draws now or soon. `owner` has one place in the line: what it asked for last is drawn. */
export function inTurn(owner: object, draw: () => void): void {
  if (waiting.size === 0 && hasTime()) {
    draw();
    return;
  }
  waiting.set(owner, draw);
  if (request === 0) request = requestAnimationFrame(goOn);
}

export function leaveLine(owner: object): void {
  waiting.delete(owner);
}

function hasTime(): boolean {
  const now = performance.now();
  // The time of the timeline stands still within a frame.
  const { currentTime } = document.timeline;
  if (currentTime !== frame) {
    frame = currentTime;
    began = now;
  }
  return now - began < BUDGET_MS;
}

function goOn(): void {
  request = 0;
  for (const [owner, draw] of waiting) {
    if (!hasTime()) break;
    waiting.delete(owner);
    draw();
  }
  if (waiting.size > 0) request = requestAnimationFrame(goOn);
}
