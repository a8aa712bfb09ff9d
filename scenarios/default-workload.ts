/** What a scenario without work gets: one team that keeps its cluster busy at a stated load. */

import { DAY_US, HOUR_US } from '../sim/scenario.ts';
import type { CompiledCluster } from './compile/cluster.ts';
import { type CompiledProjects, projectIndex } from './compile/projects.ts';
import type { WorkloadContext } from './compile/workload.ts';
import { generateTeam } from './generate.ts';
import type { TeamInput } from './schema.ts';

/** Share of the cluster's GPU-hours that the default work asks for: inside the 0.6–0.8 the guide reports for real use. */
const OFFERED_LOAD = 0.7;

/** Sizes by share of jobs: Philly's (ATC '19, the published log): 93 % one GPU, 2 % each of 2, 4 and 8. */
const SIZES = [
  { gpus: 1, weight: 93 },
  { gpus: 2, weight: 2 },
  { gpus: 4, weight: 2 },
  { gpus: 8, weight: 3 },
];
/** Mean 2 h 18 min, as Philly's one-GPU jobs (8,301 s); exponential for want of a reason for another shape. */
const MEAN_US = 2.3 * HOUR_US;

/** More jobs than this are not made up without being asked for. */
const MAX_DEFAULT_JOBS = 1_000_000;

/** Adds the default work, spread evenly over the projects; returns the assumption to show. */
export function defaultTeams(
  cluster: CompiledCluster,
  projects: CompiledProjects,
  c: WorkloadContext,
  scale = 1,
): string {
  const { nodes, pools } = cluster;
  let total = 0;
  let widest = 0;
  for (let n = 0; n < nodes.count; n++) {
    // A node that goes over to another pool is one machine.
    if (nodes.hardware !== undefined && nodes.hardware[n] !== n) continue;
    total += nodes.gpus[n];
    widest = Math.max(widest, nodes.gpus[n]);
  }
  const sizes = SIZES.filter((s) => s.gpus <= widest);
  if (sizes.length === 0) sizes.push({ gpus: 0, weight: 1 });
  const weight = sizes.reduce((sum, s) => sum + s.weight, 0);
  const meanGpus = sizes.reduce((sum, s) => sum + s.gpus * s.weight, 0) / weight;
  const perDay = (scale * OFFERED_LOAD * total * 24) / (Math.max(meanGpus, 1) * (MEAN_US / HOUR_US));
  const expected = (perDay * c.horizonUs) / DAY_US;
  if (expected > MAX_DEFAULT_JOBS) {
    const found = `no Workload for ${total} GPUs`;
    c.report.add({
      file: c.file,
      line: 0,
      column: 0,
      path: '',
      found,
      expected: 'a Workload: the default work is for smaller clusters or shorter times',
    });
    return '';
  }
  if (projects.projects.length === 0) projectIndex(projects, 'default', pools);
  const names = projects.projects.map((p) => p.name);
  for (const name of names) {
    const team: TeamInput = {
      name: `default-${name}`,
      users: 10,
      arrivals: { perDay: perDay / names.length, pattern: 'diurnal', peakHour: 15, peakToTrough: 3, weekend: 0.6 },
      together: 1,
      sizes,
      duration: { exponential: { mean: MEAN_US } },
      timeLimitFactor: 0,
    };
    const jobs = generateTeam(team, { ...c, stream: `workload/default/${name}`, scale: 1 });
    const blame = (_field: string, found: string, expected: string) =>
      c.report.add({ file: 'default workload', line: 0, column: 0, path: '', found, expected });
    for (const job of jobs) c.sink.add({ ...job, project: name, generated: true, after: [], traits: {}, blame });
  }
  return `No Workload is given: jobs of 1 to 8 GPUs are drawn, mean 2.3 hours, that ask for ${Math.round(scale * OFFERED_LOAD * 100)} % of the cluster (sizes and mean duration of the Philly log, ATC '19).`;
}
