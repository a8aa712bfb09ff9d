/** Faults from a file: what a run has written is what another run is given. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { faultsCsv } from '../../reports/faults.ts';
import { OTHER_HARDWARE } from '../../sim/cluster/recovery.ts';
import { FAULT_UNITS } from '../../sim/scenario.ts';
import { simulate } from '../../sim/simulate.ts';
import { readScenario } from '../read.ts';

const scenario = (file: string, cluster = 'pools: [{name: h100, gpuModel: H100-SXM5, nodes: 4}]') =>
  readScenario(
    `apiVersion: simsup.dev/v1\nkind: Cluster\nspec: {${cluster}}\n---\napiVersion: simsup.dev/v1\nkind: FaultModel\nspec: {traceFile: faults.csv}\n---\napiVersion: simsup.dev/v1\nkind: Workload\nspec: {jobs: [{id: j, gpus: 1}]}\n`,
    { readFile: () => file },
  );
const problem = (file: string) => {
  try {
    scenario(file);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

it('takes times in seconds, a node, a GPU and a kind or an XID; comments, CRLF and quotes as in any CSV', () => {
  const { faults } = scenario(
    '\ufeff# ours\r\ntime,node,gpu,kind\r\n10.5,h100-1,7,xid-79\r\n\r\n3,"h100-0",,host-crash\r\n',
  );
  expect(faults?.processes).toEqual([]);
  expect(faults?.listed).toMatchObject([
    { atUs: 10.5e6, nodes: [1], gpu: 7, kind: 'xid-79' },
    { atUs: 3e6, nodes: [0], gpu: 0, kind: 'host-crash' },
  ]);
  expect(scenario('xid,node,time\n94,h100-2,0\n').faults?.listed).toMatchObject([
    { atUs: 0, nodes: [2], gpu: 0, kind: 'xid-94' },
  ]);
  const racks = 'pools: [{name: h100, gpuModel: H100-SXM5, nodes: 4, nodesPerRack: 2}]';
  expect(scenario('time,node,kind,scope,unit\n5,,rack-power,rack,rack-1\n', racks).faults?.listed).toMatchObject([
    { scope: 'rack', unit: 'rack-1', nodes: [2, 3], kind: 'rack-power' },
  ]);
});

it('says what is wrong, and in which line', () => {
  for (const [file, expected] of [
    ['time,node,gpu,kind\n1,h100-9,0,xid-79', "faults.csv:2:1: found no node 'h100-9'"],
    ['time,node,gpu,kind\n1,h100-9,0,xid-79', "did you mean 'h100-0'?"],
    ['time,node,gpu,kind\n\nsoon,h100-1,0,xid-79', "faults.csv:3:1: found time 'soon', expected seconds"],
    ['time,node,gpu,kind\n-1,h100-1,0,xid-79', "time '-1'"],
    ['time,node,gpu,kind\n99999999999,h100-1,0,xid-79', "time '99999999999'"],
    ['time,node,gpu,kind\n1,h100-1,8,xid-79', "found GPU '8', expected a GPU of that node, 0 to 7"],
    ['time,node,gpu,kind\n1,h100-1,0,xid-97', "found no fault 'xid-97', expected a kind of the catalogue"],
    ['time,node,kind,scope\n1,h100-1,host-crash,nod', "scope 'nod', expected one of gpu, nvlink, node, rack"],
    ['time,node,kind,scope,unit\n1,h100-1,switch-outage,network,lea', "no network 'lea'"],
    ['time,node,kind,scope,unit\n1,,xid-79,network,leaf', 'xid-79 of a whole switch'],
    ['time,node,kind,scope,unit\n1,,host-crash,storage,storage', 'found host-crash of a file system'],
    ['time,node,kind,choice\n1,h100-1,xid-94,1', "choice '1'"],
    ['time,node,kind,pools\n1,h100-1,xid-94,h1', "unknown pool 'h1'"],
    ['when,node\n', 'found columns when, node, expected columns time (seconds), node, gpu'],
    ['', 'found nothing, expected a line of columns'],
  ]) {
    expect(problem(file), file).toContain(expected);
  }
});

/** Something breaks at every scope, often; some of it in one of the pools alone. */
const storm = (seed: number, more: string, [policy, stack, action]: readonly string[]) => `apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 6d, seed: ${seed}, policy: ${policy}, stack: ${stack}, spares: {a: 1}}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - {name: a, gpuModel: H100-SXM5, nodes: 6, gpusPerNode: 4, nodesPerRack: 3, nodesPerNvlinkDomain: 2}
    - {name: b, gpuModel: H100-SXM5, nodes: 3, gpusPerNode: 4}
---
apiVersion: simsup.dev/v1
kind: Storage
spec: {fileSystems: [{name: fast, read: 10GB/s, write: 5GB/s}, {name: slow, read: 2GB/s, write: 1GB/s}]}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec:
  ${more}
  lemons: {share: 0.3, factor: 6}
  gpuSpread: 1
  repair: {crews: 1, service: {median: 5h}, rma: {least: 1h, likeliest: 5h, most: 2d}}
  processes:
    - {name: gpu, unit: gpu, mtbf: 20d, kinds: {xid-94: 2, xid-95: 1, xid-79: 1, xid-122: 1, straggler: 1, silent-corruption: 1}}
    - {name: link, unit: nvlink, mtbf: 20d, kinds: {xid-74: 1}}
    - {name: host, unit: node, pools: a, mtbf: 10d, kinds: {host-crash: 1, hang: 1}, burst: {probability: 0.5}}
    - {name: power, unit: rack, mtbf: 8d, hazard: {weibull: {shape: 0.7}}, kinds: {rack-power: 1}}
    - {name: leaf, unit: network, mtbf: 6d, kinds: {switch-outage: 1, slow-link: 1}}
    - {name: files, unit: storage, mtbf: 4d, kinds: {storage-outage: 1}}
---
apiVersion: mission-control.nvidia.com/v1
kind: FaultTolerancePolicy
spec:
  trigger: {dcgmEventCodes: [XID 79, XID 94], utilizationDropThreshold: 0.05}
  action: {type: ${action}, maxRescheduleAttempts: 5, rescheduleDelay: 60s}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  defaults: {startup: 1m, restore: 30s, checkpointEvery: 30m, checkpointSize: 200GB, maxAttempts: 0}
  teams:
    - {name: gangs, sizes: [{gpus: 8}], arrivals: {perDay: 4}, duration: {lognormal: {median: 6h, sigma: 0.5}, max: 1d}}
    - {name: halves, sizes: [{gpus: 2}], arrivals: {perDay: 12}, duration: {lognormal: {median: 3h, sigma: 1}, max: 1d}}
`;

it('makes the faults of a run strike again, whatever they struck: the same jobs, ledger and repairs', () => {
  const scopes = new Set<string>();
  const react = fc.tuple(
    fc.constantFrom('fifo', 'kubernetes', 'runai', 'slurm'),
    fc.constantFrom('mission-control', 'kubernetes', 'slurm'),
    fc.constantFrom('HotSpare', 'CheckpointAndReschedule', 'RestartInPlace', 'ShrinkElastic'),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), react, (seed, policy) => {
      const first = simulate(readScenario(storm(seed, 'rateFactor: 1', policy)));
      const log = [...faultsCsv(first)].join('');
      const again = simulate(
        readScenario(storm(seed, 'rateFactor: 0\n  traceFile: faults.csv', policy), { readFile: () => log }),
      );
      const drawn = first.faults.filter(({ why }) => why !== OTHER_HARDWARE);
      expect(again.faults).toEqual(drawn);
      expect(again.jobs).toEqual(first.jobs);
      expect(again.entries).toEqual(first.entries);
      for (const { scope, effective } of first.faults) if (effective) scopes.add(scope);
    }),
    { numRuns: 5 },
  );
  expect([...scopes].sort()).toEqual([...FAULT_UNITS].sort());
});
