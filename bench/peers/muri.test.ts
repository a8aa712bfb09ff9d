import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { muriRows } from './muri.ts';

const DATA = fileURLToPath(new URL('data/muri', import.meta.url));

describe('the published runs of trace 3', () => {
  const rows = muriRows(DATA);

  it.each(rows)('$policy, every time to a microsecond and every preemption', (row) => {
    expect(row).toMatchObject({ jobs: 992, equal: 992, pass: true });
    expect(row.maxDifference).toBeLessThan(1e-6);
    expect(row.modules).toContain('sim/policy/replay/preemptive');
  });

  it('are three schedules', () => {
    expect(rows.map(({ policy }) => policy)).toEqual(['shortest', 'shortest-gpu', 'dlas-gpu']);
  });
});
