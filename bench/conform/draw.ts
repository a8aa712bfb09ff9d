/** A failing case as an engineer wants it: the cluster before, the queues, what was decided, and what should have been. */
import { GPU, type Session } from '../../sim/policy/runai/columns.ts';
import { used } from '../../sim/policy/runai/queues.ts';
import { openSession } from '../../sim/policy/runai/session.ts';
import type { ConformanceCase } from './cases.ts';
import type { Replay } from './run.ts';
import { configOf, initialPlaces, stateOf } from './state.ts';

const HELD = ['Running', 'Bound', 'Binding', 'Allocated'];

export function draw(given: ConformanceCase, { result, rounds }: Replay): string {
  const state = stateOf(given, initialPlaces(given));
  const lines = [`FAIL ${given.id}`, ...(given.name ? [`  ${given.name}`] : []), '  before'];
  const width = Math.max(...state.nodes.map(({ name }) => name.length), 5);
  for (const node of [...state.nodes].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const tasks = state.jobs.flatMap((job) =>
      job.tasks.filter((task) => task.node === node.name && task.status !== 'Pending').map((task) => ({ job, task })),
    );
    let whole = 0;
    const shown = tasks.map(({ task }) => {
      const gpus = amount(task);
      if (HELD.includes(task.status)) whole += task.gpus >= 1 ? task.gpus : 0;
      const where = task.gpuGroups.length > 0 ? ` on ${task.gpuGroups.join('+')}` : '';
      return `${task.name} (${gpus}${where}${task.status === 'Running' ? '' : `, ${task.status}`})`;
    });
    const bar = '#'.repeat(Math.min(whole, 64)) + '.'.repeat(Math.max(0, Math.min(node.gpus - whole, 64)));
    lines.push(`    ${node.name.padEnd(width)}  [${bar}] ${shown.join(', ')}`);
  }
  const waiting = state.jobs.filter((job) => job.tasks.some(({ status }) => status === 'Pending'));
  for (const job of waiting) {
    const asks = job.tasks.filter(({ status }) => status === 'Pending').map(amount);
    const kind = job.preemptible ? '' : ', non-preemptible';
    lines.push(`    waits: ${job.name} of ${job.queue}, priority ${job.priority}${kind}: ${asks.join(' + ')}`);
  }
  const first = rounds[0]?.session ?? openSession(state, configOf(given));
  lines.push('  queues (GPUs)', ...queueLines(first), '  decided');
  rounds.forEach(({ decisions }, at) => {
    if (decisions.length === 0) lines.push(`    round ${at + 1}: nothing`);
    for (const { kind, action, task, node, gpuGroups, reason } of decisions) {
      const gpu = gpuGroups.length > 0 ? ` ${gpuGroups.join('+')}` : '';
      lines.push(
        `    round ${at + 1}, ${action}: ${kind} ${task} ${kind === 'evict' ? 'from' : 'to'} ${node}${gpu}: ${reason}`,
      );
    }
  });
  lines.push('  difference', ...result.diff.map((line) => `    ${line}`));
  return `${lines.join('\n')}\n`;
}

function amount(task: {
  gpus: number;
  gpuMemoryMiB: number;
  gpuDevices: number;
  migInstances: Record<string, number>;
}): string {
  const times = task.gpuDevices > 1 ? `${task.gpuDevices}×` : '';
  if (task.gpuMemoryMiB > 0) return `${times}${task.gpuMemoryMiB} MiB`;
  const mig = Object.entries(task.migInstances).map(
    ([profile, instances]) => `${instances}×${profile.replace(/^.*mig-/, '')}`,
  );
  if (mig.length > 0) return mig.join('+');
  return task.gpus === 0 ? 'CPU' : `${times}${task.gpus} GPU`;
}

function queueLines(session: Session): string[] {
  const { queues } = session;
  const { deserved, limit, overQuotaWeight, fairShare } = queues.shares[GPU];
  const shown = (value: number): string => (value === -1 ? 'unlimited' : String(value));
  const rows = queues.name.map((_, queue) => queue);
  return rows
    .sort((a, b) => (queues.path[a].join() < queues.path[b].join() ? -1 : 1))
    .map((queue) => {
      const indent = '  '.repeat(queues.path[queue].length - 1);
      return (
        `    ${indent}${queues.name[queue]}: deserves ${shown(deserved[queue])}, weight ${overQuotaWeight[queue]}, ` +
        `limit ${shown(limit[queue])}, fair share ${fairShare[queue]}, afterwards uses ${used(session, queue, GPU)}`
      );
    });
}
