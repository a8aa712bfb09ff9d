/** What the page shows of a run: small plain data, so that it crosses from the worker in one message. */
import { ALLOCATED, BUSY, CATEGORIES, type Category, GPU_UNITS, type Run, USEFUL } from '../sim/simulate.ts';

const HOUR_US = 3_600_000_000;

export interface ProjectWait {
  project: string;
  jobs: number;
  /** Seconds waited for GPUs; undefined without a job. */
  p50Seconds: number | undefined;
  p95Seconds: number | undefined;
}

export interface Summary {
  name: string;
  title: string;
  policy: string;
  digest: string;
  events: number;
  simulatedHours: number;
  capacityGpuHours: number;
  /** Categories that occur, in the ledger's order. */
  ledger: { category: Category; gpuHours: number }[];
  /** Shares of installed GPU time, 0..1. */
  allocation: number;
  utilisation: number;
  goodput: number;
  waits: ProjectWait[];
  stalled: boolean;
}

export function summarise(run: Run): Summary {
  const amounts = new Map<Category, bigint>();
  for (const { category, amount } of run.entries) amounts.set(category, (amounts.get(category) ?? 0n) + amount);
  const sum = (categories: readonly Category[]) => categories.reduce((total, c) => total + (amounts.get(c) ?? 0n), 0n);
  const share = (categories: readonly Category[]) =>
    run.capacity === 0n ? 0 : Number(sum(categories)) / Number(run.capacity);
  return {
    name: run.scenario.name,
    title: run.scenario.title,
    policy: run.policyName,
    digest: run.digest,
    events: run.events,
    simulatedHours: run.simulatedUs / HOUR_US,
    capacityGpuHours: gpuHours(run.capacity),
    ledger: CATEGORIES.filter((c) => amounts.has(c)).map((category) => ({
      category,
      gpuHours: gpuHours(amounts.get(category)!),
    })),
    allocation: share(ALLOCATED),
    utilisation: share(BUSY),
    goodput: share(USEFUL),
    waits: run.scenario.projects.map(({ name }, p) => projectWait(run, name, p)),
    stalled: run.stalled,
  };
}

function gpuHours(amount: bigint): number {
  return Number(amount) / GPU_UNITS / HOUR_US;
}

/** Over the jobs submitted after the warm-up; who still waits at the end counts with the wait so far. */
function projectWait(run: Run, project: string, p: number): ProjectWait {
  const { jobs, warmUpUs } = run.scenario;
  const waits: number[] = [];
  for (let j = 0; j < jobs.count; j++) {
    const submit = jobs.submitUs[j];
    if (jobs.project[j] === p && submit >= warmUpUs && submit <= run.simulatedUs)
      waits.push(run.jobs.queuedUs[j] / 1e6);
  }
  waits.sort((a, b) => a - b);
  return { project, jobs: waits.length, p50Seconds: quantile(waits, 0.5), p95Seconds: quantile(waits, 0.95) };
}

/** The smallest value that at least `q` of the sorted values do not exceed (nearest rank). */
function quantile(sorted: readonly number[], q: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}
