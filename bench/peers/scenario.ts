/** A cluster of like nodes and nothing but jobs on it: what the small simulators model. */
import { plainScenario } from '../../sim/plain.ts';
import { type JobSpec, jobColumns, nodeColumns, type PolicyChoice, type Scenario } from '../../sim/simulate.ts';

export function bareScenario(
  nodes: number,
  gpusPerNode: number,
  jobs: Omit<JobSpec, 'project'>[],
  policy: PolicyChoice,
): Scenario {
  return plainScenario({
    name: 'peer',
    policy,
    nodes: nodeColumns([{ pool: 0, count: nodes, gpus: gpusPerNode }]),
    jobs: jobColumns(jobs.map((job) => ({ ...job, project: 0 }))),
  });
}

/** Workers of whole nodes, and one with the rest. */
export function gangOf(gpus: number, gpusPerNode: number): number[] {
  const gang = Array<number>(Math.floor(gpus / gpusPerNode)).fill(gpusPerNode);
  if (gpus % gpusPerNode > 0 || gpus === 0) gang.push(gpus % gpusPerNode);
  return gang;
}
