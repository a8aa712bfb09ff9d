/** Small scenarios that a search can draw, shrink and write down. */
import fc from 'fast-check';
import type { BenchCase } from './cases.ts';

/** Numbers are made to fit each other when the scenario is written, so that every draw is a valid scenario. */
export interface SmallScenario {
  nodes: number;
  gpusPerNode: number;
  projects: { deserved: number; mayBorrow: number; weight: number }[];
  jobs: {
    project: number;
    submitMinutes: number;
    minutes: number;
    gpus: number;
    workers: number;
    /** Never to be preempted. */
    kept: boolean;
    graceSeconds: number;
  }[];
}

export const smallScenarios: fc.Arbitrary<SmallScenario> = fc.record({
  nodes: fc.integer({ min: 1, max: 3 }),
  gpusPerNode: fc.constantFrom(1, 2, 4, 8),
  projects: fc.array(
    fc.record({
      deserved: fc.integer({ min: 0, max: 12 }),
      mayBorrow: fc.constantFrom(-1, 0, 1, 3),
      weight: fc.integer({ min: 1, max: 3 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  jobs: fc.array(
    fc.record({
      project: fc.nat({ max: 2 }),
      submitMinutes: fc.nat({ max: 60 }),
      minutes: fc.integer({ min: 1, max: 120 }),
      gpus: fc.integer({ min: 1, max: 8 }),
      workers: fc.integer({ min: 1, max: 3 }),
      kept: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      graceSeconds: fc.constantFrom(0, 30),
    }),
    { minLength: 1, maxLength: 12 },
  ),
});

/** As a scenario's text; `comment` stands at its head, a line each. */
export function smallCase(name: string, small: SmallScenario, comment: readonly string[] = []): BenchCase {
  const { nodes, gpusPerNode } = small;
  let left = nodes * gpusPerNode;
  const projects = small.projects.map(({ deserved, mayBorrow, weight }, p) => {
    const own = Math.min(deserved, left);
    left -= own;
    const cap = mayBorrow < 0 ? '' : `, maxOverQuotaGpus: ${mayBorrow}`;
    return `    - {name: p${p}, deservedGpus: ${own}, overQuotaWeight: ${weight}${cap}}`;
  });
  const jobs = small.jobs.map((job, j) => {
    const workers = Math.min(job.workers, nodes);
    const gpus = Math.min(job.gpus, gpusPerNode) * workers;
    const traits = job.kept ? ', priority: 100, preemptible: false' : '';
    return (
      `    - {id: j${j}, project: p${job.project % projects.length}, submit: ${job.submitMinutes}m, duration: ${job.minutes}m, ` +
      `gpus: ${gpus}, workers: ${workers}, grace: ${job.graceSeconds}s${traits}}`
    );
  });
  const text = `${comment.map((line) => `# ${line}\n`).join('')}apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: ${name}}
spec: {duration: 4d, policy: runai}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  pools:
    - {name: gpus, gpuModel: H100-SXM5, nodes: ${nodes}, gpusPerNode: ${gpusPerNode}}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: all}
spec:
  projects:
${projects.join('\n')}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  defaults: {checkpointEvery: 10m, checkpointStall: 0s}
  jobs:
${jobs.join('\n')}
`;
  return { name, about: 'found by a search', text, files: {} };
}
