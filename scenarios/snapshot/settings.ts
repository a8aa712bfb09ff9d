/** The scheduler's own configuration and parameters, from its snapshot or its ConfigMap; else its defaults. */
import { parse } from 'yaml';
import {
  ACTIONS,
  type ActionName,
  DEFAULT_CONFIG,
  DEFAULT_STALENESS_GRACE_US,
  type Placement,
  RANKING_PLUGINS,
  type RankingPlugin,
  type SchedulerConfig,
} from '../../sim/policy/runai/config.ts';
import { duration, entries, type Fields, fieldsOf, flag, part, parts, textOr, whole } from './fields.ts';
import { readJson } from './json.ts';
import type { KubeObject, RawSnapshot } from './objects.ts';
import { type Findings, quoted, SnapshotError } from './problems.ts';
import { parseGoDuration } from './quantity.ts';
import { SNAPSHOT_SHAPE } from './shape.ts';

/** Durations in µs. */
export interface SchedulerSettings {
  config: SchedulerConfig;
  /** Off: departments play no part, all projects hang under one. */
  fullHierarchyFairness: boolean;
  /** Takes only nodes labelled as CPU or GPU workers. */
  restrictSchedulingNodes: boolean;
  stalenessGraceUs: number;
  /** A running pod told to leave longer ago than this is not counted on. */
  stuckInReleasingUs: number;
  schedulePeriodUs: number;
  schedulerName: string;
  /** Label that tells the node pools apart, '' = none does; an empty value means objects without the label. */
  nodePool: { labelKey: string; value: string };
}

export const NODE_POOL_LABEL = 'kai.scheduler/node-pool';
/** Plug-ins that rank nothing here: always on, about other kinds of work, or searches of the same victims. */
const OTHER_PLUGINS = new Set([
  'predicates',
  'kubeflow',
  'ray',
  'dynamicresources',
  'minruntime',
  'snapshot',
  'podaffinity',
  'reflectjoborder',
  'sg-nodelocalgreedy',
  'sg-multinodegang',
]);

/** Defaults of the scheduler's command line (KAI-Scheduler d5bc503a, cmd/scheduler/app/options). */
export const DEFAULT_SETTINGS: SchedulerSettings = {
  config: DEFAULT_CONFIG,
  fullHierarchyFairness: true,
  restrictSchedulingNodes: false,
  stalenessGraceUs: DEFAULT_STALENESS_GRACE_US,
  stuckInReleasingUs: 120e6,
  schedulePeriodUs: 1e6,
  schedulerName: 'kai-scheduler',
  nodePool: { labelKey: '', value: '' },
};

export function readSettings(raw: RawSnapshot, findings: Findings): SchedulerSettings {
  const own = raw.config ?? configMapOf(raw.objects.ConfigMap, findings);
  const config = { ...DEFAULT_CONFIG, ...(own === undefined ? {} : readConfig(own, findings)) };
  return { ...DEFAULT_SETTINGS, config, ...(raw.params === undefined ? {} : readParams(raw.params, config, findings)) };
}

function readConfig(config: Fields, findings: Findings): Partial<SchedulerConfig> {
  const settings: Partial<SchedulerConfig> = {};
  const actions = textOr(config, 'actions')
    .split(',')
    .map((action) => action.trim())
    .filter((action) => action !== '');
  for (const action of actions) {
    if (!(ACTIONS as readonly string[]).includes(action))
      throw new SnapshotError(
        `${config.object}: ${config.path}actions: found ${quoted(action)}, expected ${ACTIONS.join(', ')}`,
      );
  }
  if (actions.length > 0) settings.actions = actions as ActionName[];
  const plugins = parts(config, 'tiers').flatMap((tier) => parts(tier, 'plugins'));
  if (plugins.length > 0) settings.plugins = rankingPlugins(config, plugins, findings);
  for (const plugin of plugins) Object.assign(settings, pluginSettings(plugin, findings));
  const depths = entries(config, 'queueDepthPerAction').filter(([, n]) => /^\d{1,9}$/.test(n));
  settings.queueDepth = Object.fromEntries(depths.map(([action, n]) => [action, Number(n)]));
  if (part(config, 'usageDBConfig') !== undefined) {
    findings.warn(
      'usage',
      'time-based fair share',
      'is configured, but a snapshot holds no past usage: every queue counts as not having used anything lately',
    );
  }
  return settings;
}

function rankingPlugins(config: Fields, plugins: readonly Fields[], findings: Findings): Set<RankingPlugin> {
  const ranking = new Set<RankingPlugin>();
  for (const plugin of plugins) {
    const name = textOr(plugin, 'name');
    if ((RANKING_PLUGINS as readonly string[]).includes(name)) ranking.add(name as RankingPlugin);
    else if (!OTHER_PLUGINS.has(name))
      findings.warn(`plug-in ${name}`, `${config.object}: plug-in ${quoted(name)}`, 'is not known: it plays no part');
  }
  return ranking;
}

/** A value that the plug-in cannot read is replaced by its default there, and so here. */
function pluginSettings(plugin: Fields, findings: Findings): Partial<SchedulerConfig> {
  const name = textOr(plugin, 'name');
  const given = new Map(entries(plugin, 'arguments'));
  const settings: Partial<SchedulerConfig> = {};
  const read = <T>(argument: string, parsed: (text: string) => T | undefined, use: (value: T) => void): void => {
    const value = given.get(argument);
    if (value === undefined) return;
    const got = parsed(value);
    if (got !== undefined) use(got);
    else findings.warn(`argument ${argument}`, `plug-in ${name}: ${argument}`, 'cannot be read: its default holds');
  };
  const decimal = (text: string) => (text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined);
  const runtime = (text: string) => {
    const us = parseGoDuration(text);
    return us === undefined || us < 0 ? undefined : us;
  };
  const placement = (text: string): Placement | undefined =>
    text === 'spread' || text === 'binpack' ? text : undefined;
  if (name === 'nodeplacement') {
    read('gpu', placement, (p) => (settings.gpuPlacement = p));
    read('cpu', placement, (p) => (settings.cpuPlacement = p));
  } else if (name === 'proportion') {
    read('kValue', decimal, (k) => (settings.kValue = Math.max(0, k)));
    read('relcaimerSaturationMultiplier', decimal, (m) => (settings.reclaimerUtilizationMultiplier = Math.max(1, m)));
  } else if (name === 'minruntime') {
    read('defaultPreemptMinRuntime', runtime, (us) => (settings.defaultPreemptMinRuntimeUs = us));
    read('defaultReclaimMinRuntime', runtime, (us) => (settings.defaultReclaimMinRuntimeUs = us));
    read(
      'reclaimResolveMethod',
      (text) => (text === 'lca' || text === 'queue' ? text : undefined),
      (method) => (settings.reclaimResolveMethod = method),
    );
  }
  return settings;
}

/**
 * Go leaves out of its JSON what is false, 0 or empty. In parameters that the scheduler itself wrote, an absent field
 * therefore says false or 0; in others it says nothing and the default of the command line holds.
 */
function readParams(params: Fields, config: SchedulerConfig, findings: Findings): Partial<SchedulerSettings> {
  const written = ['numOfStatusRecordingWorkers', 'schedulePeriod'].some((field) => params.json[field] !== undefined);
  const absent = <T>(field: string, zero: T, otherwise: T, means: string): T => {
    if (!written) return otherwise;
    if (zero !== otherwise)
      findings.warn(`param ${field}`, `schedulerParams.${field}`, `is absent, which the scheduler writes for ${means}`);
    return zero;
  };
  const d = DEFAULT_SETTINGS;
  const partition = part(params, 'partitionParams');
  const label = (name: string) => (partition === undefined ? '' : textOr(partition, name));
  return {
    schedulerName: textOr(params, 'schedulerName', d.schedulerName),
    restrictSchedulingNodes: flag(params, 'restrictSchedulingNodes') ?? false,
    nodePool: { labelKey: label('nodePoolLabelKey'), value: label('nodePoolLabelValue') },
    config: {
      ...config,
      maxConsolidationPreemptees:
        whole(params, 'maxNumberConsolidationPreemptees') ??
        absent('maxNumberConsolidationPreemptees', 0, config.maxConsolidationPreemptees, '0: no consolidation'),
      skipHarderJobs:
        flag(params, 'useSchedulingSignatures') ?? absent('useSchedulingSignatures', false, true, 'false'),
      allowConsolidatingReclaim:
        flag(params, 'allowConsolidatingReclaim') ?? absent('allowConsolidatingReclaim', false, true, 'false'),
    },
    fullHierarchyFairness:
      flag(params, 'fullHierarchyFairness') ??
      absent('fullHierarchyFairness', false, true, 'false: departments play no part'),
    stalenessGraceUs:
      duration(params, 'globalDefaultStalenessGracePeriod') ??
      absent('globalDefaultStalenessGracePeriod', 0, d.stalenessGraceUs, '0: stale gangs are evicted at once'),
    // 0 is no threshold to the scheduler, which then takes its default.
    stuckInReleasingUs: duration(params, 'stuckInReleasingThreshold') || d.stuckInReleasingUs,
    schedulePeriodUs: duration(params, 'schedulePeriod') || d.schedulePeriodUs,
  };
}

/** `config.yaml` of the scheduler's own ConfigMap, as its operator writes it. */
function configMapOf(configMaps: readonly KubeObject[], findings: Findings): Fields | undefined {
  const found = configMaps.filter((c) => /scheduler/.test(c.name) && configText(c) !== undefined);
  if (found.length === 0) return undefined;
  if (found.length > 1) {
    findings.warn(
      'configmaps',
      found[0].object,
      'and others look like the configuration of the scheduler: the first is taken',
    );
  }
  let config: unknown;
  try {
    config = parse(configText(found[0]) ?? '');
  } catch {
    throw new SnapshotError(
      `${found[0].object}: data['config.yaml']: found no valid YAML, expected the scheduler's configuration`,
    );
  }
  // Through the same list of fields as everything else.
  const bytes = new TextEncoder().encode(JSON.stringify({ config }));
  const [json] = readJson(bytes, SNAPSHOT_SHAPE, found[0].object);
  return part(fieldsOf(found[0].object, json as never), 'config');
}

function configText(configMap: KubeObject): string | undefined {
  return entries(configMap, 'data').find(([key]) => key === 'config.yaml')?.[1];
}
