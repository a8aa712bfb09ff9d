import { expect, test } from 'vitest';
import { CATEGORIES } from '../sim/record/ledger.ts';
import { CATEGORY_PAINT, inkOn, type Paint, pixel, projectPaint, rampColour, STATE_PAINT } from './palette.ts';

type Rgb = [number, number, number];
const linear = (colour: string): Rgb =>
  [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
const luminance = (colour: string) => {
  const [r, g, b] = linear(colour);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a: string, b: string) => {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
};
/** As people without red, green or blue cones see it: Machado, Oliveira and Fernandes 2009, severity 1, linear RGB. */
const EYES: Record<string, number[][]> = {
  'all cones': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};
/** CIE L*a*b*, D65. */
function lab([r, g, b]: Rgb): Rgb {
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 / 116) * t + 16 / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
/** How far apart two colours are for some eyes: CIE 1976; about 2 can just be told apart side by side. */
function apart(a: string, b: string, eyes: string): number {
  const seen = (colour: string) =>
    lab(EYES[eyes].map((row) => row.reduce((sum, weight, i) => sum + weight * linear(colour)[i], 0)) as Rgb);
  const [p, q] = [seen(a), seen(b)];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

/** Pairs of paints that some eyes would take for one another: alike in colour and without different patterns. */
function confused(paints: Record<string, Paint>, least: number): string[] {
  const names = Object.keys(paints);
  return names.flatMap((a, i) =>
    names.slice(i + 1).flatMap((b) => {
      if (paints[a].hatch !== paints[b].hatch) return [];
      return Object.keys(EYES)
        .filter((eyes) => apart(paints[a].fill, paints[b].fill, eyes) < least)
        .map((eyes) => `${a} and ${b}: ${apart(paints[a].fill, paints[b].fill, eyes).toFixed(1)} (${eyes})`);
    }),
  );
}

test('projects, categories and states of nodes can be told apart with any kind of colour vision', () => {
  const projects = Object.fromEntries(Array.from({ length: 48 }, (_, p) => [`project ${p}`, projectPaint(p)]));
  expect(confused(projects, 8)).toEqual([]);
  expect(confused(CATEGORY_PAINT, 8)).toEqual([]);
  expect(confused(Object.fromEntries(STATE_PAINT.slice(0, 5).map((paint, i) => [`state ${i}`, paint])), 8)).toEqual([]);
});

test('48 projects have paints of their own, and the next ones begin again', () => {
  const paints = Array.from({ length: 48 }, (_, p) => JSON.stringify(projectPaint(p)));
  expect(new Set(paints).size).toBe(48);
  expect(projectPaint(48)).toEqual(projectPaint(0));
  expect(projectPaint(-1).fill).toMatch(/^#[0-9a-f]{6}$/);
});

test('names on coloured areas can be read', () => {
  const fills = [
    ...CATEGORIES.map((name) => CATEGORY_PAINT[name].fill),
    ...Array.from({ length: 8 }, (_, p) => projectPaint(p).fill),
  ];
  for (const fill of fills) expect(contrast(fill, inkOn(fill)), fill).toBeGreaterThan(4.5);
});

test('utilisation gets darker from step to step', () => {
  const steps = Array.from({ length: 7 }, (_, i) => luminance(rampColour((i + 0.5) / 7)));
  expect(steps).toEqual([...steps].sort((a, b) => b - a));
  expect([rampColour(-1), rampColour(2)]).toEqual([rampColour(0), rampColour(1)]);
});

test('a colour is a pixel of a little-endian buffer of red, green, blue and opacity', () => {
  expect([...new Uint8Array(Uint32Array.of(pixel('#0072b2', 128)).buffer)]).toEqual([0x00, 0x72, 0xb2, 128]);
  expect(pixel('transparent')).toBe(0);
});
