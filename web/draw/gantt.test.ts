import fc from 'fast-check';
import { expect, test } from 'vitest';
import { indexBy } from '../../reports/columns.ts';
import { drawGroup, drawNode, type GanttSource, GroupScratch, reachOf } from './gantt.ts';

interface Hold {
  start: number;
  length: number;
  node: number;
  gpu: number;
  gpus: number;
}

const NODES = 3;
const GPUS = 4;
const END = 10_000;

const hold = fc.record({
  start: fc.integer({ min: 0, max: END }),
  // Long ones, and so many short ones that several share a pixel.
  length: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: END })),
  node: fc.integer({ min: 0, max: NODES - 1 }),
  gpu: fc.integer({ min: 0, max: GPUS - 1 }),
  gpus: fc.integer({ min: 1, max: GPUS }),
});
const holds = fc.array(hold, { maxLength: 150 }).map((list) => list.sort((a, b) => a.start - b.start));
const range = fc
  .tuple(fc.integer({ min: 0, max: END - 1 }), fc.integer({ min: 1, max: END }))
  .map(([from, width]): [number, number] => [from, from + width]);

function sourceOf(list: Hold[]): GanttSource {
  const masks = list.map(({ gpu, gpus }) => ((1 << Math.min(gpus, GPUS - gpu)) - 1) << gpu);
  const column = (of: (hold: Hold, i: number) => number) => Int32Array.from(list, of);
  return {
    holds: {
      ...{ count: list.length, dropped: 0, shortestUs: 0 },
      start: Float64Array.from(list, ({ start }) => start),
      end: Float64Array.from(list, ({ start, length }) => start + length),
      values: [column((_, i) => i), column(({ node }) => node), Int32Array.from(masks), column(() => 7000)],
    },
    holdsOfNode: indexBy(
      column(({ node }) => node),
      list.length,
      NODES,
    ),
    gpuStart: Int32Array.from({ length: NODES + 1 }, (_, n) => n * GPUS),
    nodeCount: NODES,
    // Its number, opaque.
    colour: (i) => (0xff000000 | (i + 1)) >>> 0,
    hatch: () => '',
  };
}

const pictureOf = (width: number, height: number) => ({ width, height, pixels: new Uint32Array(width * height) });

test('a row shows what drawing every interval would: nothing that is not there, and nothing left out', () => {
  fc.assert(
    fc.property(holds, range, fc.integer({ min: 5, max: 200 }), (list, [from, to], width) => {
      const source = sourceOf(list);
      const reach = reachOf(source);
      for (let node = 0; node < NODES; node++) {
        const picture = pictureOf(width, GPUS);
        drawNode(source, reach, node, [from, to], picture, 0, 1, 0);
        const perUs = width / (to - from);
        // By GPU and pixel, the intervals that lie in it.
        const naive = Array.from({ length: GPUS * width }, () => new Set<number>());
        list.forEach(({ start, length }, i) => {
          if (source.holds.values[1][i] !== node || start >= to || start + length <= from) return;
          const x0 = Math.max(0, Math.floor((start - from) * perUs));
          const x1 = Math.min(width, Math.max(x0 + 1, Math.ceil((start + length - from) * perUs)));
          for (let g = 0; g < GPUS; g++)
            if ((source.holds.values[2][i] >>> g) & 1) for (let x = x0; x < x1; x++) naive[g * width + x].add(i);
        });
        const wrong = [...picture.pixels.keys()].filter((at) => {
          const paint = picture.pixels[at];
          return naive[at].size === 0 ? paint !== 0 : !naive[at].has((paint & 0xffffff) - 1);
        });
        expect(wrong).toEqual([]);
      }
    }),
    { numRuns: 100 },
  );
});

test('several nodes in a row: as opaque as they are held, to the part of a pixel', () => {
  fc.assert(
    fc.property(holds, range, fc.integer({ min: 5, max: 60 }), (list, [from, to], width) => {
      const source = { ...sourceOf(list), colour: () => 0xff0000ff };
      const picture = pictureOf(width, 2);
      drawGroup(source, reachOf(source), [0, NODES], [from, to], new GroupScratch(), picture, 1, 1);
      const perPixel = (to - from) / width;
      for (let x = 0; x < width; x++) {
        const [a, b] = [from + x * perPixel, from + (x + 1) * perPixel];
        const held = list.reduce((sum, { start, length, gpu, gpus }) => {
          const shared = Math.max(0, Math.min(b, start + length) - Math.max(a, start)) / perPixel;
          return sum + shared * Math.min(gpus, GPUS - gpu);
        }, 0);
        const share = held / (NODES * GPUS);
        const alpha = picture.pixels[width + x] >>> 24;
        expect(picture.pixels[x]).toBe(0);
        if (share < 0.003) expect(alpha).toBe(0);
        // Never fainter than can be seen, and never more than all of it where GPUs are shared.
        if (share > 0.005) expect(Math.abs(alpha - 255 * Math.max(0.18, Math.min(1, share)))).toBeLessThan(2);
      }
    }),
    { numRuns: 100 },
  );
});

test('a million intervals cost a row no more than its width', () => {
  const count = 1_000_000;
  const list = Array.from({ length: count }, (_, i): Hold => ({ start: i * 10, length: 9, node: 0, gpu: 0, gpus: 1 }));
  const source = sourceOf(list);
  let asked = 0;
  const counted = { ...source, hatch: () => '' as const, colour: (i: number) => source.colour(i + 0 * asked++) };
  const picture = pictureOf(800, GPUS);
  drawNode(counted, reachOf(source), 0, [0, count * 10], picture, 0, 1, 0);
  expect(asked).toBeLessThanOrEqual(801);
  expect(picture.pixels.slice(0, 800)).not.toContain(0);
});

test('patterns are on thick rows alone', () => {
  const source: GanttSource = {
    ...sourceOf([{ start: 0, length: END, node: 0, gpu: 0, gpus: 1 }]),
    hatch: () => 'rise',
  };
  const colours = (thick: number) => {
    const picture = pictureOf(40, thick);
    drawNode(source, reachOf(source), 0, [0, END], picture, 0, thick, 0);
    return new Set(picture.pixels).size;
  };
  expect([colours(2), colours(3), colours(12)]).toEqual([1, 2, 2]);
});
