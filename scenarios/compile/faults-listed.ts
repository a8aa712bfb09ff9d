/** Faults that are told one by one: `trace` of a FaultModel. What they strike is found by its name. */

import type { FaultUnit, ListedFault, NodeColumns, PoolSpec, StorageSettings } from '../../sim/scenario.ts';
import { FAULT_KINDS } from '../../sim/world/faults/kinds.ts';
import { type Unit, unitsOf } from '../../sim/world/faults/units.ts';
import type { At } from '../documents.ts';
import { nameList, type PathStep } from '../problem.ts';
import type { FaultModelSpec } from '../schema/faults.ts';
import { quote } from '../units.ts';

/** Where faults can strike. */
export interface Site {
  pools: readonly PoolSpec[];
  nodes: NodeColumns;
  storage?: StorageSettings;
}

export const KIND_NAMES = FAULT_KINDS.map((kind) => kind.name);

/** Scopes that `trace` can name; a GPU is given as `gpu` of its node. */
const NAMED = ['node', 'nvlink', 'rack', 'network', 'storage'] as const;

/** Units by name; those of a scope are listed when it is first asked for. */
export class UnitNames {
  private readonly found = new Map<string, Map<string, Unit>>();
  private readonly site: Site;

  constructor(site: Site) {
    this.site = site;
  }

  of(scope: FaultUnit, pools?: readonly number[]): ReadonlyMap<string, Unit> {
    const key = `${scope} ${pools?.join() ?? ''}`;
    let units = this.found.get(key);
    if (units === undefined) {
      units = new Map(unitsOf(scope, pools, this.site).map((unit) => [unit.name, unit]));
      this.found.set(key, units);
    }
    return units;
  }
}

export function listedFaults(trace: FaultModelSpec['trace'], site: Site, units: UnitNames, at: At): ListedFault[] {
  const listed: ListedFault[] = [];
  for (const [i, given] of trace.entries()) {
    const path = ['trace', i];
    const scopes = NAMED.filter((name) => given[name] !== undefined);
    if (scopes.length !== 1) {
      const found = scopes.length === 0 ? 'a fault of nothing' : scopes.join(' and ');
      at(path, found, `one of ${NAMED.join(', ')}, such as node: ${site.nodes.names[0] ?? 'gpu-0'}`);
      continue;
    }
    const [scope] = scopes;
    const { at: atUs, gpu, kind } = given;
    const name = given[scope] as string;
    const unit = units.of(scope).get(name);
    checkKind(kind, scope, [...path, 'kind'], at);
    if (unit === undefined) {
      const among = [...units.of(scope).keys()];
      at(
        [...path, scope],
        `no ${scope} ${quote(name)}`,
        among.length === 0 ? `a ${scope}; there is none` : `one of ${nameList(among, 6)}`,
        {
          name,
          among,
        },
      );
      continue;
    }
    const gpus = site.nodes.gpus[unit.nodes[0]];
    if (gpu >= gpus) at([...path, 'gpu'], `GPU ${gpu}`, `a GPU of that node, 0 to ${gpus - 1}`);
    else
      listed.push({
        atUs,
        kind,
        scope,
        unit: unit.name,
        nodes: unit.nodes,
        gpu,
        process: 'listed',
        cause: '',
        choice: 0,
      });
  }
  return listed;
}

/** A kind of the catalogue that such a unit can have: an XID is a GPU's, and a file system only goes away. */
export function checkKind(name: string, scope: FaultUnit, path: readonly PathStep[], at: At): void {
  const kind = FAULT_KINDS.find((known) => known.name === name);
  if (kind === undefined) {
    at(path, `no fault ${quote(name)}`, `one of ${nameList(KIND_NAMES, 60)}`, { name, among: KIND_NAMES });
  } else {
    const problem = misfit(name, scope);
    if (problem !== undefined) at(path, problem.found, problem.expected);
  }
}

/** Why such a unit cannot have such a fault. */
export function misfit(name: string, scope: FaultUnit): { found: string; expected: string } | undefined {
  const kind = FAULT_KINDS.find((known) => known.name === name);
  if (scope === 'storage' && kind?.symptom !== 'pause') {
    return { found: `${name} of a file system`, expected: 'storage-outage' };
  }
  if ((scope === 'network' || scope === 'rack') && kind !== undefined && kind.xid > 0) {
    const whole = scope === 'rack' ? 'rack' : 'switch';
    return { found: `${name} of a whole ${whole}`, expected: 'unit gpu, node or nvlink, with a burst among racks' };
  }
  return undefined;
}
