/**
 * A simulated cluster as monitoring would show it, in OpenMetrics text with timestamps, under the names that Mission
 * Control's dashboards ask for. https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 */
import { NODE_STATES } from '../sim/cluster/cluster.ts';
import { GPU_UNITS, JOB_STATUS, type Simulation } from '../sim/simulate.ts';
import { GPU_FIELDS, gpuField } from '../sim/world/telemetry/readings.ts';

export interface MetricFamily {
  name: string;
  help: string;
}

/** In the order in which they are written. All are gauges. */
export const METRIC_FAMILIES = [
  { name: 'DCGM_FI_DEV_GPU_UTIL', help: 'Share of time in which a kernel ran on the GPU, percent.' },
  { name: 'DCGM_FI_DEV_FB_USED', help: 'Memory of the GPU that its jobs hold, MiB.' },
  { name: 'DCGM_FI_DEV_GPU_TEMP', help: 'Temperature of the GPU, degrees Celsius.' },
  { name: 'DCGM_FI_DEV_POWER_USAGE', help: 'Power of the GPU alone, watts. Only GPUs whose power is published.' },
  { name: 'DCGM_FI_DEV_XID_ERRORS', help: 'Code of the last XID of the GPU; it stays. Only GPUs that have had one.' },
  { name: 'runai_project_gpu_utilization', help: 'Mean utilization of the GPUs that the project holds, percent.' },
  { name: 'runai_project_allocated_gpus', help: 'GPUs that the project holds, shares counted as such.' },
  { name: 'runai_project_pending_gpus', help: 'GPUs that waiting jobs of the project ask for.' },
  { name: 'runai_project_pending_jobs', help: 'Jobs of the project that wait.' },
  { name: 'simsup_nodes', help: 'Nodes by state.' },
] as const satisfies readonly MetricFamily[];
export type MetricName = (typeof METRIC_FAMILIES)[number]['name'];

/** A figure of the moment; `labels` as they are written, `{a="b"}`. */
export interface Reading {
  name: MetricName;
  labels: string;
  value: number;
}

/** Of each GPU at each step. */
const GPU_FAMILIES = METRIC_FAMILIES.map(({ name }) => name).filter((name) =>
  (GPU_FIELDS as readonly string[]).includes(name),
);

const RUNNING = JOB_STATUS.indexOf('running');
const PENDING = JOB_STATUS.indexOf('pending');

/** Reads a simulation where it stands, as often as you like. */
export function meter(simulation: Simulation): () => Reading[] {
  const { scenario, cluster, jobs, faults } = simulation;
  const { nodes, pools, projects } = scenario;
  const lastXid = new Map<number, number>();
  let seenFaults = 0;
  const fixed = (node: number, gpu: number) => {
    const { gpuModel } = pools[nodes.pool[node]];
    return { gpu: String(gpu), device: `nvidia${gpu}`, modelName: gpuModel || 'unknown', Hostname: nodes.names[node] };
  };
  const ofGpu = Array.from({ length: cluster.gpuCount }, () => '');
  for (let node = 0; node < nodes.count; node++)
    for (let gpu = 0; gpu < nodes.gpus[node]; gpu++)
      ofGpu[cluster.gpuStart[node] + gpu] = labelText({ ...fixed(node, gpu), cluster: scenario.name });
  /** Who holds the GPU, as the exporter's namespace and pod. */
  const withPod = (index: number, job: number) =>
    `${ofGpu[index].slice(0, -1)},${labelText({ namespace: projects[scenario.jobs.project[job]].name, pod: scenario.jobs.ids[job] }).slice(1)}`;

  return () => {
    const out: Reading[] = [];
    const held = new Float64Array(projects.length);
    const busy = new Float64Array(projects.length);
    const states = new Map<string, number>();
    for (let node = 0; node < nodes.count; node++) {
      const state = NODE_STATES[cluster.nodeState[node]];
      states.set(state, (states.get(state) ?? 0) + 1);
      // Where there is no node there is no exporter.
      if (state === 'absent' || state === 'reclaimed') continue;
      const load = new Float64Array(nodes.gpus[node]);
      const full = new Float64Array(nodes.gpus[node]);
      const holder = new Int32Array(nodes.gpus[node]).fill(-1);
      for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
        const job = cluster.jobOfTask[task];
        const share = cluster.taskUnits[task] / GPU_UNITS;
        const works = jobs.status[job] === RUNNING && jobs.halted[job] === 0;
        const use = works ? (scenario.jobs.useMilli[job] / 1000) * share : 0;
        for (let gpu = 0; gpu < load.length; gpu++) {
          if ((cluster.taskMask[task] & (1 << gpu)) === 0) continue;
          load[gpu] += use;
          full[gpu] += share;
          if (holder[gpu] < 0) holder[gpu] = job;
          held[scenario.jobs.project[job]] += share;
          busy[scenario.jobs.project[job]] += use;
        }
      }
      load.forEach((use, gpu) => {
        const index = cluster.gpuStart[node] + gpu;
        const labels = holder[gpu] < 0 ? ofGpu[index] : withPod(index, holder[gpu]);
        for (const name of GPU_FAMILIES) {
          const value = gpuField(name, pools[nodes.pool[node]], Math.min(1, use), full[gpu]);
          if (value !== undefined) out.push({ name, labels, value: tidy(value) });
        }
      });
    }
    const { rows } = faults;
    for (; seenFaults < rows.length && rows[seenFaults].timeUs <= simulation.nowUs; seenFaults++) {
      const { effective, xid, node, gpu } = rows[seenFaults];
      if (effective && xid > 0 && node >= 0 && nodes.gpus[node] > 0)
        lastXid.set(cluster.gpuStart[node] + Math.max(0, gpu), xid);
    }
    for (const [index, value] of lastXid) out.push({ name: 'DCGM_FI_DEV_XID_ERRORS', labels: ofGpu[index], value });
    const waiting = new Float64Array(projects.length);
    const wanted = new Float64Array(projects.length);
    for (let job = 0; job < scenario.jobs.count; job++) {
      if (jobs.status[job] !== PENDING) continue;
      waiting[scenario.jobs.project[job]]++;
      const { taskStart, taskGpus, shareMilli } = scenario.jobs;
      for (let task = taskStart[job]; task < taskStart[job + 1]; task++)
        wanted[scenario.jobs.project[job]] += (taskGpus[task] * shareMilli[job]) / 1000;
    }
    projects.forEach(({ name, department }, p) => {
      const department_name = scenario.departments[department]?.name ?? '';
      const labels = labelText({ cluster: scenario.name, project_name: name, department_name });
      if (held[p] > 0)
        out.push({ name: 'runai_project_gpu_utilization', labels, value: tidy((100 * busy[p]) / held[p]) });
      out.push({ name: 'runai_project_allocated_gpus', labels, value: tidy(held[p]) });
      out.push({ name: 'runai_project_pending_gpus', labels, value: tidy(wanted[p]) });
      out.push({ name: 'runai_project_pending_jobs', labels, value: waiting[p] });
    });
    for (const state of NODE_STATES)
      out.push({
        name: 'simsup_nodes',
        labels: labelText({ cluster: scenario.name, state }),
        value: states.get(state) ?? 0,
      });
    return out;
  };
}

const tidy = (value: number) => Math.round(value * 1000) / 1000;

/** `{name="value",…}`, values escaped. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapedLabel(value)}"`);
  return `{${parts.join(',')}}`;
}

export const escapedLabel = (text: string): string =>
  text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replace(/\r\n|\r|\n/g, '\\n');

/**
 * Readings at equal steps, to be written series by series, as the format wants it. Only changes are kept: memory grows with
 * what happens, not with the number of steps.
 */
export class MetricStore {
  private readonly series = new Map<MetricName, Map<string, { from: number[]; to: number[]; value: number[] }>>();
  private step = 0;

  /** The readings of the next step. */
  add(readings: readonly Reading[]): void {
    const at = this.step++;
    for (const { name, labels, value } of readings) {
      let family = this.series.get(name);
      if (family === undefined) this.series.set(name, (family = new Map()));
      let runs = family.get(labels);
      if (runs === undefined) family.set(labels, (runs = { from: [], to: [], value: [] }));
      const last = runs.to.length - 1;
      if (last >= 0 && runs.to[last] === at - 1 && runs.value[last] === value) runs.to[last] = at;
      else {
        runs.from.push(at);
        runs.to.push(at);
        runs.value.push(value);
      }
    }
  }

  get steps(): number {
    return this.step;
  }

  /** All of it, timestamps in Unix seconds. */
  *write(startEpochSeconds: number, stepUs: number): Generator<string> {
    for (const { name, help } of METRIC_FAMILIES) {
      const family = this.series.get(name);
      if (family === undefined) continue;
      yield familyHead(name, help);
      for (const [labels, { from, to, value }] of family) {
        for (let run = 0; run < from.length; run++)
          for (let at = from[run]; at <= to[run]; at++)
            yield `${name}${labels} ${value[run]} ${timestamp(startEpochSeconds, at * stepUs)}\n`;
      }
    }
    yield '# EOF\n';
  }
}

const familyHead = (name: string, help: string) => `# TYPE ${name} gauge\n# HELP ${name} ${help}\n`;

/** Unix seconds with as many decimals as it needs. */
function timestamp(startEpochSeconds: number, us: number): string {
  const whole = startEpochSeconds + Math.floor(us / 1e6);
  const rest = us - Math.floor(us / 1e6) * 1e6;
  return rest === 0 ? String(whole) : `${whole}.${String(rest).padStart(6, '0').replace(/0+$/, '')}`;
}

/** What a scrape gets: the readings of the moment, without timestamps. */
export function scrapeText(readings: readonly { name: string; labels: string; value: number }[]): string {
  const known = new Map<string, string>(METRIC_FAMILIES.map(({ name, help }) => [name, help]));
  const names = new Set<string>([...known.keys(), ...readings.map(({ name }) => name)]);
  let text = '';
  for (const name of names) {
    const of = readings.filter((reading) => reading.name === name);
    if (of.length === 0) continue;
    text += familyHead(name, known.get(name) ?? 'As the file has it.');
    for (const { labels, value } of of) text += `${name}${labels} ${value}\n`;
  }
  return `${text}# EOF\n`;
}

/** Steps that people's dashboards use, seconds. */
const STEPS_S = [15, 30, 60, 300];
/** Moments of GPUs that a file may hold without being asked for a step: four readings each. */
const MANY = 500_000;

/** The shortest usual step that keeps the file within reason; five minutes, beyond which a Prometheus sees gaps, at most. */
export function stepFor(gpus: number, durationUs: number): number {
  const seconds = durationUs / 1e6;
  const fit = STEPS_S.find((step) => (gpus * seconds) / step <= MANY);
  return (fit ?? 300) * 1e6;
}
