/**
 * The catalogue of faults: what each means, what dies, what can still be saved, and what repairs it.
 *
 * XIDs by NVIDIA's Xid Catalog (docs.nvidia.com/deploy/xid-errors, release r610) and *GPU Memory Error Management*; what
 * DCGM's health watch makes of each by DCGM 4.6.0 (`DcgmHealthWatch.cpp`). Where an error's outcome varies, the entry is
 * the usual one; what comes with an XID is in `follow-ons.ts`. 79, 94 and 95 are often called NVLink errors: they are not,
 * NVLink's is 74.
 */

/** Whose processes are struck: one job on the GPU, all on it, all on the node(s), jobs that span nodes, nobody's. */
export type Victims = 'app' | 'gpu' | 'node' | 'spanning' | 'none';

/**
 * `crash`: processes end, which is noticed soon. `silent`: the node is gone without a word. `hang`: kernels spin, utilisation
 * stays up. `idle`: nothing runs, utilisation falls to zero. `slow`: a straggler. `corrupt`: wrong results, seen by nobody.
 * `pause`: goes on by itself once it is over.
 */
export type Symptom = 'crash' | 'silent' | 'hang' | 'idle' | 'slow' | 'corrupt' | 'pause' | 'none';

/** Steps of a repair, lowest first. `restart` = starting the application anew is enough. */
export const REPAIRS = ['none', 'restart', 'gpu-reset', 'reboot', 'service', 'rma'] as const;
export type Repair = (typeof REPAIRS)[number];

export interface FaultKind {
  name: string;
  /** Code in the kernel log; 0 = leaves none. */
  xid: number;
  meaning: string;
  victims: Victims;
  symptom: Symptom;
  /** What the hardware needs before it can be used again. */
  repair: Repair;
  /** What DCGM's health watch says: fails nodes in BCM's check. */
  dcgm: '' | 'WARN' | 'FAIL';
}

const kind = (
  name: string,
  xid: number,
  meaning: string,
  victims: Victims,
  symptom: Symptom,
  repair: Repair,
  dcgm: FaultKind['dcgm'] = '',
): FaultKind => ({ name, xid, meaning, victims, symptom, repair, dcgm });

const xid = (code: number, ...rest: Rest) => kind(`xid-${code}`, code, ...rest);
type Rest = Parameters<typeof kind> extends [string, number, ...infer R] ? R : never;

export const FAULT_KINDS: readonly FaultKind[] = [
  xid(
    13,
    'graphics engine exception: bad address or instruction, most often of the program',
    'app',
    'crash',
    'restart',
  ),
  xid(31, 'MMU page fault: the program read or wrote where nothing is', 'app', 'crash', 'restart', 'WARN'),
  xid(32, 'invalid or corrupted push buffer stream', 'app', 'crash', 'restart'),
  xid(43, 'channel reset after an error of the application: a consequence', 'none', 'none', 'none', 'WARN'),
  xid(45, 'channels torn down, by a kill or by another XID: a consequence', 'none', 'none', 'none'),
  xid(46, 'GPU stopped processing', 'gpu', 'crash', 'gpu-reset'),
  xid(48, 'double-bit ECC error', 'app', 'crash', 'gpu-reset', 'FAIL'),
  xid(54, 'auxiliary power is not connected to the board', 'gpu', 'crash', 'service', 'FAIL'),
  xid(62, 'PMU halt', 'gpu', 'crash', 'gpu-reset', 'WARN'),
  xid(63, 'row remap recorded: takes effect at the next reset', 'none', 'none', 'none', 'WARN'),
  xid(64, 'row remap failed: no spare row is left', 'app', 'crash', 'service', 'FAIL'),
  xid(74, 'NVLink error', 'node', 'crash', 'gpu-reset', 'FAIL'),
  xid(79, 'GPU has fallen off the PCIe bus', 'gpu', 'crash', 'reboot', 'FAIL'),
  xid(92, 'high rate of corrected single-bit ECC errors', 'none', 'none', 'none'),
  xid(
    94,
    'uncorrectable ECC error, contained: only the application that touched it ends',
    'app',
    'crash',
    'restart',
    'WARN',
  ),
  xid(
    95,
    'uncorrectable ECC error, not contained: nothing on the GPU can be trusted',
    'gpu',
    'crash',
    'gpu-reset',
    'FAIL',
  ),
  xid(109, 'context switch timeout', 'gpu', 'crash', 'gpu-reset'),
  xid(119, 'GSP RPC timeout: the GPU no longer answers its driver', 'gpu', 'hang', 'gpu-reset', 'FAIL'),
  xid(120, 'GSP error: the GPU no longer answers its driver', 'gpu', 'crash', 'gpu-reset', 'FAIL'),
  xid(122, 'PMU SPI read or write failed', 'none', 'none', 'none'),
  xid(136, 'NVLink training failed', 'node', 'crash', 'gpu-reset', 'FAIL'),
  xid(140, 'unrecoverable ECC error escaped containment', 'gpu', 'crash', 'gpu-reset', 'FAIL'),
  xid(143, 'GPU initialisation error', 'gpu', 'crash', 'gpu-reset', 'FAIL'),
  xid(149, 'NVLink 5 error (Blackwell)', 'node', 'crash', 'gpu-reset', 'FAIL'),
  xid(154, 'GPU recovery action changed: says what the others need', 'none', 'none', 'none'),
  xid(158, 'GPU fatal timeout', 'gpu', 'crash', 'gpu-reset', 'FAIL'),
  kind('gpu-failure', 79, 'faulty GPU: it is gone and has to be seen to', 'gpu', 'crash', 'service', 'FAIL'),
  kind('host-crash', 0, 'the host is gone: kernel panic, power supply, board', 'node', 'silent', 'service'),
  kind('host-reboot', 0, 'the host restarts by itself', 'node', 'silent', 'reboot'),
  kind('maintenance', 0, 'the host is taken away at short notice', 'node', 'silent', 'service'),
  kind('mount-lost', 0, 'a file system is no longer mounted on the node', 'node', 'crash', 'reboot', 'FAIL'),
  kind('nic-failure', 0, 'a network card of the node is dead', 'spanning', 'hang', 'service', 'FAIL'),
  kind('link-flap', 0, 'a link of the fabric went away for a moment', 'spanning', 'crash', 'restart'),
  kind('link-failure', 0, 'a switch port or cable is dead', 'spanning', 'hang', 'service', 'FAIL'),
  kind(
    'switch-outage',
    0,
    'a leaf switch restarts: jobs that cross it lose their peers',
    'spanning',
    'hang',
    'restart',
  ),
  kind('rack-power', 0, 'the rack has no power', 'node', 'silent', 'reboot'),
  kind('storage-outage', 0, 'the shared file system does not answer', 'node', 'pause', 'none'),
  kind('software', 0, 'a process ends by an error of its own', 'app', 'crash', 'restart'),
  kind('hang', 0, 'a collective waits for ever', 'app', 'hang', 'restart'),
  kind('utilization-drop', 0, 'a process waits for ever with its GPU idle', 'app', 'idle', 'restart'),
  kind('straggler', 0, 'the GPU is throttled: its whole gang waits for it at every step', 'none', 'slow', 'none'),
  kind('slow-link', 0, 'congestion or a bad cable: collectives take longer', 'none', 'slow', 'none'),
  kind('silent-corruption', 0, 'the GPU computes wrong results', 'app', 'corrupt', 'service'),
];

const BY_NAME = new Map(FAULT_KINDS.map((k, i) => [k.name, i]));

/** Index into FAULT_KINDS. Throws for a name there is not: scenarios are checked before. */
export function faultKind(name: string): number {
  const at = BY_NAME.get(name);
  if (at === undefined)
    throw new Error(`there is no fault '${name}'; there are ${FAULT_KINDS.map((k) => k.name).join(', ')}`);
  return at;
}

/** The kind that has a code of its own; undefined where a code is only a consequence that the catalogue does not list. */
export const kindOfXid = (code: number): FaultKind | undefined => FAULT_KINDS[BY_NAME.get(`xid-${code}`) ?? -1];

/** XIDs that want a reset of the GPU once nobody is on it. */
export const RESET_WHEN_IDLE: readonly number[] = [63];
