/** Requests of a Workload and the InferenceDeployment they are for → a serving specification with everything a replica needs. */

import {
  type GeneratedRequests,
  HOUR_US,
  type RequestLength,
  type Scenario,
  type ServingSpec,
} from '../../sim/scenario.ts';
import { gpuModel } from '../catalogue/gpus.ts';
import { EFFICIENCY, gpuShape, planReplica, TRACE_BLOCK_TOKENS, UnfitError } from '../catalogue/serving.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import { nearestName } from '../problem.ts';
import { RequestLineError, readRequests, requestColumns } from '../requests-csv.ts';
import type { InferenceInput, RequestsInput, TokenLengthInput } from '../schema.ts';
import type { SourceDocument } from '../yaml.ts';
import type { CompiledCluster } from './cluster.ts';
import { linesOf, type ReadFile } from './read-file.ts';

export interface ServingContext {
  docs: readonly CheckedDocument[];
  cluster: CompiledCluster;
  jobs: Scenario['jobs'];
  readFile: ReadFile;
  report: Report;
  durationUs: number;
  startEpochSeconds: number;
  utcOffsetMinutes: number;
  assume(sentence: string): void;
}

/** Names of deployments that some Workload states requests for. */
export function servedDeployments(docs: readonly CheckedDocument[]): Set<string> {
  return new Set(documentsOf(docs, 'Workload').flatMap(({ data }) => data.spec.requests.map((r) => r.deployment)));
}

export function compileServing(c: ServingContext): ServingSpec[] | undefined {
  const deployments = documentsOf(c.docs, 'InferenceDeployment').map((doc, i) => ({
    ...doc,
    id: doc.data.metadata.name ?? `inference-${i + 1}`,
  }));
  const specs = new Map<string, ServingSpec>();
  for (const { data, source } of documentsOf(c.docs, 'Workload')) {
    data.spec.requests.forEach((input, i) => {
      const path = ['spec', 'requests', i];
      const found = deployments.find(({ id }) => id === input.deployment);
      if (found === undefined) {
        const names = deployments.map(({ id }) => id);
        const expected = names.length === 0 ? 'an InferenceDeployment beside it' : `one of ${names.join(', ')}`;
        report(c, source, [...path, 'deployment'], `unknown deployment '${input.deployment}'`, expected, names);
        return;
      }
      let spec = specs.get(input.deployment);
      if (spec === undefined) {
        spec = servingSpec(found.id, found.data, found.source, c);
        if (spec === undefined) return;
        specs.set(input.deployment, spec);
      }
      const part = requestPart(input, spec, source, path, c);
      if (part !== undefined) spec.requests.push(part);
    });
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

function servingSpec(
  name: string,
  { spec, metadata }: InferenceInput,
  source: SourceDocument,
  c: ServingContext,
): ServingSpec | undefined {
  const job = c.jobs.ids.indexOf(name);
  if (job < 0) return undefined; // its own problem is reported
  const models = c.cluster.pools.map((p) => p.gpuModel);
  const wanted = (spec.placement?.preferHardware ?? []).flatMap((hardware) => gpuModel(hardware) ?? []);
  const gpu = wanted.find((g) => models.includes(g.name)) ?? gpuModel(models.find((m) => m !== '') ?? '');
  if (gpu === undefined) {
    c.report.at(source, ['spec'], 'requests in a cluster without GPUs of a known model', 'a pool with a gpuModel');
    return undefined;
  }
  const gpus = c.jobs.taskGpus.slice(c.jobs.taskStart[job], c.jobs.taskStart[job + 1]);
  const each = Math.round(gpus.reduce((sum, n) => sum + n, 0) / spec.replicas);
  const tensor = Math.min(8, each);
  try {
    const plan = planReplica(
      {
        ...{ model: spec.model.name, precision: spec.model.precision, prefixTokens: TRACE_BLOCK_TOKENS },
        ...{ tensor, pipeline: Math.max(1, Math.round(each / tensor)) },
      },
      gpu,
    );
    const { settings } = plan;
    const pool = c.cluster.pools.find((p) => p.gpuModel === gpu.name);
    const routing = metadata.annotations['simsup.dev/routing'] ?? 'least-outstanding';
    if (routing !== 'round-robin' && routing !== 'least-outstanding' && routing !== 'prefix-aware') {
      const path = ['metadata', 'annotations', 'simsup.dev/routing'];
      c.report.at(source, path, `'${routing}'`, 'round-robin, least-outstanding or prefix-aware');
      return undefined;
    }
    c.assume(
      `${name}: requests are served on ${gpu.name}, TP${plan.tensor}${plan.pipeline > 1 ? ` × PP${plan.pipeline}` : ''}, ${settings.blocks * settings.blockTokens} tokens of KV cache a replica, routed ${routing}; its replicas are up from the start to the end.`,
    );
    return {
      ...{ name, job, replicas: spec.replicas, routing },
      parallelism: { tensor: plan.tensor, pipeline: plan.pipeline },
      ...{ model: plan.model.shape, precision: plan.precision, gpu: gpuShape(gpu), efficiency: EFFICIENCY },
      ...{ blockTokens: settings.blockTokens, blocks: settings.blocks, prefixTokens: settings.prefixTokens },
      ...{ maxTokens: settings.maxTokens, maxSequences: settings.maxSequences },
      ttftUs: spec.slo?.targetTTFT ?? Infinity,
      tokenUs: spec.slo?.p99Latency ?? Infinity,
      tokensPerSecond: spec.slo?.minThroughput ?? 0,
      priceMicroUsd: pool?.priceMicroUsd ?? 0,
      tenants: [],
      requests: [],
    };
  } catch (error) {
    if (!(error instanceof UnfitError)) throw error;
    c.report.at(source, ['spec', 'model'], error.found, error.expected);
    return undefined;
  }
}

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
            startEpochUs: c.startEpochSeconds * 1e6 + (c.utcOffsetMinutes * HOUR_US) / 60,
          };
  return {
    process,
    ...{ prompt: lengthOf(input.prompt), output: lengthOf(input.output), tenant: tenantOf(spec, input.tenant) },
    ...{ untilUs: c.durationUs, count: Infinity },
  };
}
