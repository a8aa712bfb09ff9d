/** What a run leaves behind, in columns and exact amounts; `reports/` turns it into what people and programs read. */
import { type Cluster, GPU_UNITS } from '../cluster/cluster.ts';
import type { ProvisioningReport } from '../cluster/provisioning.ts';
import type { FaultRow } from '../cluster/recovery.ts';
import { PENDING } from '../cluster/view.ts';
import type { Engine } from '../engine/engine.ts';
import type { Scenario } from '../scenario.ts';
import type { Decisions } from './decisions.ts';
import { CATEGORIES, type Category, type Ledger, type Owner } from './ledger.ts';
import type { Samples } from './samples.ts';
import type { ServingFigures } from './slo.ts';

/** Amount of one account in GPU·µs/7000. */
export interface LedgerEntry extends Owner {
  category: Category;
  amount: bigint;
}

export interface HourEntry extends LedgerEntry {
  hour: number;
}

/** One row a job, in the order of the scenario's jobs. Times in µs; -1 = has not happened. */
export interface JobTable {
  /** Index into JOB_STATUS. */
  status: Uint8Array;
  firstStartUs: Float64Array;
  endUs: Float64Array;
  /** Total time waiting for GPUs, up to the end of the run for those that still wait. */
  queuedUs: Float64Array;
  preemptions: Int32Array;
  restarts: Int32Array;
}

/** Means over buckets of equal length. */
export interface SampleTable {
  bucketUs: number;
  /** GPUs in each category. */
  categories: Record<Category, number[]>;
  /** GPUs held, by project; empty where there are too many projects to keep. */
  projects: number[][];
  pendingJobs: number[];
  pendingGpus: number[];
  /** Nodes with some but not all GPUs free. */
  partlyFreeNodes: number[];
}

/** What moved over a file system one way, and what it kept. */
export interface StorageRow {
  fileSystem: string;
  direction: 'read' | 'write';
  /** Of transfers that were completed, and of the parts of those that were broken off. */
  bytes: bigint;
  brokenOffBytes: bigint;
  /** Time in which anything moved, and in which it gave all that it can. */
  busyUs: number;
  fullUs: number;
  mostTransfers: number;
  mostKeptBytes: bigint;
}

/** What became of checkpoints that have a size. */
export interface CheckpointCounts {
  complete: number;
  brokenOff: number;
  /** For want of room. */
  refused: number;
}

export interface SpotCounts {
  notices: number;
  taken: number;
  returned: number;
}

/** One pool in one week (7 × 24 h from the start; the last one may be shorter). */
export interface WeekRow {
  week: number;
  pool: number;
  /** GPU·µs/7000 in the cluster and paid for, allocated, and useful as known at the week's end. */
  paid: bigint;
  allocated: bigint;
  useful: bigint;
  /** Jobs submitted in the week whose first pool this is, those of them that have started, and their waits up to the first start, µs, ascending. */
  submitted: number;
  waitsUs: number[];
}

export interface ProvisioningRun extends ProvisioningReport {
  weeks: WeekRow[];
}

/** As `Decisions` counts them. */
export type SchedulingRun = Pick<Decisions, 'evictions' | 'shrinks' | 'evicted' | 'mostPartlyFree' | 'reasons'>;

export interface Run {
  scenario: Scenario;
  policyName: string;
  digest: string;
  events: number;
  simulatedUs: number;
  /** The run was stopped before its end. */
  partial: boolean;
  /** Nothing could happen any more though jobs still waited (half-started gangs, GPUs held for ever). */
  stalled: boolean;
  /** What the policy has to say about being run on this scenario, in sentences. */
  warnings: string[];
  /** Σ over GPUs of the time each was in the cluster, GPU·µs/7000. */
  capacity: bigint;
  entries: LedgerEntry[];
  /** Free time in which no queued job fitted, by pool; part of `free`. */
  fragmented: bigint[];
  /** By hour, only if hours were kept. */
  hours: HourEntry[];
  jobs: JobTable;
  samples: SampleTable;
  scheduling: SchedulingRun;
  /** Every candidate fault, and what became of it. */
  faults: FaultRow[];
  /** Only where the scenario has file systems. */
  storage?: StorageRow[];
  checkpoints?: CheckpointCounts;
  /** Only where it has spot capacity that is taken away. */
  spot?: SpotCounts;
  /** Only where it states requests for inference deployments. */
  serving?: ServingFigures[];
  /** Only where it has a Provisioning document. */
  provisioning?: ProvisioningRun;
}

/** Numbers of the sampled series: categories first, then pending jobs, pending GPUs, partly free nodes, then projects. */
export function seriesOf(scenario: Scenario) {
  const pendingJobs = CATEGORIES.length;
  const projects = scenario.projects.length <= MAX_SAMPLED_PROJECTS ? scenario.projects.length : 0;
  const fixed = CATEGORIES.length + 3;
  return {
    pendingJobs,
    pendingGpus: pendingJobs + 1,
    partlyFreeNodes: pendingJobs + 2,
    projectSeries: projects > 0 ? fixed : -1,
    count: fixed + projects,
  };
}

const MAX_SAMPLED_PROJECTS = 200;

interface Parts {
  scenario: Scenario;
  policyName: string;
  decisions: SchedulingRun;
  ledger: Ledger;
  cluster: Cluster;
  samples: Samples;
  engine: Engine;
  jobs: JobTable & { pendingSince: Float64Array };
  interrupted: boolean;
  faults: readonly FaultRow[];
  stalled: boolean;
  warnings: string[];
  storage?: StorageRow[];
  checkpoints?: CheckpointCounts;
  spot?: SpotCounts;
  serving?: ServingFigures[];
  /** Where nodes join and leave; else every node is there from the start to the end. */
  capacity?: bigint;
  provisioning?: ProvisioningRun;
}

/** Everything must be settled up to the engine's present time. Throws if the ledger does not add up to the capacity. */
export function recordRun(parts: Parts): Run {
  const { scenario, ledger, cluster, jobs, samples, engine, decisions } = parts;
  const { now } = engine;
  const entries: LedgerEntry[] = [];
  let sum = 0n;
  ledger.owners.forEach((owner, o) => {
    CATEGORIES.forEach((category, c) => {
      const amount = ledger.amount(ledger.account(o, c));
      sum += amount;
      if (amount !== 0n) entries.push({ ...owner, category, amount });
    });
  });
  const capacity = parts.capacity ?? BigInt(cluster.gpuCount) * BigInt(GPU_UNITS) * BigInt(now);
  if (sum !== capacity) {
    throw new Error(
      `invariant: the ledger adds up to ${sum} GPU·µs/7000, the capacity is ${capacity}, at ${now} µs (seed ${scenario.seed})`,
    );
  }
  const n = CATEGORIES.length;
  const hours = ledger.hourRows().map(({ hour, account, amount }) => ({
    ...ledger.owners[Math.floor(account / n)],
    category: CATEGORIES[account % n],
    amount,
    hour,
  }));
  const series = seriesOf(scenario);
  const gpus = (i: number) => samples.means(i, now).map((units) => units / GPU_UNITS);

  return {
    scenario,
    policyName: parts.policyName,
    digest: engine.digest.hex(),
    events: engine.events,
    simulatedUs: now,
    partial: parts.interrupted,
    stalled: parts.stalled,
    warnings: parts.warnings,
    scheduling: {
      evictions: decisions.evictions,
      shrinks: decisions.shrinks,
      evicted: decisions.evicted,
      mostPartlyFree: decisions.mostPartlyFree,
      reasons: new Map(decisions.reasons),
    },
    faults: parts.faults.map((row) => ({ ...row })),
    capacity,
    ...(parts.storage && { storage: parts.storage }),
    ...(parts.checkpoints && { checkpoints: parts.checkpoints }),
    ...(parts.spot && { spot: parts.spot }),
    ...(parts.serving && { serving: parts.serving }),
    ...(parts.provisioning && { provisioning: parts.provisioning }),
    entries,
    fragmented: scenario.pools.map((_, pool) => ledger.fragmentedAmount(pool)),
    hours,
    jobs: {
      status: jobs.status.slice(),
      firstStartUs: jobs.firstStartUs.slice(),
      endUs: jobs.endUs.slice(),
      queuedUs: jobs.queuedUs.map((us, j) => us + (jobs.status[j] === PENDING ? now - jobs.pendingSince[j] : 0)),
      preemptions: jobs.preemptions.slice(),
      restarts: jobs.restarts.slice(),
    },
    samples: {
      bucketUs: samples.bucketUs,
      categories: Object.fromEntries(CATEGORIES.map((name, i) => [name, gpus(i)])) as Record<Category, number[]>,
      projects: series.projectSeries < 0 ? [] : scenario.projects.map((_, p) => gpus(series.projectSeries + p)),
      pendingJobs: samples.means(series.pendingJobs, now),
      pendingGpus: samples.means(series.pendingGpus, now),
      partlyFreeNodes: samples.means(series.partlyFreeNodes, now),
    },
  };
}
