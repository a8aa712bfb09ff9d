/** `Serving` documents → measured times and disaggregation of the deployments that they are for. */

import type { Disaggregation, MeasuredTable } from '../../sim/scenario.ts';
import { tableProblem } from '../../sim/world/serving/cost.ts';
import { gpuModel } from '../catalogue/gpus.ts';
import { INFINIBAND_BYTES_PER_SECOND } from '../catalogue/serving.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import type { ServingInput } from '../schema.ts';
import type { SourceDocument } from '../yaml.ts';
import type { DeploymentPlan } from './replicas.ts';

export interface ServingExtras {
  /** By GPU model; under '' of any other. */
  measured: ReadonlyMap<string, MeasuredTable>;
  split?: Disaggregation;
}

/** By deployment. */
export function servingExtras(
  docs: readonly CheckedDocument[],
  plans: readonly DeploymentPlan[],
  report: Report,
  assume: (sentence: string) => void,
): Map<string, ServingExtras> {
  const found = new Map<string, ServingExtras>();
  for (const { data, source } of documentsOf(docs, 'Serving')) {
    const { deployment } = data.spec;
    const plan = plans.find(({ id }) => id === deployment);
    const path = ['spec', 'deployment'];
    if (plan === undefined) {
      const among = plans.map(({ id }) => id);
      const expected = among.length === 0 ? 'an InferenceDeployment beside it' : `one of ${among.join(', ')}`;
      report.at(source, path, `unknown deployment '${deployment}'`, expected, { name: deployment, among });
    } else if (found.has(deployment)) {
      report.at(source, path, `a second Serving of '${deployment}'`, 'one document with all that is said of it');
    } else if (plan.plans.length === 0) {
      // Where its replicas could not be planned that has been reported.
      found.set(deployment, { measured: new Map() });
    } else {
      const split = splitOf(data.spec, plan, source, report, assume);
      found.set(deployment, { measured: tablesOf(data.spec, plan, source, report), ...(split && { split }) });
    }
  }
  return found;
}

function tablesOf(spec: ServingInput, plan: DeploymentPlan, source: SourceDocument, report: Report) {
  const tables = new Map<string, MeasuredTable>();
  spec.measured.forEach((table, i) => {
    const path = ['spec', 'measured', i];
    const { gpuModel: stated, ...times } = table;
    const problem = tableProblem(times);
    if (problem !== null) {
      report.at(source, [...path, problem.part], problem.found, problem.expected);
      return;
    }
    const model = stated === undefined ? '' : (gpuModel(stated)?.name ?? stated);
    const among = plan.plans.map(({ gpu }) => gpu.name);
    if (stated !== undefined && !among.includes(model)) {
      const found = `times on ${stated}, where no replica of ${plan.id} may stand`;
      report.at(source, [...path, 'gpuModel'], found, `one of ${among.join(', ')}`, { name: stated, among });
    } else if (tables.has(model)) {
      report.at(source, path, `a second table of ${model === '' ? 'any GPU' : model}`, 'one table a GPU model');
    } else tables.set(model, times);
  });
  return tables;
}

function splitOf(
  { disaggregated }: ServingInput,
  plan: DeploymentPlan,
  source: SourceDocument,
  report: Report,
  assume: (sentence: string) => void,
): Disaggregation | undefined {
  if (disaggregated === undefined) return undefined;
  const { id, replicas, autoscaling, annotation } = plan;
  const path = ['spec', 'disaggregated'];
  const { prefill, latency, bandwidth } = disaggregated;
  if (prefill >= replicas) {
    const expected = replicas < 2 ? 'at least 2 replicas' : `from 1 to ${replicas - 1}, so that one is left to decode`;
    report.at(source, [...path, 'prefill'], `${prefill} of the ${replicas} replicas of ${id} for prefill`, expected);
    return undefined;
  }
  if (autoscaling !== undefined) {
    const found = `${id} with an autoscaler, which does not know prefill from decode`;
    report.at(source, path, found, 'a fixed number of replicas, or no disaggregation');
    return undefined;
  }
  if (annotation('simsup.dev/fidelity', (text) => text) === 'rate') {
    const found = `${id} in fidelity rate, which has no closed form of it`;
    report.at(source, path, found, 'simsup.dev/fidelity: requests, or no disaggregation');
    return undefined;
  }
  const bytesPerSecond = bandwidth ?? INFINIBAND_BYTES_PER_SECOND * plan.gpus;
  const [{ kvBytesPerToken }] = plan.plans;
  const rate = bytesPerSecond === Infinity ? 'at once' : `at ${(bytesPerSecond / 1e9).toFixed(0)} GB/s`;
  assume(
    `${id}: ${prefill} of ${replicas} replicas prefill and the others decode; keys and values of a prompt (${(kvBytesPerToken / 1024).toFixed(0)} KiB a token) go over ${rate}${bandwidth === undefined ? ' (InfiniBand, 400 Gb/s a GPU)' : ''}, ${latency / 1000} ms at least.`,
  );
  return { prefill, transferPsPerToken: Math.round((kvBytesPerToken / bytesPerSecond) * 1e12), latencyUs: latency };
}
