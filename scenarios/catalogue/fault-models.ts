/** What published fleets broke from, as presets of a `FaultModel`. Sources at each; what is assumed is said. */
import { DAY_US, type FaultProcess, type FaultSettings, HOUR_US } from '../../sim/scenario.ts';
import { REPAIR_DEFAULTS } from '../../sim/world/faults/repair.ts';

export interface FaultPreset {
  /** As `run` shows it; what a scenario can state otherwise (lemons, spread) is said by who reads it. */
  about: string;
  processes: FaultProcess[];
  lemons?: FaultSettings['lemons'];
  gpuSpread?: number;
  repair?: Partial<FaultSettings['repair']>;
}

type Mix = FaultProcess['mix'];
const mixed = (...rows: [kind: string, cause: string, weight: number][]): Mix =>
  rows.map(([kind, cause, weight]) => ({ kind, cause, weight }));

/**
 * Llama 3 405B, 16,384 H100, 54 days: 419 unexpected interruptions (arXiv 2407.21783, table 5), by the counts. Which kind of
 * fault a cause is, is our reading.
 */
export const LLAMA3_MIX = mixed(
  ['gpu-failure', 'Faulty GPU', 148],
  ['xid-95', 'GPU HBM3 memory', 72],
  ['software', 'Software bug', 54],
  ['switch-outage', 'Network switch or cable', 35],
  ['maintenance', 'Unplanned host maintenance', 32],
  ['xid-48', 'GPU SRAM memory', 19],
  ['xid-119', 'GPU system processor (GSP)', 17],
  ['nic-failure', 'NIC', 7],
  ['hang', 'NCCL watchdog timeout', 7],
  ['silent-corruption', 'Silent data corruption', 6],
  ['gpu-failure', 'GPU thermal interface and sensor', 6],
  ['host-crash', 'SSD', 3],
  ['host-crash', 'Power supply', 3],
  ['host-crash', 'Server chassis', 2],
  ['host-crash', 'IO expansion board', 2],
  ['software', 'Dependency', 2],
  ['host-crash', 'CPU', 2],
  ['host-crash', 'System memory', 2],
);
export const LLAMA3 = { gpus: 16_384, us: 54 * DAY_US, faults: 419 };

/** Mean time between faults of one node at so many failures per 1,000 node-days. */
const perThousandNodeDays = (failures: number) => Math.round((1000 / failures) * DAY_US);

/** RSC names its top causes without their shares (arXiv 2410.21680): InfiniBand links, mounts, GPU memory, PCIe; the weights are assumed. */
const RSC_MIX = mixed(
  ['link-failure', 'InfiniBand link', 3],
  ['mount-lost', 'File system mount', 2.5],
  ['xid-95', 'GPU memory', 2],
  ['xid-79', 'PCIe', 1.5],
  ['host-crash', 'Other hardware', 1],
);
const nodes = (name: string, meanUs: number, mix: Mix): FaultProcess => ({
  name,
  unit: 'node',
  meanUs,
  hazard: { type: 'exponential' },
  mix,
});
const gpus = (name: string, meanUs: number, mix: Mix): FaultProcess => ({ ...nodes(name, meanUs, mix), unit: 'gpu' });

/** Errors of a fleet of GPUs over a time, by XID. */
function byCounts(name: string, gpuHours: number, counts: [code: number, n: number][]): FaultProcess {
  const total = counts.reduce((sum, [, n]) => sum + n, 0);
  const mix = mixed(...counts.map(([code, n]): [string, string, number] => [`xid-${code}`, `XID ${code}`, n]));
  return gpus(name, Math.round((gpuHours / total) * HOUR_US), mix);
}

/** A Weibull shape for GPUs is not published, nor the spread of their rates: 1 is assumed (heavy tail, arXiv 2503.11901). */
const SPREAD = 1;

export const FAULT_MODELS: Record<string, FaultPreset> = {
  default: {
    about:
      '5 faults per 1,000 node-days, a little below the 6.50 of Meta RSC-1 (arXiv 2410.21680); causes as in the training of Llama 3',
    processes: [nodes('node', perThousandNodeDays(5), LLAMA3_MIX)],
    lemons: { share: 0.015, factor: 15 },
  },
  llama3: {
    about:
      '419 faults in 54 days of 16,384 H100 (one per 50,677 GPU-hours), causes by the published counts (arXiv 2407.21783)',
    processes: [gpus('gpu', Math.round((LLAMA3.gpus * LLAMA3.us) / LLAMA3.faults), LLAMA3_MIX)],
  },
  'rsc-1': {
    about: '6.50 failures per 1,000 node-days (Meta RSC-1, arXiv 2410.21680); weights of the causes are assumed',
    processes: [nodes('node', perThousandNodeDays(6.5), RSC_MIX)],
    lemons: { share: 0.012, factor: 15 },
  },
  'rsc-2': {
    about: '2.34 failures per 1,000 node-days (Meta RSC-2, arXiv 2410.21680); weights of the causes are assumed',
    processes: [nodes('node', perThousandNodeDays(2.34), RSC_MIX)],
    lemons: { share: 0.017, factor: 15 },
  },
  'delta-a100': {
    about: 'errors of 448 A100 over 895 days by XID (Delta, arXiv 2503.11901)',
    processes: [
      byCounts('gpu', 448 * 895 * 24, [
        [31, 8863],
        [48, 1],
        [63, 34],
        [74, 1922],
        [94, 13],
        [95, 11],
        [119, 3857],
        [122, 77],
      ]),
    ],
    gpuSpread: SPREAD,
    repair: { service: { ...REPAIR_DEFAULTS.service, medianUs: Math.round(0.53 * HOUR_US) } },
  },
  'delta-h100': {
    about: 'errors of 608 GH200 over 146 days by XID (Delta, arXiv 2503.11901)',
    processes: [
      byCounts('gpu', 608 * 146 * 24, [
        [31, 1737],
        [48, 17],
        [63, 16],
        [64, 8],
        [94, 14],
        [95, 19],
        [119, 3],
      ]),
    ],
    gpuSpread: SPREAD,
  },
  none: { about: 'nothing breaks', processes: [] },
};
