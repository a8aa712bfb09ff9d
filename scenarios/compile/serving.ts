/** Requests of a Workload and the InferenceDeployment they are for → a serving specification with everything a replica needs. */

import { exp } from '../../sim/engine/math.ts';
import {
  type GeneratedRequests,
  HOUR_US,
  type RequestLength,
  type Scenario,
  type ServingSpec,
} from '../../sim/scenario.ts';
import { WEIGHT_BYTES } from '../../sim/world/serving/cost.ts';
import { ROUTINGS } from '../../sim/world/serving/router.ts';
import { EFFICIENCY, gpuShape } from '../catalogue/serving.ts';
import { COLD_START, DEFAULT_LOAD, DRAIN_US, MOST_DRAWN_REQUESTS } from '../catalogue/serving-defaults.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import { nearestName } from '../problem.ts';
import { RequestLineError, readRequests, requestColumns } from '../requests-csv.ts';
import type { RequestsInput, TokenLengthInput } from '../schema.ts';
import { parseBandwidth, parseCount, parseDuration } from '../units.ts';
import type { SourceDocument } from '../yaml.ts';
import type { CompiledCluster } from './cluster.ts';
import { linesOf, type ReadFile } from './read-file.ts';
import type { DeploymentPlan } from './replicas.ts';
import { type ServingExtras, servingExtras } from './serving-kind.ts';
import { placementOf, placementText } from './serving-placement.ts';
import { verdictOf } from './serving-verdict.ts';

export interface ServingContext {
  docs: readonly CheckedDocument[];
  deployments: readonly DeploymentPlan[];
  cluster: CompiledCluster;
  jobs: Scenario['jobs'];
  poolLists: Scenario['poolLists'];
  /** The stack whose control plane places replicas by their targets. */
  missionControl: boolean;
  readFile: ReadFile;
  report: Report;
  seed: string;
  durationUs: number;
  startEpochSeconds: number;
  utcOffsetMinutes: number;
  assume(sentence: string): void;
}

export function compileServing(c: ServingContext): ServingSpec[] | undefined {
  const specs = new Map<string, ServingSpec>();
  const extras = servingExtras(c.docs, c.deployments, c.report, c.assume);
  for (const plan of c.deployments) {
    const spec = servingSpec(plan, extras.get(plan.id), c);
    if (spec !== undefined) specs.set(plan.id, spec);
  }
  for (const { data, source } of documentsOf(c.docs, 'Workload')) {
    data.spec.requests.forEach((input, i) => {
      const path = ['spec', 'requests', i];
      if (!c.deployments.some(({ id }) => id === input.deployment)) {
        const names = c.deployments.map(({ id }) => id);
        const expected = names.length === 0 ? 'an InferenceDeployment beside it' : `one of ${names.join(', ')}`;
        report(c, source, [...path, 'deployment'], `unknown deployment '${input.deployment}'`, expected, names);
        return;
      }
      const spec = specs.get(input.deployment);
      if (spec === undefined) return; // its own problem is reported
      const part = requestPart(input, spec, source, path, c);
      if (part !== undefined) spec.requests.push(part);
    });
  }
  for (const plan of c.deployments) {
    const spec = specs.get(plan.id);
    if (spec !== undefined) complete(spec, plan, c);
  }
  return specs.size === 0 ? undefined : [...specs.values()];
}

function report(
  c: ServingContext,
  source: SourceDocument,
  path: (string | number)[],
  found: string,
  expected: string,
  names: readonly string[] = [],
): void {
  const name = /'([^']*)'/.exec(found)?.[1];
  const near = name === undefined ? undefined : nearestName(name, names);
  c.report.at(source, path, found, near === undefined ? expected : `${expected}; did you mean ${near}?`);
}

/** One of some words, in an annotation. */
function choice<T extends string>(
  { annotation, source }: DeploymentPlan,
  c: ServingContext,
  key: string,
  among: readonly T[],
): T | undefined {
  const said = annotation(key, (text) => text);
  if (said === undefined) return undefined;
  const found = among.find((one) => one === said);
  if (found === undefined) {
    const near = { name: said, among };
    c.report.at(source, ['metadata', 'annotations', key], `'${said}'`, `one of ${among.join(', ')}`, near);
  }
  return found;
}

function servingSpec(
  plan: DeploymentPlan,
  extras: ServingExtras | undefined,
  c: ServingContext,
): ServingSpec | undefined {
  const { id, data, plans, jobIds, annotation } = plan;
  const { spec } = data;
  const jobs = jobIds.map((jobId) => c.jobs.ids.indexOf(jobId));
  if (plans.length === 0 || jobs.includes(-1) || c.durationUs === Infinity) return undefined;
  const pools = c.poolLists[c.jobs.poolList[jobs[0]]];
  const variants = pools.flatMap((pool): ServingSpec['variants'] => {
    const on = plans.find(({ gpu }) => gpu.name === c.cluster.pools[pool].gpuModel);
    if (on === undefined) return [];
    const { tensor, pipeline, settings, gpu } = on;
    const { blocks, maxTokens, maxSequences } = settings;
    const parallelism = { tensor, pipeline };
    const measured = extras?.measured.get(gpu.name) ?? extras?.measured.get('');
    const limits = { blocks, maxTokens, maxSequences };
    const shape = { pool, gpuModel: gpu.name, gpu: gpuShape(gpu), parallelism, ...limits };
    return [{ ...shape, ...(measured && { measured }) }];
  });
  if (variants.length === 0) return undefined;
  const { model, precision, settings } = plans[0];
  for (const target of ['targetTTFT', 'p99Latency'] as const)
    if (spec.slo?.[target] === 0)
      c.report.at(plan.source, ['spec', 'slo', target], 'a target of 0, which nothing meets', 'a time such as 150ms');
  const routing = choice(plan, c, 'simsup.dev/routing', ROUTINGS) ?? 'least-outstanding';
  const { autoscaling } = plan;
  return {
    ...{ name: id, replicaJobs: jobs, replicas: plan.replicas, routing, variants },
    ...{ fidelity: 'requests', startsActive: false },
    ...{ model: model.shape, modelName: model.name, precision, efficiency: EFFICIENCY },
    ...{ blockTokens: settings.blockTokens, prefixTokens: settings.prefixTokens },
    maxOutstanding: annotation('simsup.dev/max-outstanding', (text) => parseCount(text, 1)) ?? Infinity,
    drainUs: annotation('simsup.dev/drain', parseDuration) ?? DRAIN_US,
    coldStart: {
      ...COLD_START,
      ...(optional('imageUs', annotation('simsup.dev/image-pull', parseDuration)) as object),
      ...(optional('storeBytesPerSecond', annotation('simsup.dev/weights-bandwidth', parseBandwidth)) as object),
      weightBytes: Math.round(model.paramsB * 1e9 * WEIGHT_BYTES[precision]),
    },
    ...(autoscaling && { autoscaling }),
    ...(extras?.split && { split: extras.split }),
    ttftUs: spec.slo?.targetTTFT ?? Infinity,
    tokenUs: spec.slo?.p99Latency ?? Infinity,
    tokensPerSecond: spec.slo?.minThroughput ?? 0,
    tenants: [],
    requests: [],
  };
}

const optional = (name: string, value: number | undefined) => (value === undefined ? {} : { [name]: value });

/** What depends on the requests: those assumed where none are stated, how closely they are simulated, where replicas go. */
function complete(spec: ServingSpec, plan: DeploymentPlan, c: ServingContext): void {
  const { id } = plan;
  const stated = spec.requests.length > 0;
  if (!stated) spec.requests.push(defaultRequests(spec, c));
  spec.startsActive =
    (choice(plan, c, 'simsup.dev/start', ['active', 'new'] as const) ?? (stated ? 'active' : 'new')) === 'active';
  const many = requestCount(spec, c.durationUs);
  const drawn = spec.requests.some((part) => !('columns' in part));
  spec.fidelity =
    choice(plan, c, 'simsup.dev/fidelity', ['requests', 'rate'] as const) ??
    (drawn && many > MOST_DRAWN_REQUESTS && spec.split === undefined ? 'rate' : 'requests');
  const prompts = spec.requests.map((part) => typicalPrompt(part));
  const placement = placementOf(plan, spec, Math.max(...prompts), c);
  if (placement !== undefined) spec.placement = placement;
  // The closed form that judges has prefill and decode on one replica.
  const verdict = spec.split === undefined ? verdictOf(spec, c.cluster, c.seed, c.durationUs) : undefined;
  if (verdict !== undefined) spec.verdict = verdict;
  const [first] = spec.variants;
  const { tensor, pipeline } = first.parallelism;
  const others = [...new Set(spec.variants.slice(1).map(({ gpuModel }) => gpuModel))].filter(
    (m) => m !== first.gpuModel,
  );
  const { autoscaling: a } = spec;
  c.assume(
    `${id}: requests are served on ${first.gpuModel}${others.length > 0 ? ` (or ${others.join(', ')})` : ''}, TP${tensor}${pipeline > 1 ? ` × PP${pipeline}` : ''}, ${first.blocks * spec.blockTokens} tokens of KV cache a replica, routed ${spec.routing}; fidelity ${spec.fidelity}${spec.fidelity === 'rate' ? ' (closed form by replica and minute)' : ' (every request and batch)'}; ${spec.startsActive ? 'in service when the simulation begins' : 'deployed when the simulation begins, with a cold start'}.`,
  );
  if (a !== undefined)
    c.assume(`${id}: ${a.min} to ${a.max} replicas, by ${SCALERS[a.kind]}; ${spec.replicas} at the start.`);
  if (placement !== undefined) c.assume(`${id}: ${placementText(placement)}`);
  else if (plan.data.spec.placement?.avoidIfDCGMUtil !== undefined)
    c.assume(
      `${id}: avoidIfDCGMUtil is Mission Control's; this stack places replicas as its scheduler does (stack: mission-control applies it).`,
    );
}

const SCALERS = {
  concurrency: "Knative's concurrency autoscaler (60 s window, panic at twice the target in 6 s)",
  hpa: "Kubernetes' HorizontalPodAutoscaler (15 s, 300 s before it shrinks)",
  slo: 'a planner for the targets (every 180 s, the fewest replicas with which 99 % of requests meet them)',
} as const;

/** As many requests as the deployment promises tokens for, in the shape of a public trace. */
function defaultRequests(spec: ServingSpec, c: ServingContext): GeneratedRequests {
  const { meanOutput, perSecondPerReplica, peakToTrough, peakHour, prompts, outputs, source } = DEFAULT_LOAD;
  const perSecond =
    spec.tokensPerSecond > 0 ? spec.tokensPerSecond / meanOutput : perSecondPerReplica * Math.max(1, spec.replicas);
  const why = spec.tokensPerSecond > 0 ? 'its minThroughput on average' : `${perSecondPerReplica} a second and replica`;
  c.assume(
    `${spec.name}: no Workload states its requests; ${perSecond.toFixed(2)} a second are assumed (${why}), the busiest hour ${peakToTrough} times the quietest (${source}).`,
  );
  tenantOf(spec, 'default');
  return {
    process: {
      ...{ kind: 'diurnal', perSecond, amplitude: (peakToTrough - 1) / (peakToTrough + 1), peakHour, weekendFactor: 1 },
      startEpochUs: localStartUs(c),
    },
    ...{
      prompt: { quantiles: prompts },
      output: { quantiles: outputs },
      tenant: 0,
      untilUs: c.durationUs,
      count: Infinity,
    },
  };
}

function requestCount(spec: ServingSpec, durationUs: number): number {
  return spec.requests.reduce(
    (sum, part) => sum + ('columns' in part ? part.columns.count : (part.process.perSecond * durationUs) / 1e6),
    0,
  );
}

/** Its 90 % quantile, tokens: what a placement has to be able to take. */
function typicalPrompt(part: ServingSpec['requests'][number]): number {
  if ('columns' in part) {
    const sorted = part.columns.prompt.slice(0, part.columns.count).sort();
    return sorted.length === 0 ? 0 : sorted[Math.floor(0.9 * (sorted.length - 1))];
  }
  const { prompt } = part;
  if (typeof prompt === 'number') return prompt;
  if ('quantiles' in prompt) return prompt.quantiles[Math.floor(0.9 * (prompt.quantiles.length - 1))];
  return Math.min(prompt.max, Math.round(prompt.median * exp(1.2816 * prompt.sigma)));
}

const localStartUs = (c: ServingContext) => c.startEpochSeconds * 1e6 + (c.utcOffsetMinutes * HOUR_US) / 60;

function tenantOf(spec: ServingSpec, name: string): number {
  const known = spec.tenants.indexOf(name);
  return known >= 0 ? known : spec.tenants.push(name) - 1;
}

const lengthOf = (input: TokenLengthInput): RequestLength =>
  typeof input === 'object' && 'quantiles' in input ? { quantiles: [...input.quantiles].sort((x, y) => x - y) } : input;

function requestPart(
  input: RequestsInput,
  spec: ServingSpec,
  source: SourceDocument,
  path: (string | number)[],
  c: ServingContext,
): ServingSpec['requests'][number] | undefined {
  if ((input.file === undefined) === (input.perSecond === undefined)) {
    const found = input.file === undefined ? 'neither a file nor a rate' : 'a file beside a rate';
    c.report.at(source, path, found, 'file, or perSecond');
    return undefined;
  }
  if (input.file !== undefined) {
    try {
      const names = new Map<string, number>();
      const columns = requestColumns(readRequests(linesOf(c.readFile(input.file)), names));
      if (columns.count === 0) {
        c.report.at(source, [...path, 'file'], `no request in ${input.file}`, 'at least one line of a request');
        return undefined;
      }
      // Tenants of the file by their names, of lines without one by this entry's.
      const tenants = [...names.keys()].map((name) => tenantOf(spec, name === '' ? input.tenant : name));
      columns.tenant = columns.tenant.map((tenant) => tenants[tenant]);
      return { columns, rate: input.rateFactor };
    } catch (error) {
      const what =
        error instanceof RequestLineError
          ? `${input.file}, ${error.message}`
          : `${input.file} (${(error as Error).message})`;
      c.report.at(source, [...path, 'file'], what, 'a file of requests that can be read');
      return undefined;
    }
  }
  const perSecond = input.perSecond as number;
  const amplitude = (input.peakToTrough - 1) / (input.peakToTrough + 1);
  const process: GeneratedRequests['process'] =
    input.pattern === 'poisson'
      ? { kind: 'poisson', perSecond }
      : input.pattern === 'gamma'
        ? { kind: 'gamma', perSecond, cv: input.cv }
        : {
            ...{ kind: 'diurnal', perSecond, amplitude, peakHour: input.peakHour, weekendFactor: input.weekend },
            startEpochUs: localStartUs(c),
          };
  return {
    process,
    ...{ prompt: lengthOf(input.prompt), output: lengthOf(input.output), tenant: tenantOf(spec, input.tenant) },
    ...{ untilUs: c.durationUs, count: Infinity },
  };
}
