/** Every queue policy that takes a placement, with every placement, as a whole run. */
import { describe, expect, it } from 'vitest';
import { openStream } from '../../engine/random.ts';
import { JOB_STATUS, POLICIES, type Scenario, Simulation } from '../../simulate.ts';
import { seconds, smallScenario } from '../../testing.ts';
import { PLACERS } from './index.ts';

const SHAPES = [
  { taskGpus: [1], shareMilli: 300 },
  { taskGpus: [1], shareMilli: 650, cpuMilli: 2000 },
  { taskGpus: [1] },
  { taskGpus: [2], cpuMilli: 8000 },
  { taskGpus: [4] },
  { taskGpus: [8, 8, 2] },
  { taskGpus: [0], cpuMilli: 4000 },
  { taskGpus: [2, 1], gpuMemoryMiB: 60_000 },
];

function scenarioFor(policy: string, placement: string): Scenario {
  const stream = openStream('1', 'combinations');
  const jobs = Array.from({ length: 70 }, () => ({
    submitUs: seconds(stream.integer(150)),
    durationUs: seconds(1 + stream.integer(120)),
    poolList: stream.integer(2),
    cpuMilli: 1000,
    ...SHAPES[stream.integer(SHAPES.length)],
  }));
  return smallScenario({
    nodes: [
      { pool: 0, count: 3, gpus: 8, cpuMilli: 64_000 },
      { pool: 1, count: 3, gpus: 4, cpuMilli: 32_000 },
    ],
    jobs,
    policy,
    args: { placement },
    overrides: { poolLists: [[0, 1], [0]] },
  });
}

const takers = POLICIES.filter(({ args }) => args.placement !== undefined).map(({ name }) => name);

it('is an argument of the policies that order a queue', () => {
  expect(takers).toEqual(expect.arrayContaining(['fifo', 'sjf', 'srtf', 'srsf', 'las']));
});

describe.each(takers)('%s', (policy) => {
  it.each(PLACERS.map(({ name }) => name))('with %s serves everybody, and a fork goes the same way', (placement) => {
    const scenario = scenarioFor(policy, placement);
    const simulation = new Simulation(scenario);
    simulation.run(seconds(75));
    const fork = simulation.fork();
    simulation.run();
    fork.run();
    const run = simulation.result();
    expect(fork.result().digest).toBe(run.digest);
    expect([...new Set(simulation.jobs.status)].map((status) => JOB_STATUS[status])).toEqual(['completed']);
  });
});
