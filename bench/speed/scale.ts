/**
 * The scenario that growth is measured on: a year of a cluster of a given size at one load per GPU, ten jobs a GPU, with
 * faults as often as the default model has them and Mission Control's recovery. Text, so that anybody can run it.
 */

/** Jobs a GPU and year: a million on 100,000 GPUs. */
const JOBS_PER_GPU = 10;
const TEAMS = 20;
const DEPARTMENTS = 4;
export const YEAR_DAYS = 365;
export const SCALE_SIZES = [1_000, 10_000, 100_000] as const;
export const SCALE_POLICIES = ['fifo', 'runai'] as const;
/** GPUs of the jobs and how many of each in a hundred; 111.7 on average. Sizes above an eighth of the cluster are left out. */
const SIZES = [
  [1, 10],
  [8, 45],
  [64, 27],
  [256, 14],
  [1024, 4],
] as const;
/** Mean use of the GPUs that is asked for. */
const LOAD = 0.8;

export interface ScaleOptions {
  seed?: string;
  /** Of the GPUs, asked for on average. */
  load?: number;
  /** GPUs of the cluster whose jobs these are, where it is not this one: a part of its arrivals, their sizes unchanged. */
  jobsOf?: number;
}

/** YAML of the year on so many GPUs (a multiple of 8, at least 64). `days` of it, with as many jobs a day. */
export function scaleText(gpus: number, policy: string, days = YEAR_DAYS, options: ScaleOptions = {}): string {
  const { seed = '1', load = LOAD, jobsOf = gpus } = options;
  const sizes = SIZES.filter(([size]) => size <= jobsOf / 8);
  const weight = sizes.reduce((sum, [, w]) => sum + w, 0);
  const meanGpus = sizes.reduce((sum, [size, w]) => sum + size * w, 0) / weight;
  const perDay = (gpus * JOBS_PER_GPU) / YEAR_DAYS / TEAMS;
  // A lognormal of σ 1 has a mean of e^½ = 1.6487 medians.
  const medianSeconds = Math.round((load * 86_400) / ((JOBS_PER_GPU / YEAR_DAYS) * meanGpus) / 1.6487);
  const teams = Array.from({ length: TEAMS }, (_, i) => i + 1);
  const quota = Math.floor(gpus / TEAMS);
  const departments = Array.from({ length: DEPARTMENTS }, (_, d) => {
    const own = teams.filter((team) => team % DEPARTMENTS === d);
    return `apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: department-${d + 1}}
spec:
  projects:
${own.map((team) => `    - {name: team-${team}, deservedGpus: ${quota}}`).join('\n')}
---
`;
  });
  return `# ${gpus} GPUs for ${days} days, ${TEAMS} teams with equal quotas, ${Math.round(perDay * TEAMS * days)} jobs that ask for ${Math.round(load * 100)} % of the GPUs.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: scale-${gpus}}
spec:
  title: One load per GPU at growing size, with faults.
  duration: ${days}d
  seed: ${seed}
  policy: ${policy}
  stack: mission-control
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - {name: h100, gpuModel: H100-SXM5, nodes: ${gpus / 8}, gpusPerNode: 8, nodesPerRack: 4, nodesPerNvlinkDomain: 1}
---
${departments.join('')}apiVersion: simsup.dev/v1
kind: FaultModel
spec: {preset: default}
---
apiVersion: mission-control.nvidia.com/v1
kind: FaultTolerancePolicy
metadata: {name: training-ft-policy}
spec:
  trigger: {dcgmEventCodes: ["XID 79", "XID 94", "XID 95"], utilizationDropThreshold: 0.05}
  action: {type: CheckpointAndReschedule, checkpointPath: /mnt/dsx/checkpoints/, maxRescheduleAttempts: 3, rescheduleDelay: 60s}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  defaults: {startup: 3m42s, restore: 130s, checkpointEvery: 30m, checkpointStall: 1s, grace: 30s}
  teams:
${teams
  .map(
    (team) => `    - name: team-${team}
      sizes: [${sizes.map(([size, w]) => `{gpus: ${size}, weight: ${w}}`).join(', ')}]
      arrivals: {perDay: ${perDay}, pattern: diurnal}
      duration: {lognormal: {median: ${medianSeconds}s, sigma: 1}, max: 7d}`,
  )
  .join('\n')}
`;
}

/** Policies of the year with one big gang. */
export const GANG_POLICIES = ['fifo-backfill', 'runai'] as const;

/** YAML of a year of 16,384 GPUs with faults: a gang on half of them, small jobs that ask for four fifths of the rest. */
export function gangText(policy: string, days = YEAR_DAYS): string {
  return `# One gang of 8,192 GPUs that outlasts the year, and 60 jobs a day of 1 to 64 GPUs, on 16,384 GPUs with faults.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: big-gang}
spec: {duration: ${days}d, policy: ${policy}, stack: mission-control}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - {name: h100, gpuModel: H100-SXM5, nodes: 2048, gpusPerNode: 8, nodesPerNvlinkDomain: 1}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {preset: default}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  defaults: {startup: 3m42s, restore: 130s, checkpointEvery: 1h, checkpointStall: 1s}
  jobs:
    - {id: gang, project: pretraining, gpus: 8192, workers: 1024, duration: 400d}
  teams:
    - name: small
      sizes: [{gpus: 1, weight: 10}, {gpus: 8, weight: 30}, {gpus: 16, weight: 30}, {gpus: 32, weight: 20}, {gpus: 64, weight: 10}]
      arrivals: {perDay: 60, pattern: diurnal}
      duration: {lognormal: {median: 3d, sigma: 1}, max: 21d}
`;
}
