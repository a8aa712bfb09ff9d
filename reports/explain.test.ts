import { describe, expect, it } from 'vitest';
import { clock, explainJob, explanationText, type JobFacts, type LifeEntry } from './explain.ts';

const facts: JobFacts = {
  id: 'train-7',
  project: 'research',
  gpus: 8,
  workers: 2,
  policy: 'runai',
  status: 'completed',
  submitSeconds: 60,
  endSeconds: 200_000,
  preemptions: 1,
  restarts: 0,
  queueSeconds: 7200,
};
const entry = (seconds: number, event: LifeEntry['event'], more: Partial<LifeEntry> = {}): LifeEntry => ({
  seconds,
  event,
  count: 1,
  nodes: [],
  reason: '',
  ...more,
});

describe('a life', () => {
  it('is told in sentences with times', () => {
    const told = explainJob(facts, [
      entry(60, 'submit'),
      entry(60, 'wait', { reason: 'project research is at its limit' }),
      entry(61, 'wait', { reason: 'project research is at its limit' }),
      entry(3660, 'place', { count: 2, nodes: ['n1', 'n2'], reason: 'there is room' }),
      entry(3660, 'start'),
      entry(9000, 'saved', { count: 3 }),
      entry(90_000, 'preempt', { reason: 'for urgent-1, which has priority 125' }),
      entry(90_010, 'place', { nodes: ['n3'] }),
      entry(90_020, 'place', { nodes: ['n4'], reason: 'room' }),
      entry(90_020, 'start'),
      entry(180_000, 'complete'),
    ]);
    expect(
      explanationText(told),
    ).toBe(`train-7: 8 GPUs for research, under runai: completed; waited 2 h in all, was preempted once.

     00:01:00  submitted to project research: 8 GPUs.
     00:01:00  waits: project research is at its limit.
     01:01:00  starts on n1, n2, after waiting 60 min: there is room.
     02:30:00  wrote 3 checkpoints, the last one now.
  1d 01:00:00  preempted after running 24 h: for urgent-1, which has priority 125.
  1d 01:00:10  holds GPUs on n3 for 1 of its 2 workers, and waits for the rest.
  1d 01:00:20  resumes on n3, n4, after waiting 20 s: room.
  2d 02:00:00  completes, 2.1 d after it was submitted.
`);
  });

  it('that has not ended says what it is at, and why', () => {
    const waiting = explainJob({ ...facts, status: 'pending' }, [
      entry(0, 'submit'),
      entry(1, 'wait', { reason: 'No node fits.' }),
    ]);
    expect(waiting.life.at(-1)?.text).toMatch(/^still waits when the simulation ends, for .*: no node fits\.$/);
    const silent = explainJob({ ...facts, status: 'pending', policy: 'fifo' }, [entry(0, 'submit')]);
    expect(silent.life.at(-1)?.text).toContain('the policy fifo gave no reason');
    const running = explainJob({ ...facts, status: 'running' }, [
      entry(0, 'submit'),
      entry(0, 'place'),
      entry(0, 'start'),
    ]);
    expect(running.life.at(-1)?.text).toMatch(/^still runs/);
    const future = explainJob({ ...facts, status: 'pending' }, []);
    expect(future.life[0].text).toContain('is submitted only at 00:01:00');
  });
});

it('tells the time of day, and days only where there are some', () => {
  expect(clock(3661.9)).toBe('01:01:01');
  expect(clock(86_400 * 12 + 59)).toBe('12d 00:00:59');
});
