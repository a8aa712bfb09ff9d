/**
 * A cell of the decision matrix as a scenario: a cluster of a size, shared by some teams, with one kind of work. What the
 * work is made of is the same in all cells; only sizes that the cluster can hold twice over are left in.
 */
import { counted } from '../reports/format.ts';

export const WORKS = ['training', 'mixed'] as const;
export type Work = (typeof WORKS)[number];

export interface Cell {
  /** A multiple of 8. */
  gpus: number;
  teams: number;
  work: Work;
}

export interface CellOptions {
  gpuModel: string;
  /** $ per GPU-hour. */
  price: number;
  /** Share of the cluster's GPU-hours that is asked for. */
  load: number;
  days: number;
}

const GPUS_PER_NODE = 8;
const HOUR_S = 3600;

/** Durations by size: 5 % quantiles of the Philly log (ATC '19), the last its 99 %, s. As in the default scenario. */
const PHILLY = {
  one: [
    1, 52, 62, 69, 76, 122, 215, 385, 600, 855, 1117, 1446, 1728, 2054, 2464, 2716, 3754, 5342, 8512, 19137, 135404,
  ],
  four: [
    3, 75, 138, 179, 406, 772, 1696, 4456, 7475, 13082, 17431, 26253, 36341, 56900, 78716, 89422, 106319, 151663,
    184519, 274339, 908661,
  ],
  gang: [
    1, 82, 199, 415, 700, 1327, 3539, 6536, 11910, 16629, 24238, 43046, 61436, 97713, 133642, 167762, 198293, 237152,
    341725, 511696, 1070000,
  ],
};
/** Jobs of 8, 16 and 32 GPUs in the Philly and ITP logs together. */
const GANGS = [
  { gpus: 8, weight: 2076 },
  { gpus: 16, weight: 240 },
  { gpus: 32, weight: 113 },
];
/** Of the GPU-hours that training asks for (the default scenario's: about 0.72 gangs, the rest as fine-tuning and trials). */
const SHARES = { gangs: 0.6, four: 0.25, one: 0.15 };
/** Mixed work: GPUs that replicas hold, of the cluster (the default scenario's 8 of 48), and notebooks for each 8 GPUs. */
const SERVING_SHARE = 1 / 6;
const NOTEBOOKS_PER_DAY = 1.3;

/** A team's work, with what it asks for. */
interface Class {
  name: string;
  sizes: { gpus: number; weight: number }[];
  quantiles: readonly number[];
  share: number;
  extra: string;
}

export function cellScenario(cell: Cell, options: CellOptions): string {
  const { gpus, teams, work } = cell;
  const { gpuModel, price, load, days } = options;
  const served = work === 'mixed' ? servedGpus(cell) : 0;
  const training = Math.max(0, load * gpus - served) * 24;
  const names = Array.from({ length: teams }, (_, i) => `team-${i + 1}`);
  const quota = names.map((_, i) => Math.floor(gpus / teams) + (i < gpus % teams ? 1 : 0));
  return `# ${counted(gpus, 'GPU')}, ${counted(teams, 'team')}, ${work} work: a cell of the decision matrix.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: matrix-${gpus}-${teams}-${work}}
spec: {duration: ${days}d, policy: runai}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  pools:
    - {name: gpus, gpuModel: ${gpuModel}, nodes: ${gpus / GPUS_PER_NODE}, gpusPerNode: ${GPUS_PER_NODE}, price: $${price}/h}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: all}
spec:
  projects:
${names.map((name, i) => `    - {name: ${name}, deservedGpus: ${quota[i]}, overQuotaWeight: 1}`).join('\n')}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec:
  preset: default
  processes:
    - {name: programs, unit: gpu, mtbf: 1226h, kinds: {xid-31: 1}}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  defaults: {startup: 3m42s, restore: 130s, checkpointEvery: 50m, checkpointStall: 1s, grace: 30s}
  teams:
${names.map((name) => teamText(name, classesOf(gpus), training / teams, work, gpus / teams)).join('\n')}
${served > 0 ? servingText(names, served) : ''}`;
}

/** Whole GPUs, at least one. */
export const servedGpus = ({ gpus }: Cell): number => Math.max(1, Math.round(gpus * SERVING_SHARE));

/** Gangs only where two of them fit; what they would have asked for is then asked for by the others, in proportion. */
function classesOf(gpus: number): Class[] {
  const gangs = GANGS.filter((size) => 2 * size.gpus <= gpus);
  const all: Class[] = [
    { name: 'gangs', sizes: gangs, quantiles: PHILLY.gang, share: SHARES.gangs, extra: '' },
    { name: 'finetuning', sizes: [{ gpus: 4, weight: 1 }], quantiles: PHILLY.four, share: SHARES.four, extra: '' },
    {
      name: 'trials',
      sizes: [{ gpus: 1, weight: 1 }],
      quantiles: PHILLY.one,
      share: SHARES.one,
      extra: 'class: batch, together: 8, ',
    },
  ];
  const there = all.filter(({ sizes }) => sizes.length > 0);
  const whole = there.reduce((sum, { share }) => sum + share, 0);
  return there.map((one) => ({ ...one, share: one.share / whole }));
}

/** `gpuHours` a weekday are asked for in training. */
function teamText(name: string, classes: readonly Class[], gpuHours: number, work: Work, gpus: number): string {
  const arrivals = (perDay: number, peak: string) =>
    `arrivals: {perDay: ${perDay.toFixed(6)}, pattern: diurnal, ${peak}}`;
  const lines = classes.map(({ name: what, sizes, quantiles, share, extra }) => {
    const weight = sizes.reduce((sum, s) => sum + s.weight, 0);
    const meanGpus = sizes.reduce((sum, s) => sum + s.gpus * s.weight, 0) / weight;
    const together = extra.includes('together: 8') ? 8 : 1;
    // A weekend asks for about half: the week's mean is to be the load.
    const perDay = (share * gpuHours) / (meanGpus * meanHours(quantiles)) / together / WEEK_MEAN;
    const list = sizes.map((s) => `{gpus: ${s.gpus}, weight: ${s.weight}}`).join(', ');
    return `    - {name: ${name}-${what}, project: ${name}, users: 6, ${extra}sizes: [${list}], ${arrivals(perDay, 'peakHour: 15, peakToTrough: 3.3, weekend: 0.52')}, duration: {quantiles: [${quantiles.map((s) => `${s}s`).join(', ')}]}}`;
  });
  if (work === 'mixed')
    lines.push(
      `    - {name: ${name}-notebooks, project: ${name}, users: 6, class: interactive, priority: 75, gpuShare: 0.5, use: 10%, startup: 30s, ${arrivals((NOTEBOOKS_PER_DAY * gpus) / GPUS_PER_NODE, 'peakHour: 13, peakToTrough: 10, weekend: 0.2')}, duration: {lognormal: {median: 3h, sigma: 0.7}, min: 10m, max: 12h}}`,
    );
  return lines.join('\n');
}

/** Five weekdays and two days of 0.52. */
const WEEK_MEAN = (5 + 2 * 0.52) / 7;

/** Mean of equally spaced quantiles with straight lines between, h. */
export function meanHours(quantiles: readonly number[]): number {
  let sum = 0;
  for (let i = 1; i < quantiles.length; i++) sum += (quantiles[i - 1] + quantiles[i]) / 2;
  return sum / (quantiles.length - 1) / HOUR_S;
}

/** Replicas of one GPU, spread over the teams, busy half of the time (as in the default scenario). */
function servingText(names: readonly string[], gpus: number): string {
  return names
    .map((name, i) => ({ name, replicas: Math.floor(gpus / names.length) + (i < gpus % names.length ? 1 : 0) }))
    .filter(({ replicas }) => replicas > 0)
    .map(
      ({ name, replicas }) => `---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata:
  name: service-of-${name}
  annotations: {simsup.dev/gpus-per-replica: "1"}
spec: {model: {name: llama-3.1-8b}, replicas: ${replicas}, project: ${name}}
`,
    )
    .join('');
}
