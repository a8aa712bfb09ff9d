/**
 * Whole runs: published traces replayed, and one synthetic load at growing size. Each is measured in a process of its own,
 * so that its peak memory is its own. Where `../shared` is absent the trace rows are skipped, and say so.
 */
import { existsSync, readFileSync } from 'node:fs';
import { importText } from '../../scenarios/import/import.ts';
import { readScenario } from '../../scenarios/index.ts';
import { openStream } from '../../sim/engine/random.ts';
import { exponential, lognormal } from '../../sim/engine/samplers.ts';
import { plainProject, plainScenario } from '../../sim/plain.ts';
import { JobsBuilder, nodeColumns, type Scenario, SECOND_US, simulate } from '../../sim/simulate.ts';
import { GANG_POLICIES, gangText, SCALE_POLICIES, SCALE_SIZES, scaleText, YEAR_DAYS } from './scale.ts';

export interface ReplayResult {
  name: string;
  /** Jobs, or GPUs for the growth rows. */
  size: number;
  /** Jobs simulated per second of wall time, reading the trace not counted. */
  ours: number;
  rival: string;
  theirs: number | null;
  ratio: number | null;
  unit: string;
  events?: number;
  eventsPerSecond?: number;
  wallSeconds?: number;
  /** Time of processors, the garbage collector's threads included: what a busy machine does not falsify. */
  cpuSeconds?: number;
  peakMiB?: number;
  digest?: string;
  skipped?: string;
}

const TRACES = '../shared/traces';

const PHILLY = `${TRACES}/philly-2017/philly.csv`;

export const REPLAYS: Record<string, { file: string | null; scenario: (days: number) => Promise<Scenario> }> = {
  'replay/philly': {
    file: PHILLY,
    scenario: () => philly({ name: 'fifo-backfill', args: {} }),
  },
  'replay/openb': {
    file: `${TRACES}/openb-2023/openb_pod_list_default.csv`,
    scenario: () =>
      imported(
        'openb',
        `${TRACES}/openb-2023/openb_pod_list_default.csv`,
        `${TRACES}/openb-2023/openb_node_list_gpu_node.csv`,
      ),
  },
  'preempt/srtf': { file: PHILLY, scenario: () => philly({ name: 'srtf', args: {} }) },
  'preempt/las': { file: PHILLY, scenario: () => philly({ name: 'las', args: {} }) },
  // Offered half as much again as it can do: in the end thousands wait.
  'backlog/fifo-backfill': { file: null, scenario: () => overloaded({ name: 'fifo-backfill', args: {} }) },
  'backlog/srtf': { file: null, scenario: () => overloaded({ name: 'srtf', args: {} }) },
  'growth/1000': { file: null, scenario: () => Promise.resolve(synthetic(1_000)) },
  'growth/10000': { file: null, scenario: () => Promise.resolve(synthetic(10_000)) },
  'growth/100000': { file: null, scenario: () => Promise.resolve(synthetic(100_000)) },
  ...Object.fromEntries(
    SCALE_POLICIES.flatMap((policy) =>
      SCALE_SIZES.map((gpus) => [
        `scale/${policy}/${gpus}`,
        { file: null, scenario: (days: number) => Promise.resolve(readScenario(scaleText(gpus, policy, days))) },
      ]),
    ),
  ),
  ...Object.fromEntries(
    GANG_POLICIES.map((policy) => [
      `scale/gang/${policy}`,
      { file: null, scenario: (days: number) => Promise.resolve(readScenario(gangText(policy, days))) },
    ]),
  ),
};

/** Runs one replay in this process; `days` of it, where it is one that can be cut short. */
export async function replay(name: string, days = YEAR_DAYS): Promise<ReplayResult> {
  const { file, scenario } = REPLAYS[name];
  const none = { name, size: 0, ours: 0, rival: 'none', theirs: null, ratio: null, unit: 'jobs/s' };
  if (file !== null && !existsSync(file)) return { ...none, skipped: `${file} is not here` };
  const compiled = await scenario(days);
  const before = process.cpuUsage();
  const began = performance.now();
  const run = simulate(compiled);
  const wallSeconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  return {
    ...none,
    size: compiled.jobs.count,
    ours: compiled.jobs.count / wallSeconds,
    events: run.events,
    eventsPerSecond: run.events / wallSeconds,
    wallSeconds,
    cpuSeconds: (user + system) / 1e6,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    digest: run.digest,
  };
}

/** Growth from 10³ GPUs: what n log n would give at this size is the rival. */
export function againstNLogN(results: ReplayResult[]): ReplayResult[] {
  const base = results.find((row) => row.name === 'growth/1000');
  return results.map((row) => {
    if (base === undefined || !row.name.startsWith('growth/') || row === base) return row;
    const theirs = (base.ours * Math.log(base.size)) / Math.log(row.size);
    return { ...row, rival: 'n log n from 1,000 GPUs', theirs, ratio: row.ours / theirs };
  });
}

async function philly(policy: Scenario['policy']): Promise<Scenario> {
  return { ...(await imported('philly', PHILLY, `${TRACES}/philly-2017/philly_vc_gpus.csv`)), policy };
}

async function overloaded(policy: Scenario['policy']): Promise<Scenario> {
  return { ...synthetic(1_000, 1.5, 40), policy };
}

async function imported(format: string, file: string, nodes: string): Promise<Scenario> {
  const result = await importText(format, readFileSync(file, 'utf8'), { nodes: readFileSync(nodes, 'utf8') });
  const files: Record<string, string> = { 'jobs.csv': result.jobsCsv, 'nodes.csv': result.nodesCsv };
  return readScenario(result.scenarioYaml, { readFile: (path) => files[path] });
}

/** Ten jobs a GPU over the run, at equal load per GPU whatever the size, sizes as research clusters see them. */
function synthetic(gpus: number, load = 0.85, jobsPerGpu = 10): Scenario {
  const arrivals = openStream('growth', 'arrivals');
  const sizes = openStream('growth', 'sizes');
  const builder = new JobsBuilder();
  const count = gpus * jobsPerGpu;
  // Sizes 1, 2, 4, 8 and 16 GPUs in equal parts of eight: 3.875 GPUs on average; an hour each; 85 % offered load.
  const choices = [[1], [1], [1], [2], [2], [4], [8], [8, 8]];
  const meanGpus = choices.reduce((sum, tasks) => sum + tasks.reduce((a, b) => a + b), 0) / choices.length;
  const meanSeconds = 3600;
  const gap = (meanGpus * meanSeconds) / (load * gpus);
  let at = 0;
  for (let i = 0; i < count; i++) {
    at += exponential(arrivals, gap);
    builder.add({
      id: `job-${i}`,
      project: i % 10,
      submitUs: Math.round(at * SECOND_US),
      durationUs: Math.max(1, Math.round(lognormal(sizes, 7.69, 1) * SECOND_US)),
      taskGpus: choices[sizes.integer(choices.length)],
    });
  }
  return plainScenario({
    name: `growth-${gpus}`,
    title: 'one load per GPU at growing size',
    policy: { name: 'fifo-backfill', args: {} },
    nodes: nodeColumns([{ pool: 0, count: gpus / 8, gpus: 8 }]),
    projects: Array.from({ length: 10 }, (_, i) => plainProject(`team-${i}`, [gpus / 10])),
    jobs: builder.build(),
  });
}
