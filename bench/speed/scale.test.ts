import { expect, it } from 'vitest';
import { readScenario } from '../../scenarios/index.ts';
import { DAY_US, JOB_STATUS, simulate } from '../../sim/simulate.ts';
import { isAskedFor } from './only.ts';
import { GANG_POLICIES, gangText, SCALE_POLICIES, scaleText } from './scale.ts';

/** GPU-days that the jobs ask for, over those there are. */
function askedLoad(gpus: number, days: number): number {
  const { jobs } = readScenario(scaleText(gpus, 'fifo', days));
  let asked = 0;
  for (let job = 0; job < jobs.count; job++)
    for (let task = jobs.taskStart[job]; task < jobs.taskStart[job + 1]; task++)
      asked += (jobs.taskGpus[task] * jobs.durationUs[job]) / DAY_US;
  return asked / (gpus * days);
}

it('asks for four fifths of the cluster whatever its size, ten jobs a GPU and year', () => {
  expect(askedLoad(1_000, 365)).toBeCloseTo(0.8, 1);
  expect(askedLoad(20_000, 60)).toBeCloseTo(0.8, 1);
  const { jobs, nodes, projects } = readScenario(scaleText(1_000, 'fifo'));
  expect(nodes.gpus.reduce((sum, n) => sum + n, 0)).toBe(1_000);
  expect(jobs.count / 1_000).toBeGreaterThan(9.5);
  expect(jobs.count / 1_000).toBeLessThan(10.5);
  expect(projects.reduce((sum, { deservedGpus }) => sum + deservedGpus[0], 0)).toBe(1_000);
});

it.each(SCALE_POLICIES)('%s: work gets done and things break', (policy) => {
  const run = simulate(readScenario(scaleText(1_000, policy, 10)));
  expect(run.policyName).toBe(policy);
  expect(run.faults.filter(({ effective }) => effective).length).toBeGreaterThan(0);
  expect(run.jobs.status.filter((status) => JOB_STATUS[status] === 'completed').length).toBeGreaterThan(100);
});

it.each(GANG_POLICIES)('%s: the gang runs, breaks and goes on beside small jobs', (policy) => {
  const scenario = readScenario(gangText(policy, 5));
  const run = simulate(scenario);
  const gang = scenario.jobs.ids.indexOf('gang');
  expect(JOB_STATUS[run.jobs.status[gang]]).not.toBe('failed');
  expect(run.jobs.restarts[gang]).toBeGreaterThan(0);
  expect(run.jobs.status.filter((status) => JOB_STATUS[status] === 'completed').length).toBeGreaterThan(10);
});

it('finds rows by their names and by whole parts of them', () => {
  expect(isAskedFor('scale/fifo/1000', 'scale/fifo/1000')).toBe(true);
  expect(isAskedFor('scale/fifo/10000', 'scale/fifo/1000')).toBe(false);
  expect(isAskedFor('scale/fifo/10000', 'scale')).toBe(true);
  expect(isAskedFor('engine', '')).toBe(true);
});
