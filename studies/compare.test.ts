import { describe, expect, it } from 'vitest';
import { compareRuns, type VariantRuns } from './compare.ts';
import type { FigureSpec } from './figures.ts';

const wait: FigureSpec = { id: 'wait', label: 'p95 queueing delay', unit: 's', better: 'lower', of: () => null };
const variant = (name: string, waits: (number | null)[]): VariantRuns => ({
  name,
  runs: waits.map((w) => ({ wait: w })),
});

function only(before: (number | null)[], after: (number | null)[]) {
  const seeds = before.map((_, i) => String(i + 1));
  const comparison = compareRuns([wait], seeds, variant('fifo', before), [variant('runai', after)]);
  return { ...comparison.variants[0].differences[0], notes: comparison.notes };
}

describe('comparing two policies seed by seed', () => {
  it('finds a difference that unpaired runs would hide', () => {
    // Seeds differ by hours, the policies by a steady quarter.
    const row = only([4000, 8000, 12000, 16000], [3000, 6000, 9000, 12000]);
    expect(row.verdict).toBe('better');
    expect(row.relative?.mean).toBeCloseTo(-0.25);
    expect(row.sentence).toMatch(
      /^p95 queueing delay: 25\.0 % lower, 95 % CI [\d.]+ to [\d.]+ % \(2\.8 h → 2\.1 h; better\)$/,
    );
  });

  it('says when the seeds are too few, and how many would do', () => {
    const row = only([100, 100, 100, 100], [90, 115, 80, 105]);
    expect(row.verdict).toBe('too few seeds');
    expect(row.seedsNeeded).toBeGreaterThan(50);
    expect(row.sentence).toContain(`about ${row.seedsNeeded} seeds would tell`);
  });

  it('takes equal figures for a finding', () => {
    const row = only([60, 60, 60], [60, 60, 60]);
    expect(row.verdict).toBe('no difference');
    expect(row.sentence).toBe('p95 queueing delay: the same in every run (60 s)');
    expect(row.notes[0]).toContain('leaves nothing to chance');
  });

  it('claims nothing from one seed, and nothing where a run has no such figure', () => {
    expect(only([60], [30]).verdict).toBe('too few seeds');
    expect(only([60], [30]).notes[0]).toContain('--seeds 5');
    expect(only([60, null], [30, 40]).verdict).toBe('not measured');
  });

  it('gives no percentage of nothing', () => {
    const row = only([0, 0, 0], [10, 11, 12]);
    expect(row.relative).toBeNull();
    expect(row.sentence).toMatch(/^p95 queueing delay: 11 s higher, 95 % CI 8\.52 s to 13 s \(0 s → 11 s; worse\)$/);
  });
});
