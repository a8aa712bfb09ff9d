/** `bringUp` and `changes` of a Provisioning → which nodes come, leave or go over to another pool, and when. */

import type { NodeChange } from '../../sim/scenario.ts';
import type { ChangeInput, ProvisioningSpec } from '../schema/provisioning.ts';
import { quote } from '../units.ts';
import type { Roster } from './provisioning-roster.ts';
import { DRAIN, drainOf, type Steps, stepOf } from './provisioning-steps.ts';

export function bringUps(spec: ProvisioningSpec, roster: Roster): NodeChange[] {
  const all = spec.bringUp?.includes('all');
  const pools = all
    ? roster.cluster.pools.map((_, pool) => pool).filter((pool) => !roster.cluster.pools[pool].spot)
    : (spec.bringUp ?? []).map((name, i, names) => {
        if (names.indexOf(name) === i) return roster.pool(name, ['spec', 'bringUp', i]);
        roster.at(['spec', 'bringUp', i], `${quote(name)} a second time`, 'each pool once');
        return -1;
      });
  return pools
    .filter((pool) => pool >= 0)
    .map((pool) => {
      const nodes = roster.all(pool);
      roster.absent.push(...nodes);
      return joining(`bring up ${roster.cluster.pools[pool].name}`, 0, nodes, [spec]);
    });
}

function joining(name: string, atUs: number, nodes: number[], stated: readonly Steps[]): NodeChange {
  const steps = (['image', 'burn-in', 'check'] as const).map((kind) => stepOf(kind, stated));
  return { name, kind: 'join', atUs, nodes, becomes: [], drain: DRAIN, steps };
}

interface Planned {
  given: ChangeInput;
  i: number;
  atUs: number;
  label: string;
}

/** In the order of time, as each takes from what the ones before have left. */
export function changesOf(spec: ProvisioningSpec, roster: Roster, horizonUs: number): NodeChange[] {
  const planned: Planned[] = [];
  spec.changes.forEach((given, i) => {
    const path = ['spec', 'changes', i];
    const { every, times = every === undefined ? 1 : undefined } = given;
    if (every === undefined && (times ?? 1) > 1)
      roster.at([...path, 'times'], 'times without every', 'both or neither');
    if (every !== undefined && every <= 0) roster.at([...path, 'every'], 'no time at all', 'a duration above 0');
    if (every !== undefined && times === undefined)
      roster.at([...path, 'every'], 'every without times', 'how many times in all');
    const name = given.name ?? nameOf(given, i);
    for (let n = 0; n < (times ?? 1); n++) {
      const atUs = given.at + n * (every ?? 0);
      if (atUs > horizonUs && n > 0) break;
      planned.push({ given, i, atUs, label: (times ?? 1) > 1 ? `${name} (${n + 1})` : name });
    }
  });
  planned.sort((a, b) => a.atUs - b.atUs || a.i - b.i);
  return planned.flatMap((plan) => changeOf(plan, spec, roster));
}

function nameOf({ pool, add, remove, from, to }: ChangeInput, i: number): string {
  if (add !== undefined) return `add to ${pool}`;
  if (remove !== undefined) return `remove from ${pool}`;
  return from !== undefined ? `${from} to ${to}` : `change ${i + 1}`;
}

function changeOf({ given, i, atUs, label }: Planned, spec: ProvisioningSpec, roster: Roster): NodeChange[] {
  const path = ['spec', 'changes', i];
  const { pool, add, remove, from, to, nodes } = given;
  const moves = from !== undefined || to !== undefined || nodes !== undefined;
  const whole = moves
    ? from !== undefined && to !== undefined && nodes !== undefined && pool === undefined && add === undefined
    : pool !== undefined && (add === undefined) !== (remove === undefined);
  if (!whole || (moves && remove !== undefined)) {
    roster.at(path, 'a change that is not whole', '{at, pool, add}, {at, pool, remove} or {at, from, to, nodes}');
    return [];
  }
  const drain = drainOf(given.drain);
  if (drain.overdue === 'skip') {
    roster.at([...path, 'drain', 'overdue'], 'skip', 'preempt or kill: a node that leaves does leave');
    return [];
  }
  if (!moves) {
    const p = roster.pool(pool as string, [...path, 'pool']);
    if (p < 0) return [];
    if (add !== undefined) return [joining(label, atUs, roster.add(p, add), [given, spec])];
    const gone = roster.take(p, remove as number, true, [...path, 'remove']);
    if (gone === undefined) return [];
    return [{ name: label, kind: 'leave', atUs, nodes: gone, becomes: [], drain, steps: [] }];
  }
  const a = roster.pool(from as string, [...path, 'from']);
  const b = roster.pool(to as string, [...path, 'to']);
  if (a < 0 || b < 0) return [];
  const models = [a, b].map((p) => roster.cluster.pools[p].gpuModel);
  if (a === b) roster.at([...path, 'to'], `${quote(to as string)} again`, 'another pool');
  if (models[0] !== models[1]) {
    roster.at([...path, 'to'], `a pool of ${models[1] || 'no GPUs'}`, `a pool of ${models[0]}, as the nodes have them`);
  }
  const going = roster.take(a, nodes as number, false, [...path, 'nodes']);
  if (going === undefined || a === b || models[0] !== models[1]) return [];
  const steps = [stepOf('image', [given, spec]), ...(given.burnIn ? [stepOf('burn-in', [given, spec])] : [])];
  const becomes = roster.become(going, b);
  return [
    {
      name: label,
      kind: 'move',
      atUs,
      nodes: going,
      becomes,
      drain,
      steps: [...steps, stepOf('check', [given, spec])],
    },
  ];
}
