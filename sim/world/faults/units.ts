/** What can break, and which nodes it takes along: GPUs, NVLink domains, nodes, racks, leaf switches, file systems. */
import type { FaultUnit, Scenario } from '../../scenario.ts';

export interface Unit {
  name: string;
  nodes: number[];
  /** −1: of no single GPU. */
  gpu: number;
}

/** All units of a scope in some pools (absent: in all), in the order of their nodes. Only nodes with GPUs count. */
export function unitsOf(
  scope: FaultUnit,
  pools: readonly number[] | undefined,
  { nodes, storage }: Pick<Scenario, 'nodes' | 'storage'>,
): Unit[] {
  const among: number[] = [];
  for (let n = 0; n < nodes.count; n++) {
    if (nodes.gpus[n] > 0 && (pools === undefined || pools.includes(nodes.pool[n]))) among.push(n);
  }
  const name = (n: number) => nodes.names[n];
  const grouped = (of: Int32Array, prefix: string, alone: 'apart' | 'together' | 'none'): Unit[] => {
    const groups = new Map<string, number[]>();
    for (const n of among) {
      if (of[n] < 0 && alone === 'none') continue;
      const key = of[n] >= 0 ? `${prefix}-${of[n]}` : alone === 'apart' ? `${prefix}-of-${name(n)}` : prefix;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [n]);
      else group.push(n);
    }
    return [...groups].map(([key, members]) => ({ name: key, nodes: members, gpu: -1 }));
  };
  switch (scope) {
    case 'gpu':
      return among.flatMap((n) =>
        Array.from({ length: nodes.gpus[n] }, (_, gpu) => ({ name: `${name(n)}/gpu${gpu}`, nodes: [n], gpu })),
      );
    case 'node':
      return among.map((n) => ({ name: name(n), nodes: [n], gpu: -1 }));
    case 'nvlink':
      return grouped(nodes.nvlinkDomain, 'nvlink', 'apart');
    case 'rack':
      return grouped(nodes.rack, 'rack', 'none');
    case 'network':
      return grouped(nodes.rack, 'leaf', 'together');
    default: {
      const names = (storage?.fileSystems ?? []).filter((fs) => fs.ofNodes !== true).map((fs) => fs.name);
      if (names.length === 0) names.push('storage');
      return among.length === 0 ? [] : names.map((file) => ({ name: file, nodes: among, gpu: -1 }));
    }
  }
}
