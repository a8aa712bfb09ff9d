import { expect, it } from 'vitest';
import { jobColumns, nodeColumns, type Scenario } from '../scenario.ts';
import { Lives } from './lives.ts';

const scenario = {
  jobs: jobColumns([
    { id: 'a', project: 0, submitUs: 0, durationUs: 1, taskGpus: [1, 1, 1] },
    { id: 'b', project: 0, submitUs: 0, durationUs: 1, taskGpus: [1] },
  ]),
  nodes: nodeColumns([{ pool: 0, count: 3, gpus: 8, prefix: 'n' }]),
} as Scenario;

it('puts workers placed together and checkpoints in a row into one entry each', () => {
  const lives = new Lives(scenario);
  lives.note(0, 'submit', 0, -1, -1, 0, '');
  for (const [task, node] of [
    [0, 2],
    [1, 2],
    [2, 0],
  ])
    lives.note(5, 'place', 0, task, node, 1, 'room');
  lives.note(5, 'start', 0, -1, -1, 0, '');
  lives.note(6, 'submit', 1, -1, -1, 0, '');
  for (const at of [10, 20, 30]) {
    lives.note(at, 'checkpoint', 0, -1, -1, 0, '');
    lives.note(at, 'saved', 0, -1, -1, 0, '');
  }
  lives.note(30, 'node', -1, -1, 1, 0, 'down');
  lives.note(31, 'place', 0, 0, 1, 1, 'again');
  expect([...lives.rows()]).toEqual([
    { timeUs: 0, job: 0, event: 'submit', count: 1, nodes: [], reason: '' },
    { timeUs: 5, job: 0, event: 'place', count: 3, nodes: ['n-2', 'n-0'], reason: 'room' },
    { timeUs: 5, job: 0, event: 'start', count: 1, nodes: [], reason: '' },
    { timeUs: 6, job: 1, event: 'submit', count: 1, nodes: [], reason: '' },
    { timeUs: 30, job: 0, event: 'saved', count: 3, nodes: [], reason: '' },
    { timeUs: 31, job: 0, event: 'place', count: 1, nodes: ['n-1'], reason: 'again' },
  ]);
});

it('keeps one job alone on request, and any number of entries', () => {
  const lives = new Lives(scenario, 1);
  for (let i = 0; i < 1000; i++) {
    lives.note(i, 'submit', 0, -1, -1, 0, '');
    lives.note(i, 'place', 1, 0, i % 3, 1, `reason ${i % 7}`);
    lives.note(i, 'preempt', 1, -1, -1, 0, '');
  }
  const rows = [...lives.rows()];
  expect(rows).toHaveLength(2000);
  expect(rows[1998]).toEqual({ timeUs: 999, job: 1, event: 'place', count: 1, nodes: ['n-0'], reason: 'reason 5' });
});
