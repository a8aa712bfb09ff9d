import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sloSummary } from '../../reports/serving.ts';
import { simulate } from '../../sim/simulate.ts';
import { builtin } from '../builtin/index.ts';
import { readScenario } from '../read.ts';

const MIXED = 'prompt: {median: 800, sigma: 0.7, max: 4000}, output: {median: 150, sigma: 0.7, max: 800}';

/** `replicas` replicas of `tensor` GPUs each on one node of four. */
const tiny = (gpu: string, model: string, slo: string, requests: string, tensor: number, replicas: number) => `
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: tiny}
spec: {duration: 15m}
---
apiVersion: simsup.dev/v1
kind: Cluster
metadata: {name: c}
spec: {pools: [{name: p, gpuModel: ${gpu}, nodes: 1, gpusPerNode: 4, price: $4/h}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata: {name: chat, annotations: {simsup.dev/gpus-per-replica: '${tensor}'}}
spec: {model: {name: ${model}, precision: fp8}, replicas: ${replicas}, slo: ${slo}}
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: w}
spec: {requests: [{deployment: chat, ${requests}}]}
`;

describe('the verdict on placements, against simulating every placement of a tiny cluster request by request', () => {
  it.each([
    ['H200-SXM5', 'llama-3.1-70b', '{targetTTFT: 750ms, p99Latency: 250ms}', `perSecond: 4, ${MIXED}`],
    [
      'B200-SXM6',
      'llama-3.1-70b',
      '{targetTTFT: 400ms, p99Latency: 400ms}',
      'perSecond: 10, prompt: 1500, output: 200',
    ],
    ['H100-SXM5', 'llama-3.1-8b', '{targetTTFT: 60ms, p99Latency: 50ms}', `perSecond: 10, ${MIXED}`],
  ])('%s, %s, %s', (gpu, model, slo, requests) => {
    for (const tensor of [1, 2, 4]) {
      let fewest = 0;
      let said = -1;
      for (let replicas = 1; replicas * tensor <= 4; replicas++) {
        const run = simulate(readScenario(tiny(gpu, model, slo, requests, tensor, replicas)));
        const { met, placement } = sloSummary((run.serving ?? [])[0]);
        const [here] = placement?.here ?? [];
        expect([here.tensor, here.pools]).toEqual([tensor, ['p']]);
        said = here.replicas;
        if (met.ttft && met.tokenP99 && fewest === 0) fewest = replicas;
      }
      expect([tensor, said]).toEqual([tensor, fewest]);
    }
  });
});

it('the verdict on random deployments: as many replicas as it says do, one fewer do not, but for what lies at the edge', () => {
  /** Points of attainment that the closed form may be wrong by: bench/validate has its error. */
  const EDGE = 0.015;
  const any = fc.record({
    gpu: fc.constantFrom('H100-SXM5', 'H200-SXM5', 'B200-SXM6'),
    ttftMs: fc.integer({ min: 80, max: 900 }),
    tokenMs: fc.integer({ min: 15, max: 120 }),
    perSecond: fc.integer({ min: 1, max: 60 }),
    median: fc.integer({ min: 100, max: 2000 }),
    output: fc.integer({ min: 20, max: 400 }),
    tensor: fc.constantFrom(1, 2),
  });
  let judged = 0;
  fc.assert(
    fc.property(any, ({ gpu, ttftMs, tokenMs, perSecond, median, output, tensor }) => {
      const slo = `{targetTTFT: ${ttftMs}ms, p99Latency: ${tokenMs}ms}`;
      const requests = `perSecond: ${perSecond}, prompt: {median: ${median}, sigma: 0.5, max: 6000}, output: {median: ${output}, sigma: 0.5, max: 1500}`;
      const attainmentOf = (replicas: number) => {
        const run = simulate(readScenario(tiny(gpu, 'llama-3.1-8b', slo, requests, tensor, replicas)));
        const s = sloSummary((run.serving ?? [])[0]);
        return { said: s.placement?.here[0].replicas ?? 0, attainment: s.attainment ?? 0 };
      };
      const most = 4 / tensor;
      const { said } = attainmentOf(most);
      if (said > most) return;
      judged++;
      if (said === 0) expect(attainmentOf(most).attainment).toBeLessThan(0.99 + EDGE);
      else expect(attainmentOf(said).attainment).toBeGreaterThan(0.99 - EDGE);
      if (said > 1) expect(attainmentOf(said - 1).attainment).toBeLessThan(0.99 + EDGE);
    }),
    { numRuns: 12 },
  );
  expect(judged).toBeGreaterThan(6);
}, 60_000);

describe("the guide's four profiles", () => {
  const { serving = [] } = builtin('slo-placement');
  const of = (name: string) => {
    const spec = serving.find((one) => one.name === name);
    if (spec?.verdict === undefined || spec.placement === undefined) throw new Error(`no verdict on ${name}`);
    return { ...spec, verdict: spec.verdict, placement: spec.placement };
  };
  const meets = (name: string) => {
    const { here, elsewhere } = of(name).verdict;
    return [...here, ...elsewhere].filter((o) => o.replicas > 0 && o.fits);
  };

  it('are placed by their rules', () => {
    expect(serving.map(({ name, placement }) => [name, placement?.rule])).toEqual([
      ['long-context', 'long-context'],
      ['batch', 'throughput'],
      ['interactive', 'interactive'],
      ['giant', 'nvlink-group'],
    ]);
    // The first pool of each: H200, the highest bandwidth (B200) twice, H200.
    expect(serving.map((spec) => spec.placement?.pools[0])).toEqual([0, 1, 1, 0]);
    expect(of('long-context').placement.avoidUtil).toBe(0.6);
  });

  it('70B with 32K of context: a prefill takes seconds, nothing on sale meets 500 ms', () => {
    const { here, elsewhere, quickest, promptTokens } = of('long-context').verdict;
    expect(promptTokens).toBeGreaterThan(32_000);
    expect(here[0].gpuModel).toBe('H200-SXM5');
    expect(here[0].ttftUs).toBeGreaterThan(4e6);
    expect(here[0].longestPrompt).toBeLessThan(8000);
    expect(elsewhere).toEqual([]);
    expect(quickest?.ttftUs).toBeGreaterThan(500_000);
  });

  it('70B in batches and 8B for people: met where the rule puts them', () => {
    expect(meets('batch').some((o) => o.gpuModel === 'B200-SXM6' && o.tensor === 1)).toBe(true);
    expect(meets('interactive').some((o) => o.gpuModel === 'B200-SXM6')).toBe(true);
  });

  it('405B on the NVLink group of 8 H200: too slow, one node of B200 would do', () => {
    const [h200] = of('giant').verdict.here;
    expect([h200.gpuModel, h200.tensor, h200.link, h200.replicas]).toEqual(['H200-SXM5', 8, 'NVLink', 0]);
    expect(meets('giant').map((o) => o.gpuModel)).toContain('B200-SXM6');
  });
});
