/** A run as programs read it: `simsup run --json`. Its schema is docs/schema/run.schema.json. */
import { ALLOCATED, BUSY, CATEGORIES, type Category, type Run, SECOND_US, USEFUL } from '../sim/simulate.ts';
import { type Cost, costOf, gpuHours } from './cost.ts';
import { type Energy, energyOf } from './energy.ts';
import { type FaultsSummary, faultsSummary } from './faults.ts';
import {
  endedUs,
  gpusAsked,
  idealUs,
  isMeasured,
  REPORTED_STATUS,
  type ReportedStatus,
  statusOf,
  whyUnschedulable,
} from './job-table.ts';
import { type ProvisioningSummary, provisioningSummary } from './provisioning.ts';
import { type Distribution, distribution } from './quantiles.ts';
import { type SchedulingSummary, schedulingSummary } from './scheduling.ts';
import { type SloSummary, sloSummary } from './serving.ts';

export interface LedgerSummary {
  unit: 'gpu-us/7000';
  /** Σ over GPUs of the time each was in the cluster; decimal strings, as these pass 2⁵³. */
  capacity: string;
  categories: Record<Category, string>;
  /** Part of `free`. */
  fragmented: string;
  gpuHours: Record<Category | 'capacity' | 'fragmented', number>;
}

export interface JobsSummary {
  /** All jobs of the scenario, those that had not arrived by the end (`notSubmitted`) counted as pending. */
  counts: Record<ReportedStatus, number> & { total: number; notSubmitted: number };
  /** Jobs in the distributions: arrived after the warm-up. */
  measured: number;
  /** Seconds from submission to the end, of the completed ones. */
  jct: Distribution;
  /** Seconds waited for GPUs, in all; of those that still wait, so far. */
  queueingDelay: Distribution;
  /** JCT ÷ ideal duration. */
  slowdown: Distribution;
  preemptions: number;
  restarts: number;
  /** The first of those that can never run. */
  unschedulable: { id: string; gpus: number; why: string }[];
}

export interface QueueSummary {
  project: string;
  department: string;
  /** That arrived by the end, the warm-up included. */
  jobs: number;
  /** Allocated GPU-hours. */
  gpuHours: { inQuota: number; overQuota: number };
  /** GPUs over all pools; null = no limit. */
  deservedGpus: number | null;
  /** Seconds. */
  queueingDelay: Distribution;
  /** GPUs held on average over the run. */
  meanAllocatedGpus: number;
}

export interface Figure {
  value: number;
  denominator: 'installed';
}

export interface StorageSummary {
  checkpoints: NonNullable<Run['checkpoints']>;
  /** Bytes as decimal strings. */
  transfers: {
    fileSystem: string;
    direction: 'read' | 'write';
    bytes: string;
    brokenOffBytes: string;
    /** Time in which anything moved, and in which the file system gave all it can. */
    busySeconds: number;
    fullSeconds: number;
    /** At the same time. */
    mostTransfers: number;
    mostKeptBytes: string;
  }[];
}

export interface RunSummary {
  scenario: string;
  title: string;
  policy: string;
  seed: string;
  digest: string;
  events: number;
  simulatedSeconds: number;
  /** Time the simulation itself took: the one figure that differs from run to run. */
  wallSeconds: number;
  partial: boolean;
  stalled: boolean;
  figures: Record<'allocation' | 'utilisation' | 'goodput', Figure>;
  ledger: LedgerSummary;
  jobs: JobsSummary;
  queues: QueueSummary[];
  scheduling: SchedulingSummary;
  /** `note` says how they were measured; deployments that state their requests. */
  slo: { note: string; deployments: SloSummary[] };
  faults: FaultsSummary;
  cost: Cost;
  /** null where the scenario says nothing of power. */
  energy: Energy | null;
  /** Only where the scenario has file systems. */
  storage?: StorageSummary;
  spot?: NonNullable<Run['spot']>;
  /** Only where it has a Provisioning document. */
  provisioning?: ProvisioningSummary;
  assumptions: string[];
  /** What the policy has to say about being run on this scenario. */
  warnings: string[];
  legend: Record<string, string>;
}

const SHOWN_UNSCHEDULABLE = 10;

export const LEGEND: Record<string, string> = {
  allocation: 'allocated GPU time ÷ installed GPU time (all GPUs in the cluster, broken and reclaimed ones included)',
  utilisation: 'busy GPU time ÷ installed GPU time: productive, lost, degraded and serving',
  goodput: 'useful GPU time ÷ installed GPU time: productive and serving, work later lost left out',
  jct: 'seconds from submission to completion, of completed jobs that arrived after the warm-up',
  queueingDelay:
    'seconds spent waiting for GPUs in all, of jobs that arrived after the warm-up; those still waiting count with their wait so far',
  slowdown: "JCT ÷ the duration of the job's work on the fastest pool it may use",
  quantiles: 'nearest rank: the smallest value that at least that share of the values do not exceed',
  scheduling:
    'halfStartedGpuHours: held by gangs that had not all members; evictedGpuHours: held since their last start by jobs the scheduler stopped, or by workers it took back; evictedPerGranted: that ÷ all allocated GPU-hours; partlyFreeNodes: nodes with some but not all GPUs free',
  overQuota: 'allocated GPU-hours beyond what the project deserves, borrowed from others',
  cost: 'price × every installed GPU-hour except reclaimed ones, idle or not, plus fixed costs',
  energy:
    'power of GPUs with their share of the node, busy or idle, × time in that state by the ledger × PUE; CO2 by the mean of the grid',
  ledger:
    'each GPU is at every moment in exactly one category; the categories add up to the capacity to the unit, warm-up included',
};

/** Pure, and the same for the same run; `wallSeconds` is how long the caller saw it take. */
export function summarise(run: Run, wallSeconds: number): RunSummary {
  const { scenario } = run;
  const amounts = Object.fromEntries(CATEGORIES.map((category) => [category, 0n])) as Record<Category, bigint>;
  for (const { category, amount } of run.entries) amounts[category] += amount;
  const figure = (categories: readonly Category[]): Figure => {
    const sum = categories.reduce((total, category) => total + amounts[category], 0n);
    return { value: run.capacity === 0n ? 0 : gpuHours(sum) / gpuHours(run.capacity), denominator: 'installed' };
  };
  return {
    scenario: scenario.name,
    title: scenario.title,
    policy: run.policyName,
    seed: scenario.seed,
    digest: run.digest,
    events: run.events,
    simulatedSeconds: run.simulatedUs / SECOND_US,
    wallSeconds,
    partial: run.partial,
    stalled: run.stalled,
    figures: { allocation: figure(ALLOCATED), utilisation: figure(BUSY), goodput: figure(USEFUL) },
    ledger: ledgerSummary(run, amounts),
    jobs: jobsSummary(run),
    queues: queueSummaries(run),
    scheduling: schedulingSummary(run),
    slo: sloOf(run),
    faults: faultsSummary(run),
    cost: costOf(run),
    energy: energyOf(run),
    ...(run.storage && { storage: storageSummary(run) }),
    ...(run.spot && { spot: run.spot }),
    ...(run.provisioning && { provisioning: provisioningSummary(run, run.provisioning) }),
    assumptions: scenario.assumptions,
    warnings: run.warnings,
    legend: LEGEND,
  };
}

function ledgerSummary(run: Run, amounts: Record<Category, bigint>): LedgerSummary {
  const fragmented = run.fragmented.reduce((sum, amount) => sum + amount, 0n);
  const each = <T>(make: (amount: bigint) => T) =>
    Object.fromEntries(CATEGORIES.map((category) => [category, make(amounts[category])])) as Record<Category, T>;
  return {
    unit: 'gpu-us/7000',
    capacity: String(run.capacity),
    categories: each(String),
    fragmented: String(fragmented),
    gpuHours: { ...each(gpuHours), capacity: gpuHours(run.capacity), fragmented: gpuHours(fragmented) },
  };
}

function storageSummary(run: Run): StorageSummary {
  const seconds = (us: number) => us / SECOND_US;
  const rows = (run.storage ?? []).filter(({ bytes, brokenOffBytes }) => bytes > 0n || brokenOffBytes > 0n);
  return {
    checkpoints: run.checkpoints ?? { complete: 0, brokenOff: 0, refused: 0 },
    transfers: rows.map(({ fileSystem, direction, bytes, brokenOffBytes, mostKeptBytes, ...row }) => ({
      fileSystem,
      direction,
      bytes: String(bytes),
      brokenOffBytes: String(brokenOffBytes),
      busySeconds: seconds(row.busyUs),
      fullSeconds: seconds(row.fullUs),
      mostTransfers: row.mostTransfers,
      mostKeptBytes: String(mostKeptBytes),
    })),
  };
}

function jobsSummary(run: Run): JobsSummary {
  const { jobs } = run.scenario;
  const counts = { total: jobs.count, notSubmitted: 0 } as JobsSummary['counts'];
  for (const status of REPORTED_STATUS) counts[status] = 0;
  const jct: number[] = [];
  const slowdown: number[] = [];
  const delay: number[] = [];
  const unschedulable: JobsSummary['unschedulable'] = [];
  let measured = 0;
  let preemptions = 0;
  let restarts = 0;
  for (let job = 0; job < jobs.count; job++) {
    const status = statusOf(run, job);
    counts[status]++;
    if (jobs.submitUs[job] > run.simulatedUs) counts.notSubmitted++;
    preemptions += run.jobs.preemptions[job];
    restarts += run.jobs.restarts[job];
    if (status === 'unschedulable' && unschedulable.length < SHOWN_UNSCHEDULABLE) {
      unschedulable.push({ id: jobs.ids[job], gpus: gpusAsked(run, job), why: whyUnschedulable(run, job) });
    }
    if (!isMeasured(run, job)) continue;
    measured++;
    if (status !== 'unschedulable') delay.push(run.jobs.queuedUs[job] / SECOND_US);
    if (status !== 'completed') continue;
    const took = endedUs(run, job) - jobs.submitUs[job];
    const ideal = idealUs(run, job);
    jct.push(took / SECOND_US);
    if (ideal > 0) slowdown.push(took / ideal);
  }
  return {
    counts,
    measured,
    jct: distribution(jct),
    queueingDelay: distribution(delay),
    slowdown: distribution(slowdown),
    preemptions,
    restarts,
    unschedulable,
  };
}

function queueSummaries(run: Run): QueueSummary[] {
  const { projects, departments, jobs } = run.scenario;
  const allocated = new Set<Category>(ALLOCATED);
  const held = projects.map(() => ({ inQuota: 0n, overQuota: 0n }));
  for (const { project, overQuota, category, amount } of run.entries) {
    if (project >= 0 && allocated.has(category)) held[project][overQuota ? 'overQuota' : 'inQuota'] += amount;
  }
  const waits = waitsByProject(run);
  const count = new Int32Array(projects.length);
  for (let job = 0; job < jobs.count; job++) if (jobs.submitUs[job] <= run.simulatedUs) count[jobs.project[job]]++;
  return projects.map((project, p) => {
    const { inQuota, overQuota } = held[p];
    const deserved = project.deservedGpus;
    return {
      project: project.name,
      department: departments[project.department]?.name ?? '',
      jobs: count[p],
      gpuHours: { inQuota: gpuHours(inQuota), overQuota: gpuHours(overQuota) },
      deservedGpus: deserved.includes(-1) ? null : deserved.reduce((sum, gpus) => sum + gpus, 0),
      queueingDelay: distribution(waits.get(p) ?? []),
      meanAllocatedGpus:
        run.simulatedUs === 0 ? 0 : gpuHours(inQuota + overQuota) / (run.simulatedUs / SECOND_US / 3600),
    };
  });
}

/** Seconds waited by the measured jobs of each project. */
function waitsByProject(run: Run): Map<number, number[]> {
  const waits = new Map<number, number[]>();
  const { project } = run.scenario.jobs;
  for (let job = 0; job < run.scenario.jobs.count; job++) {
    if (!isMeasured(run, job) || statusOf(run, job) === 'unschedulable') continue;
    const own = waits.get(project[job]);
    const seconds = run.jobs.queuedUs[job] / SECOND_US;
    if (own === undefined) waits.set(project[job], [seconds]);
    else own.push(seconds);
  }
  return waits;
}

function sloOf(run: Run): RunSummary['slo'] {
  if (run.serving === undefined)
    return { note: 'no deployment states its requests (Workload, requests), so none were served', deployments: [] };
  return {
    note: 'fidelity requests: every request and batch is simulated; rate: closed form by replica and minute; each deployment says which',
    deployments: run.serving.map(sloSummary),
  };
}
