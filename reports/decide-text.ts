/** `simsup decide` as an operator reads it: what happens, to whom, why; then who waits for what. */

import { count } from '../sim/policy/runai/waiting.ts';
import type { Cycle, Decided, Eviction, PendingWorkload } from './decide.ts';
import { decimal, span } from './format.ts';

const SHOWN_NODES = 8;
/** Of a kind; --json has all. */
const SHOWN = 40;

export function decideText(decided: Decided): string {
  const { snapshot, totals, cycles, pending, queues } = decided;
  const { running, pending: waiting } = snapshot.workloads;
  const pool = snapshot.nodePool === '' ? '' : `, node pool ${snapshot.nodePool}`;
  const closed = snapshot.closedNodes === 0 ? '' : ` (${snapshot.closedNodes} closed)`;
  const taken = snapshot.takenAt === null ? '' : ` of ${snapshot.takenAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')}`;
  const lines = [
    `Snapshot${taken}${pool}: ${count(snapshot.nodes, 'node')}${closed}, ${count(snapshot.gpus, 'GPU')}; ${count(running, 'workload')} running, ${waiting} waiting.`,
  ];
  for (const cycle of cycles) lines.push('', ...cycleLines(cycle, cycles.length > 1 || cycle.cycle > 1));
  const still = pending.filter((w) => w.outcome === 'waits');
  if (still.length > 0) {
    lines.push('', 'Waiting');
    for (const workload of still.slice(0, SHOWN)) lines.push(...waitingLines(workload));
    if (still.length > SHOWN) lines.push(`  … and ${still.length - SHOWN} more; --json has them all`);
  }
  lines.push('', ...queueLines(queues));
  lines.push('', totalsLine(totals));
  if (decided.assumptions.length > 0) lines.push('', 'Assumed', ...decided.assumptions.map((a) => `  - ${a}`));
  return `${lines.join('\n')}\n`;
}

function cycleLines({ cycle, binds, pipelines, evictions }: Cycle, numbered: boolean): string[] {
  const lines = [numbered ? `Cycle ${cycle}` : 'Next cycle'];
  if (binds.length + pipelines.length + evictions.length === 0)
    return [...lines, '  nothing: no one starts, moves or leaves'];
  const row = (what: string, workload: string, rest: string) => `  ${what.padEnd(8)} ${workload}  ${rest}`;
  const add = (groups: string[][]) => {
    for (const group of groups.slice(0, SHOWN)) lines.push(...group);
    if (groups.length > SHOWN) lines.push(`           … and ${groups.length - SHOWN} more; --json has them all`);
  };
  add(
    grouped(evictions, (e) => `${e.workload}\n${e.forWorkload}`).map((all) => {
      const [{ workload, queue, forWorkload, reason }] = all;
      const sake = forWorkload === null || forWorkload === workload ? '' : `for ${forWorkload}`;
      const moved = all.every((e) => e.movesTo !== null);
      const to = moved ? ` → ${nodesOf(all.map((e) => e.movesTo as string))}` : '';
      return [
        row(moved ? 'MOVE' : 'EVICT', workload, `${queue}, ${gpus(all)} on ${nodesOf(all.map((e) => e.node))}${to}`),
        `           ${[sake, lossOf(all)].filter((part) => part !== '').join('; ')}`,
        `           ${reason}`,
      ];
    }),
  );
  for (const [what, list] of [
    ['START', binds],
    ['PROMISE', pipelines.filter((p) => !evictions.some((e) => e.pod === p.pod && e.workload === p.workload))],
  ] as const) {
    add(
      grouped(list, (p) => p.workload).map((all) => [
        row(what, all[0].workload, `${all[0].queue}, ${gpus(all)} on ${nodesOf(all.map((p) => p.node))}`),
        `           ${all[0].reason}`,
      ]),
    );
  }
  return lines;
}

function lossOf(evictions: readonly Eviction[]): string {
  const known = evictions.filter((e) => e.lostGpuHours !== null);
  if (known.length < evictions.length) return 'loses an unknown amount of work: when it began is not in the snapshot';
  const lost = known.reduce((sum, e) => sum + (e.lostGpuHours as number), 0);
  const ran = Math.max(...known.map((e) => e.ranSeconds as number));
  return `loses ${decimal(lost, 1)} GPU-hours of the ${span(ran)} it has run`;
}

function waitingLines({ workload, queue, gpus: asked, pods, waitingSeconds, reason }: PendingWorkload): string[] {
  const since = waitingSeconds === null ? '' : `, for ${span(waitingSeconds)}`;
  const size = pods === 0 ? '' : `, ${count(asked, 'GPU')} in ${count(pods, 'pod')}`;
  return [`  ${workload}  ${queue}${size}${since}`, `           ${reason}`];
}

function queueLines(queues: Decided['queues']): string[] {
  if (queues.length === 0) return [];
  const amount = (n: number | null) => (n === null ? 'no limit' : decimal(n, Number.isInteger(n) ? 0 : 2));
  const depth = (name: string): number => {
    const parent = queues.find((q) => q.queue === name)?.parent ?? null;
    return parent === null ? 0 : 1 + depth(parent);
  };
  const rows = queues
    .slice(0, SHOWN)
    .map((q) => [
      `${'  '.repeat(Math.min(8, depth(q.queue)))}${q.queue}`,
      amount(q.deserved),
      amount(q.fairShare),
      amount(q.limit),
      amount(q.usedBefore),
      amount(q.usedAfter),
    ]);
  const table = [['Queues (GPUs)', 'deserved', 'fair share', 'limit', 'uses now', 'then'], ...rows];
  const widths = table[0].map((_, i) => Math.max(...table.map((cells) => cells[i].length)));
  const lines = table.map((cells) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
  );
  return queues.length > SHOWN ? [...lines, `… and ${queues.length - SHOWN} more`] : lines;
}

function totalsLine({ starts, promised, waits, evictedPods, lostGpuHours }: Decided['totals']): string {
  const cost =
    evictedPods === 0
      ? ''
      : `, which costs ${lostGpuHours === null ? 'an unknown number of' : decimal(lostGpuHours, 1)} GPU-hours of work`;
  return `${count(starts, 'workload')} ${starts === 1 ? 'starts' : 'start'}, ${promised} ${promised === 1 ? 'is' : 'are'} promised a place, ${waits} ${waits === 1 ? 'goes' : 'go'} on waiting; ${count(evictedPods, 'pod')} evicted or moved${cost}.`;
}

function grouped<T>(list: readonly T[], key: (one: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const one of list) {
    const known = groups.get(key(one));
    if (known === undefined) groups.set(key(one), [one]);
    else known.push(one);
  }
  return [...groups.values()];
}

const gpus = (all: readonly { gpus: number }[]) =>
  count(Math.round(all.reduce((sum, one) => sum + one.gpus, 0) * 1e4) / 1e4, 'GPU');

/** `node-a ×8, node-b`, the first few. */
function nodesOf(nodes: readonly string[]): string {
  const all = grouped([...nodes].sort(), (node) => node);
  const shown = all.slice(0, SHOWN_NODES).map((same) => (same.length === 1 ? same[0] : `${same[0]} ×${same.length}`));
  return all.length > SHOWN_NODES ? `${shown.join(', ')} and ${all.length - SHOWN_NODES} more nodes` : shown.join(', ');
}
