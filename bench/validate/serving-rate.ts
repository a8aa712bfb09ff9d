/** Fidelity `rate` against fidelity `requests`: one replica by its closed form, and several in a simulation. */
import { gpuModel } from '../../scenarios/catalogue/gpus.ts';
import { planReplica } from '../../scenarios/catalogue/serving.ts';
import { readScenario } from '../../scenarios/read.ts';
import { type ServeResult, serve } from '../../sim/serve.ts';
import { simulate } from '../../sim/simulate.ts';
import { generated } from '../../sim/world/serving/arrivals.ts';
import { type Load, rateMinute } from '../../sim/world/serving/rate.ts';
import type { Claim } from './claim.ts';
import { servingClaim as claim, deployed, LENGTHS } from './serving-run.ts';

/** Mean and variance ÷ mean² of what was drawn. */
function momentsOf(run: ServeResult, what: 'prompt' | 'output') {
  const n = run.traces.length;
  const mean = run.traces.reduce((sum, t) => sum + t[what], 0) / n;
  const square = run.traces.reduce((sum, t) => sum + t[what] * t[what], 0) / n;
  return { mean, cv2: square / (mean * mean) - 1 };
}

export function rateClaims(): Claim[] {
  const plan = planReplica({ model: 'llama-3.3-70b', precision: 'fp8' }, gpuModel('H200') as never);
  return [0.2, 0.5, 1, 2, 3].flatMap((perSecond) => {
    const requests = generated(
      { process: { kind: 'poisson', perSecond }, ...LENGTHS, tenant: 0, untilUs: Infinity, count: 4000 },
      'rate',
      'requests',
    );
    const run = serve(deployed(plan), requests, { sampleEvery: 1 });
    const [prompt, output] = [momentsOf(run, 'prompt'), momentsOf(run, 'output')];
    const load: Load = {
      perSecond,
      ...{ prompt: prompt.mean, promptCv2: prompt.cv2, output: output.mean, outputCv2: output.cv2 },
    };
    const minute = rateMinute(plan.settings, load);
    const { record } = run;
    const source = 'fidelity requests: 4,000 Poisson requests on one replica of Llama 3.3 70B FP8 on H200';
    const row = (what: string, unit: string, expected: number, got: number, share: number) =>
      claim(`rate against requests at ${perSecond}/s: ${what}`, source, unit, expected, got, share * expected);
    return [
      row('busy share', '‰', (1000 * record.busyUs) / run.spanUs, minute.busyMilli, 0.1),
      row('ITL', 'ms', record.itl.mean / 1000, minute.itlUs / 1000, 0.1),
      row('TTFT', 'ms', record.ttft.mean / 1000, minute.ttftUs / 1000, 0.25),
    ];
  });
}

/** Several replicas in a simulation, once request by request and once in closed form. */
export function fleetClaims(quick: boolean): Claim[] {
  const text = (fidelity: string, replicas: number, perSecond: number) => `
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: fleet}
spec: {duration: ${quick ? '15m' : '1h'}, policy: fifo-backfill}
---
apiVersion: simsup.dev/v1
kind: Cluster
metadata: {name: c}
spec: {pools: [{name: h200, gpuModel: H200-SXM5, nodes: 1, gpusPerNode: 8}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata: {name: chat, annotations: {simsup.dev/fidelity: ${fidelity}}}
spec: {model: {name: llama-3.3-70b, precision: fp8}, replicas: ${replicas}, slo: {targetTTFT: 500ms, p99Latency: 100ms}}
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: users}
spec: {requests: [{deployment: chat, perSecond: ${perSecond}, prompt: {median: 800, sigma: 0.7, max: 8000}, output: {median: 150, sigma: 0.8, max: 1000}}]}
`;
  const figures = (fidelity: string, replicas: number, perSecond: number) => {
    const [f] = simulate(readScenario(text(fidelity, replicas, perSecond))).serving ?? [];
    return {
      busy: (1000 * f.busyUs) / f.activeUs,
      ttft: f.ttftUs.mean / 1000,
      itl: f.itlUs.mean / 1000,
      attainment: (100 * f.attained) / f.completed,
    };
  };
  return [2, 4].flatMap((replicas) =>
    [0.2, 1, 2.5].flatMap((each) => {
      const perSecond = replicas * each;
      const [exact, closed] = [figures('requests', replicas, perSecond), figures('rate', replicas, perSecond)];
      const source = `fidelity requests: Poisson requests on ${replicas} replicas of Llama 3.3 70B FP8 on H200, sent to the emptiest`;
      const row = (what: keyof typeof exact, unit: string, tolerance: number) =>
        claim(
          `rate against requests, ${replicas} replicas at ${each}/s each: ${what}`,
          source,
          unit,
          exact[what],
          closed[what],
          tolerance,
        );
      return [
        row('busy', '‰', 0.1 * exact.busy),
        row('itl', 'ms', 0.1 * exact.itl),
        row('ttft', 'ms', 0.1 * exact.ttft),
        row('attainment', '% of requests', quick ? 2 : 1),
      ];
    }),
  );
}
