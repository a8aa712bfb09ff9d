/** Shares of a GPU: which one is taken, what that leaves, and when a share counts as a whole GPU. */
import { describe, expect, it } from 'vitest';
import { GPU, NODE_IDLE } from './columns.ts';
import { DEFAULT_CONFIG, type SchedulerConfig } from './config.ts';
import { runCycle } from './cycle.ts';
import { idleGpus } from './noderesources.ts';
import { openSession } from './session.ts';
import { job, node, pool, queue, task } from './testing.ts';

const shared = (name: string, gpus: number, group: string) =>
  job(name, 'team', { tasks: [task(`${name}-0`, gpus, { status: 'Running', node: 'a', gpuGroups: [group] })] });

function placeOf(config: Partial<SchedulerConfig>, portion: number): string[] {
  const jobs = [shared('x', 0.5, 'gpu-x'), shared('y', 0.25, 'gpu-y'), job('new', 'team', { gpus: portion })];
  const session = openSession(pool([node('a', 4)], [queue('team', 4)], jobs), { ...DEFAULT_CONFIG, ...config });
  return runCycle(session).flatMap(({ gpuGroups }) => gpuGroups);
}

describe('a share of a GPU', () => {
  it('goes to the fullest GPU that still fits it', () => {
    expect(placeOf({}, 0.5)).toEqual(['gpu-x']);
    expect(placeOf({}, 0.75)).toEqual(['gpu-y']);
  });

  it('goes to a GPU of its own when no shared one has room', () => {
    expect(placeOf({}, 0.8)).toEqual(['gpu-0']);
  });

  it('goes to the emptiest with gpuspread', () => {
    const plugins = new Set([...DEFAULT_CONFIG.plugins, 'gpuspread' as const]);
    plugins.delete('gpupack');
    expect(placeOf({ plugins }, 0.5)).toEqual(['gpu-0']);
  });

  it('takes a whole GPU from those that want one whole, and leaves its rest to other shares', () => {
    const session = openSession(pool([node('a', 4)], [queue('team', 4)], [shared('x', 0.5, 'gpu-x')]));
    expect(session.columns[NODE_IDLE][GPU]).toBe(3);
    expect(idleGpus(session, 0)).toBe(3.5);
  });

  it('is counted in hundredths of the GPU it lands on when asked for in MiB', () => {
    const wish = job('m', 'team', { tasks: [task('m-0', 0, { gpuMemoryMiB: 20_001 })] });
    const session = openSession(pool([node('a', 1)], [queue('team', 4)], [wish]));
    runCycle(session);
    expect(idleGpus(session, 0)).toBeCloseTo(0.74, 12);
  });
});
