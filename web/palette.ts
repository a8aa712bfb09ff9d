/**
 * Colours that people with any kind of colour vision can tell apart (Okabe and Ito 2008 for projects, and a brown), in light and dark. Where more are
 * needed than there are, patterns make the difference; areas and bars are labelled besides.
 */
import type { Category } from '../sim/record/ledger.ts';

export type Hatch = '' | 'rise' | 'fall' | 'dots' | 'lines' | 'grid';

export interface Paint {
  fill: string;
  hatch: Hatch;
}

export interface Theme {
  dark: boolean;
  page: string;
  text: string;
  muted: string;
  line: string;
  accent: string;
  empty: string;
  bad: string;
}

const LIGHT: Theme = {
  dark: false,
  ...{
    page: '#ffffff',
    text: '#1b1f24',
    muted: '#57606a',
    line: '#d0d7de',
    accent: '#0550ae',
    empty: '#e7eaee',
    bad: '#b3261e',
  },
};
const DARK: Theme = {
  dark: true,
  ...{
    page: '#14171a',
    text: '#e6e8eb',
    muted: '#9aa4af',
    line: '#373e47',
    accent: '#79b8ff',
    empty: '#2a3037',
    bad: '#ff8a80',
  },
};

export function themeNow(): Theme {
  const { theme } = document.documentElement.dataset;
  const dark = theme === 'dark' || (theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  return dark ? DARK : LIGHT;
}

const PROJECTS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442', '#7f3b08'];
const HATCHES: Hatch[] = ['', 'rise', 'dots', 'fall', 'lines', 'grid'];

export function projectPaint(project: number): Paint {
  if (project < 0) return { fill: '#9aa4af', hatch: '' };
  return {
    fill: PROJECTS[project % PROJECTS.length],
    hatch: HATCHES[Math.floor(project / PROJECTS.length) % HATCHES.length],
  };
}

/** Useful work in blue-greens, overheads in yellows, loss in reds, out of service in purples, nothing in greys. */
export const CATEGORY_PAINT: Record<Category, Paint> = {
  productive: { fill: '#0a7f5a', hatch: '' },
  serving: { fill: '#2b8cbe', hatch: '' },
  'serving-idle': { fill: '#8cc5e3', hatch: 'dots' },
  'idle-allocated': { fill: '#a7c7a2', hatch: 'rise' },
  checkpoint: { fill: '#f0c419', hatch: '' },
  restart: { fill: '#e69f00', hatch: 'lines' },
  reserved: { fill: '#c9b27c', hatch: 'fall' },
  terminating: { fill: '#b79268', hatch: 'dots' },
  detecting: { fill: '#d55e00', hatch: '' },
  degraded: { fill: '#e88a5a', hatch: 'rise' },
  lost: { fill: '#b3261e', hatch: 'grid' },
  unhealthy: { fill: '#7b4ea3', hatch: 'fall' },
  provisioning: { fill: '#b497d6', hatch: 'lines' },
  reclaimed: { fill: '#5b6270', hatch: 'rise' },
  draining: { fill: '#8d99a6', hatch: 'dots' },
  free: { fill: '#d5dbe1', hatch: '' },
};

export function categoryPaint(category: Category, theme: Theme): Paint {
  return category === 'free' ? { fill: theme.dark ? '#3a424b' : '#d5dbe1', hatch: '' } : CATEGORY_PAINT[category];
}

/** By index into NODE_STATES. */
export const STATE_PAINT: Paint[] = [
  { fill: '#6fb08f', hatch: '' },
  { fill: '#8d99a6', hatch: 'dots' },
  { fill: '#7b4ea3', hatch: 'fall' },
  { fill: '#b497d6', hatch: 'lines' },
  { fill: '#5b6270', hatch: 'rise' },
  { fill: 'transparent', hatch: '' },
];

/** By index into ACTIVITIES. */
export const ACTIVITY_CATEGORY: Category[] = [
  'reserved',
  'restart',
  'productive',
  'checkpoint',
  'terminating',
  'detecting',
];

/** From none to all of the time, light to dark, in one hue (after ColorBrewer's YlGnBu). */
const RAMP = ['#f2e9b8', '#c3dfae', '#7fc8b4', '#3fa7bd', '#2277ad', '#234a98', '#1b2a6b'];
export function rampColour(share: number): string {
  return RAMP[Math.max(0, Math.min(RAMP.length - 1, Math.floor(share * RAMP.length)))];
}

/** #rrggbb as a pixel of a little-endian RGBA buffer. */
export function pixel(colour: string, alpha = 255): number {
  if (!colour.startsWith('#')) return 0;
  const rgb = Number.parseInt(colour.slice(1), 16);
  return ((alpha << 24) | ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
}

/** Black or white, whichever reads better on it. */
export function inkOn(colour: string): string {
  if (!colour.startsWith('#')) return '#1b1f24';
  // Relative luminance and contrast as in WCAG 2; both inks are equally far from a luminance of 0.183.
  const part = (at: number) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
  return luminance > 0.183 ? '#0b0d0f' : '#ffffff';
}
