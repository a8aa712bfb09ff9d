/** `FaultModel`, `FaultTolerancePolicy` and the stack → what breaks, what is noticed of it, and what is done about it. */

import {
  STACK_SETTINGS,
  stackFor,
  stackNamed,
  TELEMETRY,
  UTILIZATION_WINDOW_US,
} from '../../sim/policy/recovery/stacks.ts';
import {
  DAY_US,
  type FaultProcess,
  type FaultSettings,
  type FaultToleranceSettings,
  type Hazard,
  type RecoverySettings,
  type RepairSettings,
  type StackSettings,
} from '../../sim/scenario.ts';
import { NO_FAULTS } from '../../sim/world/faults/faults.ts';
import { FAULT_KINDS, kindOfXid } from '../../sim/world/faults/kinds.ts';
import { REPAIR_DEFAULTS } from '../../sim/world/faults/repair.ts';
import { FAULT_MODELS } from '../catalogue/fault-models.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import { nameList, type PathStep } from '../problem.ts';
import type {
  HazardInput,
  ProcessInput,
  RepairInput,
  StackInput,
  StackSettingsInput,
  TelemetryInput,
} from '../schema/faults.ts';
import type { Accepted } from '../schema.ts';
import { quote } from '../units.ts';
import type { CompiledCluster } from './cluster.ts';
import { readFaultsFile } from './faults-file.ts';
import type { ReadFile } from './read-file.ts';

const KIND_NAMES = FAULT_KINDS.map((kind) => kind.name);
const ACTIONS = ['CheckpointAndReschedule', 'RestartInPlace', 'HotSpare', 'ShrinkElastic', 'Ignore'] as const;

export interface CompiledFaults {
  faults?: FaultSettings;
  recovery?: RecoverySettings;
}

/** Nothing, where no document says anything about faults. */
export function compileFaults(
  docs: readonly CheckedDocument[],
  cluster: CompiledCluster,
  simulation: Accepted['Simulation']['spec'],
  policy: string,
  report: Report,
  assume: (sentence: string) => void,
  readFile: ReadFile,
): CompiledFaults {
  const models = documentsOf(docs, 'FaultModel');
  for (const { source } of models.slice(1)) report.at(source, ['kind'], 'a second FaultModel', 'one in a scenario');
  const faults = models.length === 0 ? undefined : faultsOf(models[0], cluster, report, assume, readFile);
  const [source] = documentsOf(docs, 'Simulation').map((doc) => doc.source);
  if (source !== undefined) checkSimulation(simulation, cluster, source, report);
  const tolerance = faultToleranceOf(docs, simulation.telemetry, report, assume);
  const said = simulation.stack !== undefined || simulation.telemetry !== undefined || simulation.spares !== undefined;
  if (faults === undefined && tolerance === undefined && !said) return {};
  const named = stackOf(simulation.stack, tolerance === undefined ? stackFor(policy) : stackNamed('mission-control'));
  // Slurm's own policies keep a requeued job waiting themselves.
  const own = policy.startsWith('slurm') && named.name === 'slurm' && typeof simulation.stack !== 'object';
  const stack = own ? { ...named, requeueDelayUs: 0 } : named;
  if (faults !== undefined) {
    assume(
      `Faults are noticed and dealt with as stack ${stack.name} does${tolerance === undefined ? '' : `, by ${tolerance.name} first`}.`,
    );
  }
  if (faults === undefined && tolerance !== undefined) {
    assume(`Nothing breaks: there is no FaultModel, so that ${tolerance.name} has nothing to do.`);
  }
  const spares = cluster.pools.map(({ name }) => simulation.spares?.[name] ?? 0);
  return {
    ...(faults && { faults }),
    recovery: {
      stack,
      telemetry: telemetryOf(simulation.telemetry),
      spares,
      ...(simulation.stack === undefined && tolerance === undefined && { stackOfPolicy: true }),
      ...(tolerance && { faultTolerance: tolerance }),
    },
  };
}

/** What a Simulation says about faults, where a schema cannot tell. */
function checkSimulation(
  { spares, stack, telemetry }: Accepted['Simulation']['spec'],
  cluster: CompiledCluster,
  source: CheckedDocument['source'],
  report: Report,
): void {
  const at: At = (path, found, expected, near) => report.at(source, ['spec', ...path], found, expected, near);
  const names = cluster.pools.map((pool) => pool.name);
  for (const [pool, count] of Object.entries(spares ?? {})) {
    const most = cluster.nodes.pool.filter((p) => p === names.indexOf(pool)).length - 1;
    if (!names.includes(pool)) {
      at(['spares', pool], `unknown pool ${quote(pool)}`, `one of ${nameList(names, 40)}`, {
        name: pool,
        among: names,
      });
    } else if (count > most)
      at(['spares', pool], `${count} nodes`, `at most ${most}: one node of the pool has to work`);
  }
  if (typeof stack === 'object') {
    const { fromHour, toHour } = stack.person ?? {};
    if (fromHour !== undefined && toHour !== undefined && toHour <= fromHour) {
      at(['stack', 'person', 'toHour'], String(toHour), `an hour after fromHour, ${fromHour}`);
    }
  }
  const field = typeof telemetry === 'object' ? telemetry.utilizationField : undefined;
  if (field !== undefined && !UTILIZATION_FIELDS.includes(field)) {
    at(['telemetry', 'utilizationField'], quote(field), `one of ${UTILIZATION_FIELDS.join(', ')}`, {
      name: field,
      among: UTILIZATION_FIELDS,
    });
  }
}

// ── what breaks ───────────────────────────────────────────────────────────────────────────────────────────────────

type ModelDocument = { data: Accepted['FaultModel']; source: CheckedDocument['source'] };

function faultsOf(
  { data, source }: ModelDocument,
  cluster: CompiledCluster,
  report: Report,
  assume: (sentence: string) => void,
  readFile: ReadFile,
): FaultSettings {
  const { spec } = data;
  const own = spec.processes.length > 0 || spec.trace.length > 0 || spec.traceFile !== undefined;
  const presetName = spec.preset ?? (own ? 'none' : 'default');
  const preset = FAULT_MODELS[presetName];
  if (presetName !== 'none') assume(`Fault model ${presetName}: ${preset.about}.`);
  const at = (path: PathStep[], found: string, expected: string, near?: { name: string; among: Iterable<string> }) =>
    report.at(source, ['spec', ...path], found, expected, near);
  const processes = [
    ...preset.processes,
    ...spec.processes.map((given, i) => processOf(given, ['processes', i], cluster, at)),
  ];
  const names = new Set<string>();
  spec.processes.forEach(({ name }, i) => {
    if (names.has(name) || preset.processes.some((p) => p.name === name)) {
      at(['processes', i, 'name'], `a second process ${quote(name)}`, 'a name of its own');
    }
    names.add(name);
  });
  const factor = spec.rateFactor;
  const listed = spec.trace.map(({ at: atUs, node, gpu, kind }, i) => {
    const found = cluster.nodes.names.indexOf(node);
    if (found < 0)
      at(['trace', i, 'node'], `no node ${quote(node)}`, 'a node of the cluster', {
        name: node,
        among: cluster.nodes.names,
      });
    else if (gpu >= cluster.nodes.gpus[found]) {
      at(['trace', i, 'gpu'], `GPU ${gpu}`, `a GPU of that node, 0 to ${cluster.nodes.gpus[found] - 1}`);
    }
    checkKind(kind, ['trace', i, 'kind'], at);
    return { atUs, node: Math.max(0, found), gpu, kind };
  });
  if (spec.traceFile !== undefined) listed.push(...readFaultsFile(spec.traceFile, source, cluster, readFile, report));
  const lemons = spec.lemons ?? preset.lemons ?? { share: 0, factor: 1 };
  // Rates are means over all nodes: those that are no lemons have less.
  const calmer = 1 + lemons.share * (lemons.factor - 1);
  checkRepair(spec.repair, at);
  return {
    processes: processes
      .filter(() => factor > 0)
      .map((process) => {
        const single = process.unit === 'gpu' || process.unit === 'node';
        return { ...process, meanUs: (process.meanUs * (single ? calmer : 1)) / factor };
      }),
    listed,
    lemons,
    gpuSpread: spec.gpuSpread ?? preset.gpuSpread ?? 0,
    ageUs: spec.age ?? 365 * DAY_US,
    corruption: {
      found: spec.corruption.found ?? NO_FAULTS.corruption.found,
      medianUs: spec.corruption.median ?? NO_FAULTS.corruption.medianUs,
      sigma: spec.corruption.sigma ?? NO_FAULTS.corruption.sigma,
    },
    repair: repairOf(spec.repair, { ...REPAIR_DEFAULTS, ...preset.repair }),
  };
}

type At = (path: PathStep[], found: string, expected: string, near?: { name: string; among: Iterable<string> }) => void;

function processOf(given: ProcessInput, path: PathStep[], cluster: CompiledCluster, at: At): FaultProcess {
  const pools = cluster.pools.map((pool) => pool.name);
  if (given.mtbf <= 0) at([...path, 'mtbf'], 'no time at all', 'a mean time between faults above 0');
  const kinds = Object.entries(given.kinds);
  for (const [kind] of kinds) {
    checkKind(kind, [...path, 'kinds', kind], at);
    checkUnit(kind, given.unit, [...path, 'kinds', kind], at);
  }
  if (!(kinds.reduce((sum, [, weight]) => sum + weight, 0) > 0)) {
    at([...path, 'kinds'], 'no kind with a weight', 'at least one kind of fault, such as {xid-79: 1}');
  }
  const chosen = given.pools?.map((pool, k) => {
    const found = pools.indexOf(pool);
    if (found < 0) {
      at([...path, 'pools', k], `unknown pool ${quote(pool)}`, `one of ${nameList(pools, 40)}`, {
        name: pool,
        among: pools,
      });
    }
    return found;
  });
  const { nodes } = cluster;
  const meant = nodes.pool.findIndex(
    (pool, n) => nodes.rack[n] >= 0 && nodes.gpus[n] > 0 && (chosen === undefined || chosen.includes(pool)),
  );
  if (given.unit === 'rack' && meant < 0) {
    at([...path, 'unit'], 'rack, but no node stands in one', 'nodesPerRack of a pool in the Cluster');
  }
  return {
    name: given.name,
    unit: given.unit,
    ...(chosen && { pools: chosen }),
    meanUs: Math.max(1, given.mtbf),
    hazard: hazardOf(given.hazard),
    mix: kinds.map(([kind, weight]) => ({ kind, cause: kind, weight })),
    ...(given.burst && {
      burst: {
        probability: given.burst.probability,
        count: given.burst.count,
        withinUs: given.burst.within,
        among: given.burst.among,
      },
    }),
  };
}

function checkKind(kind: string, path: PathStep[], at: At): void {
  if (KIND_NAMES.includes(kind)) return;
  at(path, `no fault ${quote(kind)}`, `one of ${nameList(KIND_NAMES, 60)}`, { name: kind, among: KIND_NAMES });
}

/** Of what a file system or a switch can have; an XID is a GPU's. */
function checkUnit(name: string, unit: ProcessInput['unit'], path: PathStep[], at: At): void {
  const kind = FAULT_KINDS.find((known) => known.name === name);
  if (kind === undefined) return;
  const ofFiles = kind.symptom === 'pause';
  if (unit === 'storage' && !ofFiles) at(path, `${name} of a file system`, 'storage-outage');
  if ((unit === 'network' || unit === 'rack') && kind.xid > 0) {
    at(
      path,
      `${name} of a whole ${unit === 'rack' ? 'rack' : 'switch'}`,
      'unit gpu, node or nvlink, with a burst among racks',
    );
  }
}

function hazardOf(given: HazardInput): Hazard {
  if (given === 'exponential') return { type: 'exponential' };
  if ('weibull' in given) return { type: 'weibull', shape: given.weibull.shape };
  if ('lognormal' in given) return { type: 'lognormal', sigma: given.lognormal.sigma };
  if ('recorded' in given) return { type: 'recorded', gapsUs: given.recorded.gaps.map((gap) => Math.max(1, gap)) };
  const { infantFactor, infant, wearOutFactor, wearOutAfter } = given.bathtub;
  return { type: 'bathtub', infantFactor, infantUs: infant, wearOutFactor, wearOutAfterUs: wearOutAfter };
}

/** A triangle of times has its corners in order. */
export function checkRepair(given: RepairInput | undefined, at: At): void {
  const { least = 0, likeliest = 0, most = 0 } = given?.rma ?? {};
  if (likeliest < least) at(['repair', 'rma', 'likeliest'], 'less than least', 'least ≤ likeliest ≤ most');
  if (most < likeliest) at(['repair', 'rma', 'most'], 'less than likeliest', 'least ≤ likeliest ≤ most');
}

export function repairOf(given: RepairInput, defaults: RepairSettings): RepairSettings {
  const step = (name: 'gpuReset' | 'reboot' | 'service') => ({
    medianUs: given[name]?.median ?? defaults[name].medianUs,
    sigma: given[name]?.sigma ?? defaults[name].sigma,
    success: given[name]?.success ?? defaults[name].success,
  });
  const { rma } = given;
  return {
    gpuReset: step('gpuReset'),
    reboot: step('reboot'),
    service: step('service'),
    rma: rma === undefined ? defaults.rma : { leastUs: rma.least, likeliestUs: rma.likeliest, mostUs: rma.most },
    retries: given.retries ?? defaults.retries,
    repeatWithinUs: given.repeatWithin ?? defaults.repeatWithinUs,
    crews: given.crews ?? defaults.crews,
    checkUs: given.check ?? defaults.checkUs,
    serviceCheckUs: given.serviceCheck ?? defaults.serviceCheckUs,
    burnInUs: given.burnIn ?? defaults.burnInUs,
  };
}

// ── what is done about it ─────────────────────────────────────────────────────────────────────────────────────────

function stackOf(given: StackInput | undefined, otherwise: StackSettings): StackSettings {
  if (given === undefined) return otherwise;
  if (typeof given === 'string') return stackNamed(given);
  return settingsOf(given, STACK_SETTINGS.find((stack) => stack.name === given.name) as StackSettings);
}

/** What is given, over `base`. */
export function settingsOf(given: StackSettingsInput, base: StackSettings): StackSettings {
  const { person } = given;
  return {
    name: base.name,
    exitUs: given.exit ?? base.exitUs,
    nodeDownUs: given.nodeDown ?? base.nodeDownUs,
    hangUs: given.hang ?? base.hangUs,
    gang: given.gang ?? base.gang,
    single: given.single ?? base.single,
    requeueDelayUs: given.requeueDelay ?? base.requeueDelayUs,
    closeUs: given.close === 'by-person' ? -1 : (given.close ?? base.closeUs),
    repairBy: given.repairBy ?? base.repairBy,
    neighbours: given.neighbours ?? base.neighbours,
    events: given.events ?? base.events,
    person: {
      takesUs: person?.takes ?? base.person.takesUs,
      fromHour: person?.fromHour ?? base.person.fromHour,
      // Who begins after the usual end works to midnight.
      toHour: Math.max(person?.toHour ?? base.person.toHour, (person?.fromHour ?? 0) + 1),
      weekends: person?.weekends ?? base.person.weekends,
    },
  };
}

export function telemetryOf(given: TelemetryInput | undefined): RecoverySettings['telemetry'] {
  if (given === undefined) return TELEMETRY.shipped;
  if (typeof given === 'string') return TELEMETRY[given];
  return {
    exporterUs: given.exporter ?? TELEMETRY.shipped.exporterUs,
    scrapeUs: given.scrape ?? TELEMETRY.shipped.scrapeUs,
  };
}

const UTILIZATION_FIELDS = ['DCGM_FI_DEV_GPU_UTIL', 'DCGM_FI_PROF_GR_ENGINE_ACTIVE', 'DCGM_FI_PROF_SM_ACTIVE'];

function faultToleranceOf(
  docs: readonly CheckedDocument[],
  telemetry: TelemetryInput | undefined,
  report: Report,
  assume: (sentence: string) => void,
): FaultToleranceSettings | undefined {
  const [first, ...others] = documentsOf(docs, 'FaultTolerancePolicy');
  if (first === undefined) return undefined;
  for (const { source } of others) {
    report.at(
      source,
      ['kind'],
      'a second FaultTolerancePolicy',
      'one in a scenario: it selects no jobs, so it is for all',
    );
  }
  const { data, source } = first;
  const { trigger, action } = data.spec;
  const type = action?.type ?? 'CheckpointAndReschedule';
  const known = ACTIONS.find((name) => name === type);
  if (known === undefined) {
    report.at(source, ['spec', 'action', 'type'], quote(type), `one of ${ACTIONS.join(', ')}`, {
      name: type,
      among: ACTIONS,
    });
  }
  const eventCodes = (trigger?.dcgmEventCodes ?? []).map((code, i) => {
    const match = /^(?:xid[\s_-]*)?(\d{1,3})$/i.exec(code.trim());
    if (match === null) {
      report.at(source, ['spec', 'trigger', 'dcgmEventCodes', i], quote(code), 'an XID, such as "XID 79"');
    }
    return Number(match?.[1] ?? 0);
  });
  const never = eventCodes.filter((code) => code > 0 && kindOfXid(code) === undefined);
  if (never.length > 0) {
    const codes = never.map((code) => `XID ${code}`).join(', ');
    assume(
      `${codes}: not in the catalogue of faults, so that nothing raises ${never.length === 1 ? 'it' : 'them'} here.`,
    );
  }
  const window = typeof telemetry === 'object' ? telemetry.utilizationWindow : undefined;
  const field = (typeof telemetry === 'object' ? telemetry.utilizationField : undefined) ?? UTILIZATION_FIELDS[0];
  return {
    name: data.metadata.name ?? 'FaultTolerancePolicy',
    eventCodes,
    utilizationDropThreshold: trigger?.utilizationDropThreshold ?? -1,
    utilizationField: field,
    utilizationWindowUs: window ?? UTILIZATION_WINDOW_US,
    action: known ?? 'CheckpointAndReschedule',
    maxRescheduleAttempts: action?.maxRescheduleAttempts ?? -1,
    rescheduleDelayUs: action?.rescheduleDelay ?? 0,
    checkpointPath: action?.checkpointPath ?? '',
  };
}
