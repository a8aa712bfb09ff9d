import { describe, expect, it } from 'vitest';
import { otlpTraces } from '../../reports/otlp.ts';
import { sloText } from '../../reports/serving.ts';
import { summarise } from '../../reports/summary.ts';
import { simulate } from '../../sim/simulate.ts';
import { memoryReader } from '../builtin/index.ts';
import { gpuModel } from '../catalogue/gpus.ts';
import { genericModel, SERVED_MODELS, servedModel } from '../catalogue/models.ts';
import { degreesThatFit, planReplica } from '../catalogue/serving.ts';
import { ScenarioError } from '../problem.ts';
import { readScenario } from '../read.ts';

const scenario = (deployment: string, requests: string, gpu = 'H200-SXM5') => `
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: s}
spec: {duration: 10m}
---
apiVersion: simsup.dev/v1
kind: Cluster
metadata: {name: c}
spec: {pools: [{name: p, gpuModel: ${gpu}, nodes: 1, gpusPerNode: 8, price: $4/h}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata: {name: chat}
spec: ${deployment}
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: w}
spec: {requests: [${requests}]}
`;
const CHAT =
  '{model: {name: llama-3.1-8b, precision: fp8}, replicas: 2, slo: {targetTTFT: 150ms, p99Latency: 50ms, minThroughput: 500}}';

function problems(text: string, files: Record<string, string> = {}): string {
  try {
    readScenario(text, { file: 's.yaml', readFile: memoryReader(files) });
    return '';
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return error.message;
  }
}

describe('requests in a scenario', () => {
  it('are served, measured, and decide how busy the GPUs are', () => {
    const requests =
      '{deployment: chat, tenant: a, perSecond: 5, pattern: gamma, cv: 2, prompt: {median: 500, sigma: 0.7}, output: {median: 100, sigma: 0.7}}, {deployment: chat, tenant: b, perSecond: 1, pattern: diurnal, prompt: 2000, output: {quantiles: [10, 50, 400]}}';
    const run = simulate(readScenario(scenario(CHAT, requests), { file: 's.yaml' }));
    const [figures] = run.serving ?? [];
    expect(figures.requests).toBeGreaterThan(2000);
    // Those of the last seconds are still being answered.
    expect(figures.completed + figures.unfinished).toBe(figures.requests);
    expect(figures.unfinished).toBeLessThan(20);
    expect(figures.tenants.map((t) => t.name)).toEqual(['a', 'b']);
    const summary = summarise(run, 0);
    const [slo] = summary.slo.deployments;
    expect(slo.ttftMs.p50).toBeGreaterThan(1);
    expect(slo.attainment).toBeGreaterThan(0.5);
    expect(slo.met.throughput).toBe(slo.tokensPerSecond >= 500);
    expect(slo.usdPerMillionTokens).toBeCloseTo((slo.costUsd * 1e6) / slo.outputTokens, 9);
    // Two GPUs, ten minutes: the ledger splits them as the batches were.
    const { serving, 'serving-idle': idle } = summary.ledger.gpuHours;
    expect(serving + idle).toBeCloseTo(2 / 6, 6);
    expect(serving / (serving + idle)).toBeCloseTo(figures.busyUs / (2 * 600e6), 2);
    expect(sloText(slo).join('\n')).toContain('time to first token');
    expect(JSON.stringify(structuredClone(run.serving))).toBe(JSON.stringify(run.serving));
  });

  it('of a file keep their tenants', () => {
    const file = 'arrival_seconds,prompt_tokens,output_tokens,tenant,hash_ids\n0,100,5,x,\n1,600,5,,7\n2,600,5,x,7\n';
    const run = simulate(
      readScenario(scenario(CHAT, '{deployment: chat, file: r.csv, rateFactor: 2}'), {
        readFile: memoryReader({ 'r.csv': file }),
      }),
    );
    const [figures] = run.serving ?? [];
    expect(figures.tenants).toEqual([
      { name: 'x', requests: 2, attained: 2 },
      { name: 'default', requests: 1, attained: 1 },
    ]);
    expect(figures.requests).toBe(3);
  });

  it.each([
    [
      'an unknown deployment',
      scenario(CHAT, '{deployment: chatt, perSecond: 1}'),
      /unknown deployment 'chatt'.*did you mean chat\?/,
    ],
    ['no rate', scenario(CHAT, '{deployment: chat}'), /neither a file nor a rate/],
    [
      'a precision the GPU lacks',
      scenario(CHAT.replace('fp8', 'fp4'), '{deployment: chat, perSecond: 1}'),
      /fp4, which H200-SXM5 does not compute, expected fp16 or fp8 there, or one of B200-SXM6/,
    ],
    [
      'an unknown model',
      scenario(CHAT.replace('llama-3.1-8b', 'lama-3.1-8b'), '{deployment: chat, perSecond: 1}'),
      /the model 'lama-3.1-8b', expected one of .*did you mean llama-3.1-8b\?/,
    ],
    [
      'a file that cannot be read',
      scenario(CHAT, '{deployment: chat, file: r.csv}'),
      /r\.csv, line 2: prompt_tokens 'x' is not a number of tokens/,
    ],
  ])('%s is said, with what would do', (_what, text, message) => {
    const files = { 'r.csv': 'arrival_seconds,prompt_tokens,output_tokens,tenant,hash_ids\n0,x,5,,\n' };
    expect(problems(text, files)).toMatch(message);
  });
});

describe('a replica', () => {
  const on = (gpu: string) => gpuModel(gpu) as NonNullable<ReturnType<typeof gpuModel>>;
  it('that fits nowhere says where it would', () => {
    expect(() => planReplica({ model: 'llama-3.1-405b', precision: 'fp16', tensor: 4 }, on('H100'))).toThrow(
      /no room for 16,000 tokens of context; expected TP8 × PP2/,
    );
    expect(() => planReplica({ model: 'qwen2.5-14b', precision: 'fp16', tensor: 3 }, on('H100'))).toThrow(
      /does not divide the 40 heads of qwen2.5-14b; expected TP1, TP2, TP4, TP8 on H100-SXM5/,
    );
    expect(() => planReplica({ model: 'llama-3.1-405b', precision: 'fp16' }, on('T4'))).toThrow(
      /any number of T4.*expected fp16 with TP8 × PP2 on H100-SXM5, or fp16 with TP8 on H200-SXM5/,
    );
    expect(() => planReplica({ model: 'llama-3.1-8b', precision: 'fp8' }, on('T4'))).toThrow('does not compute');
  });

  it('has the parameters its model card states', () => {
    for (const { name, paramsB, shape } of SERVED_MODELS) {
      const { experts } = shape;
      const expert = experts === undefined ? 0 : experts.layers * experts.count * experts.paramsEach;
      const total = (shape.denseParams + expert + 2 * shape.headParams) / 1e9;
      expect(Math.abs(total / paramsB - 1), `${name}: ${total}`).toBeLessThan(0.005);
    }
    const generic = genericModel(30).shape;
    expect((generic.denseParams + 2 * generic.headParams) / 30e9).toBeCloseTo(1, 1);
    const big = servedModel('llama-3.1-405b') as NonNullable<ReturnType<typeof servedModel>>;
    expect(degreesThatFit(big, 'fp8', on('B200')).map((p) => p.tensor * p.pipeline)[0]).toBe(4);
  });

  it('takes times that somebody measured', () => {
    const measured = {
      batches: [1, 8],
      contexts: [0, 4096],
      decodeMs: [
        [8, 10],
        [9, 14],
      ],
      prefillTokens: [1024],
      prefillMs: [60],
    };
    const { cost } = planReplica({ model: 'llama-3.1-8b', precision: 'fp8', measured }, on('H100'));
    expect(cost.mixed(0, 0, 512, 1, cost.chunk(0, 512))).toBe(30e9);
    const line = { a: 0, b: 0, until: 0 };
    cost.decode(8, 8 * 2048, line);
    expect((line.a + line.b * 8 * 2048) / 1e9).toBeCloseTo(11.5, 4);
  });
});

it('a trace of a request has spans for its wait, prefill and decode', () => {
  const trace = { number: 0, tenant: 0, replica: 1, prompt: 100, output: 10, cachedTokens: 0, preemptions: 0 };
  const times = { arrivalUs: 5, admittedUs: 10, firstTokenUs: 30, doneUs: 90 };
  const json = otlpTraces('chat', 'llama', [{ ...trace, ...times, missed: 'queue' }], 1_700_000_000);
  const { spans } = json.resourceSpans[0].scopeSpans[0];
  expect(spans.map((s) => s.name)).toEqual(['chat llama', 'queue', 'prefill', 'decode']);
  expect(spans[0].startTimeUnixNano).toBe('1700000000000005000');
  expect(new Set(spans.map((s) => s.traceId)).size).toBe(1);
  expect(spans[0].traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(new Set(spans.map((s) => s.spanId)).size).toBe(4);
  expect(spans.slice(1).every((s) => s.parentSpanId === spans[0].spanId)).toBe(true);
  expect(spans[0].status).toEqual({ code: 2, message: 'target missed: queue' });
});
