/** The stack, the telemetry and a `FaultTolerancePolicy` → what is noticed of faults, and what is done about them. */

import {
  STACK_SETTINGS,
  stackFor,
  stackNamed,
  TELEMETRY,
  UTILIZATION_WINDOW_US,
} from '../../sim/policy/recovery/stacks.ts';
import type { FaultToleranceSettings, RecoverySettings, StackSettings } from '../../sim/scenario.ts';
import { kindOfXid } from '../../sim/world/faults/kinds.ts';
import { type At, type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import { nameList } from '../problem.ts';
import type { StackInput, StackSettingsInput, TelemetryInput } from '../schema/faults.ts';
import type { Accepted } from '../schema.ts';
import { quote } from '../units.ts';
import type { CompiledCluster } from './cluster.ts';

const ACTIONS = ['CheckpointAndReschedule', 'RestartInPlace', 'HotSpare', 'ShrinkElastic', 'Ignore'] as const;

/** Undefined where nothing breaks and no document says anything about it. */
export function compileRecovery(
  docs: readonly CheckedDocument[],
  cluster: CompiledCluster,
  simulation: Accepted['Simulation']['spec'],
  policy: string,
  breaks: boolean,
  report: Report,
  assume: (sentence: string) => void,
): RecoverySettings | undefined {
  const [source] = documentsOf(docs, 'Simulation').map((doc) => doc.source);
  if (source !== undefined) checkSimulation(simulation, cluster, source, report);
  const tolerance = faultToleranceOf(docs, simulation.telemetry, report, assume);
  const said = simulation.stack !== undefined || simulation.telemetry !== undefined || simulation.spares !== undefined;
  if (!breaks && tolerance === undefined && !said) return undefined;
  const named = stackOf(simulation.stack, tolerance === undefined ? stackFor(policy) : stackNamed('mission-control'));
  // Slurm's own policies keep a requeued job waiting themselves.
  const own = policy.startsWith('slurm') && named.name === 'slurm' && typeof simulation.stack !== 'object';
  const stack = own ? { ...named, requeueDelayUs: 0 } : named;
  if (breaks) {
    assume(
      `Faults are noticed and dealt with as stack ${stack.name} does${tolerance === undefined ? '' : `, by ${tolerance.name} first`}.`,
    );
  } else if (tolerance !== undefined) {
    assume(`Nothing breaks: there is no FaultModel, so that ${tolerance.name} has nothing to do.`);
  }
  return {
    stack,
    telemetry: telemetryOf(simulation.telemetry),
    spares: cluster.pools.map(({ name }) => simulation.spares?.[name] ?? 0),
    ...(simulation.stack === undefined && tolerance === undefined && { stackOfPolicy: true }),
    ...(tolerance && { faultTolerance: tolerance }),
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
