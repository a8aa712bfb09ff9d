/** Under which row of the guide's table a deployment falls, and which pools that allows, best first. */

import {
  PLACEMENT_RULES,
  type PlacementRule,
  type ServingPlacement,
  type ServingSpec,
  UTIL_FIELDS,
} from '../../sim/scenario.ts';
import { gpuModel } from '../catalogue/gpus.ts';
import { servedModel } from '../catalogue/models.ts';
import { PLACEMENT_HYSTERESIS, PLACEMENT_WINDOW_US } from '../catalogue/serving-defaults.ts';
import type { Report } from '../documents.ts';
import { parseDuration } from '../units.ts';
import type { CompiledCluster } from './cluster.ts';
import type { DeploymentPlan } from './replicas.ts';

/** Sizes of the table's rows, 10^9 parameters: 7–13B, 70B, 405B; what lies between goes to the nearer one. */
const SMALL_B = 20;
const LARGE_B = 200;
/** A prompt of the row "long context": 32K tokens and more. */
const LONG_CONTEXT = 32_000;
/** Time to first token of the row "high-throughput batch". */
const BATCH_TTFT_US = 2_000_000;
/** Row "70B, long context": DCGM utilisation below 60 %, 141 GB or more. */
const LONG_CONTEXT_UTIL = 0.6;
const LONG_CONTEXT_GB = 141;

interface PlacementContext {
  cluster: CompiledCluster;
  /** The stack whose control plane places replicas by their targets. */
  missionControl: boolean;
  report: Report;
}

function ruleOf(plan: DeploymentPlan, spec: ServingSpec, prompt: number): PlacementRule {
  if (plan.data.spec.placement?.preferHardware !== undefined) return 'preferred';
  const paramsB = servedModel(spec.modelName)?.paramsB ?? 0;
  if (paramsB >= LARGE_B) return 'nvlink-group';
  if (paramsB <= SMALL_B) return 'interactive';
  if (prompt >= LONG_CONTEXT) return 'long-context';
  return spec.ttftUs >= BATCH_TTFT_US ? 'throughput' : 'preferred';
}

export function placementOf(
  plan: DeploymentPlan,
  spec: ServingSpec,
  prompt: number,
  c: PlacementContext,
): ServingPlacement | undefined {
  const { annotation, data, source } = plan;
  const word = <T extends string>(key: string, among: readonly T[]): T | undefined => {
    const said = annotation(key, (text) => text);
    const found = among.find((one) => one === said);
    if (said !== undefined && found === undefined)
      c.report.at(source, ['metadata', 'annotations', key], `'${said}'`, `one of ${among.join(', ')}`, {
        ...{ name: said, among },
      });
    return found;
  };
  const said = word('simsup.dev/placement-rule', PLACEMENT_RULES);
  const field = word('simsup.dev/util-field', UTIL_FIELDS) ?? 'DCGM_FI_DEV_GPU_UTIL';
  if (!c.missionControl) return undefined;
  const rule = said ?? ruleOf(plan, spec, prompt);
  const gb = (model: string) => gpuModel(model)?.sheetGB ?? 0;
  const bandwidth = (v: ServingSpec['variants'][number]) => v.gpu.hbmBytesPerSecond;
  const all = [...spec.variants];
  // In the order of the table's hardware column, then of the pools.
  const isH200 = (v: ServingSpec['variants'][number]) => (v.gpuModel === 'H200-SXM5' ? 0 : 1);
  let taken = all;
  if (rule === 'long-context') taken = all.filter((v) => gb(v.gpuModel) >= LONG_CONTEXT_GB);
  if (rule === 'nvlink-group') taken = all.filter((v) => nvlinkGroup(c, v.pool) >= plan.gpus);
  if (taken.length === 0) {
    const what =
      rule === 'long-context'
        ? `a pool of GPUs with ${LONG_CONTEXT_GB} GB or more`
        : `a pool whose NVLink joins ${plan.gpus} GPUs (a node, or nodesPerNvlinkDomain)`;
    const found = `the placement rule ${rule} and pools of ${[...new Set(all.map((v) => v.gpuModel))].join(', ')}`;
    c.report.at(source, ['spec', 'placement'], found, what);
    return undefined;
  }
  if (rule === 'long-context' || rule === 'nvlink-group') taken = [...taken].sort((x, y) => isH200(x) - isH200(y));
  if (rule === 'throughput' || rule === 'interactive')
    taken = [...taken].sort((x, y) => bandwidth(y) - bandwidth(x) || x.pool - y.pool);
  const stated = data.spec.placement?.avoidIfDCGMUtil;
  const avoidUtil = stated ?? (rule === 'long-context' ? LONG_CONTEXT_UTIL : 1);
  return {
    ...{ rule, field, avoidUtil, pools: taken.map((v) => v.pool) },
    clearUtil: Math.max(0, avoidUtil - PLACEMENT_HYSTERESIS),
    windowUs: annotation('simsup.dev/util-window', parseDuration) ?? PLACEMENT_WINDOW_US,
    rebalances: plan.moves,
  };
}

/** GPUs that NVLink joins in a pool: a node's, or those of all nodes in one domain. */
export function nvlinkGroup({ cluster }: Pick<PlacementContext, 'cluster'>, pool: number): number {
  const { nodes } = cluster;
  const byDomain = new Map<number, number>();
  let most = 0;
  for (let n = 0; n < nodes.count; n++) {
    if (nodes.pool[n] !== pool) continue;
    if ((gpuModel(cluster.pools[pool].gpuModel)?.nvlinkGpus ?? 0) > 1) most = Math.max(most, nodes.gpus[n]);
    if (nodes.nvlinkDomain[n] < 0) continue;
    const sum = (byDomain.get(nodes.nvlinkDomain[n]) ?? 0) + nodes.gpus[n];
    byDomain.set(nodes.nvlinkDomain[n], sum);
    most = Math.max(most, sum);
  }
  return most;
}

const RULES: Record<PlacementRule, string> = {
  'long-context': 'long context: GPUs of 141 GB or more, H200 first',
  throughput: 'throughput: the highest memory bandwidth first',
  interactive: 'interactive: the node with the lowest queue depth',
  'nvlink-group': 'several GPUs: a group that NVLink joins, by topology',
  preferred: 'the preferred hardware, in order',
};

export function placementText({
  rule,
  avoidUtil,
  clearUtil,
  field,
  windowUs,
  rebalances: moves,
}: ServingPlacement): string {
  const window = `${field}, mean of a node's GPUs over ${windowUs / 1e6} s, as old as telemetry is`;
  // A busy replica reads near 1 wherever it stands: to move it would not help.
  const still = avoidUtil < 1 ? ", and those that stand on one stay (simsup.dev/rebalance: 'true' moves them)" : '';
  const avoided =
    avoidUtil < 1 ? `; no node above ${avoidUtil} (taken again below ${clearUtil.toFixed(2)}; ${window})` : '';
  return `placed by the rule ${RULES[rule]}${avoided}${moves ? '; replicas move away from a node above it' : still}.`;
}
