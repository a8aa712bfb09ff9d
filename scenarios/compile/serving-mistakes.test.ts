/** Mistakes in a manifest, as the guide's reader makes them: where, what was found, what would do. */
import { expect, it } from 'vitest';
import { memoryReader } from '../builtin/index.ts';
import { ScenarioError } from '../problem.ts';
import { readScenario } from '../read.ts';

const SCENARIO = `apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: s}
spec: {duration: 10m}
---
apiVersion: simsup.dev/v1
kind: Cluster
metadata: {name: c}
spec: {pools: [{name: h100, gpuModel: H100-SXM5, nodes: 1, gpusPerNode: 8, price: $4/h}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: d}
spec: {projects: [{name: inference-prod, deservedGpus: 8}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata: {name: chat, annotations: {}}
spec:
  model: {registry: nvcr.io/nvidia, name: llama-3.1-8b, precision: fp8}
  replicas: 2
  slo: {targetTTFT: 150ms, minThroughput: 500, p99Latency: 800ms}
  placement: {preferHardware: [H100-SXM5], avoidIfDCGMUtil: 0.80}
  project: inference-prod
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: w}
spec: {requests: [{deployment: chat, perSecond: 2}]}
`;
const HEADER = 'arrival_seconds,prompt_tokens,output_tokens,tenant,hash_ids\n';
const FILES = {
  'empty.csv': '',
  'header.csv': HEADER,
  'other.csv': 'time,prompt\n1,2\n',
  'late.csv': `${HEADER}5,9,9,,\n1,9,9,,\n`,
};

function problemsOf(text: string): string[] {
  try {
    readScenario(text, { file: 's.yaml', readFile: memoryReader(FILES) });
    return [];
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return error.message.split('\n');
  }
}

const model = (name: string, precision: string) => `name: ${name}, precision: ${precision}`;
const annotated = (annotations: string) => ['annotations: {}', `annotations: {${annotations}}`] as const;
const requests = (of: string) => ['perSecond: 2', of] as const;

it('the manifest without a mistake is taken', () => {
  expect(problemsOf(SCENARIO)).toEqual([]);
});

it.each([
  [
    'a model that fits on no node',
    [model('llama-3.1-8b', 'fp8'), model('llama-3.1-405b', 'fp16')],
    /^s\.yaml:20:10: spec\.model: found a replica of 16 GPUs \(llama-3\.1-405b in fp16\), which no pool could hold, expected fp8 with TP8 on h100 \(H100-SXM5\)$/,
  ],
  [
    'a model that fits on none of the cluster',
    [model('llama-3.1-8b', 'fp8'), model('deepseek-v3', 'fp8')],
    /^s\.yaml:20:10: spec\.model: found .*expected .*H200-SXM5/,
  ],
  [
    'too few GPUs for the model',
    annotated("simsup.dev/tensor-parallel: '1'"),
    /^s\.yaml:20:10: spec\.model: found llama-3\.1-70b in fp16 on 1 H100-SXM5, which leave no room .*expected TP2, TP4, TP8 on H100-SXM5$/,
    [model('llama-3.1-8b', 'fp8'), model('llama-3.1-70b', 'fp16')],
  ],
  [
    'a precision the GPU lacks',
    [model('llama-3.1-8b', 'fp8'), model('llama-3.1-8b', 'fp4')],
    /^s\.yaml:20:10: spec\.model: found fp4, which H100-SXM5 does not compute, expected fp16 or fp8 there, or one of B200-SXM6/,
  ],
  [
    'a precision nobody knows',
    ['precision: fp8', 'precision: fp7'],
    /^s\.yaml:20:68: spec\.model\.precision: found 'fp7', expected one of fp16.*did you mean 'fp8'\?$/,
  ],
  [
    'a model nobody knows',
    ['llama-3.1-8b', 'lama-3.1-8b'],
    /^s\.yaml:20:10: spec\.model: found the model 'lama-3\.1-8b', expected one of .*did you mean llama-3\.1-8b\?$/,
  ],
  [
    'a threshold over 1',
    ['avoidIfDCGMUtil: 0.80', 'avoidIfDCGMUtil: 80'],
    /^s\.yaml:23:61: spec\.placement\.avoidIfDCGMUtil: found '80', expected a number from 0 to 1$/,
  ],
  [
    'an unknown project',
    ['project: inference-prod', 'project: inference-prd'],
    /^s\.yaml:24:12: spec\.project: found unknown project 'inference-prd', expected one of inference-prod; did you mean inference-prod\?$/,
  ],
  [
    'tensor parallelism that divides no heads',
    annotated("simsup.dev/tensor-parallel: '3'"),
    /^s\.yaml:20:10: spec\.model: found tensor parallelism of 3, which does not divide the 32 heads of llama-3\.1-8b, expected TP1, TP2, TP4, TP8 on H100-SXM5$/,
  ],
  [
    'no replicas',
    ['replicas: 2', 'replicas: 0'],
    /^s\.yaml:21:13: spec\.replicas: found '0', expected a whole number from 1/,
  ],
  ['fewer than no replicas', ['replicas: 2', 'replicas: -1'], /^s\.yaml:21:13: spec\.replicas: found '-1'/],
  [
    'fewer replicas at most than at least',
    annotated("simsup.dev/min-replicas: '5', simsup.dev/max-replicas: '2'"),
    /annotations\["simsup\.dev\/max-replicas"\]: found at most 2 replicas, and at least 5/,
  ],
  ['a negative rate', requests('perSecond: -2'), /requests\[0\]\.perSecond: found '-2', expected a number from 0/],
  [
    'a prompt of nothing',
    requests('perSecond: 2, prompt: 0'),
    /requests\[0\]\.prompt: found '0', expected a whole number from 1/,
  ],
  [
    'an empty trace',
    requests('file: empty.csv'),
    /requests\[0\]\.file: found no request in empty\.csv, expected at least one/,
  ],
  ['a trace of a header alone', requests('file: header.csv'), /requests\[0\]\.file: found no request in header\.csv/],
  [
    'a file that is no trace',
    requests('file: other.csv'),
    /requests\[0\]\.file: found other\.csv, line 1: found 'time,prompt', expected arrival_seconds,.*TIMESTAMP,ContextTokens/,
  ],
  ['a trace that is not in order', requests('file: late.csv'), /late\.csv, line 3: comes before the line above it/],
  ['a file that is not there', requests('file: none.csv'), /requests\[0\]\.file: found none\.csv/],
  [
    'no unit of a target',
    ['targetTTFT: 150ms', 'targetTTFT: fast'],
    /slo\.targetTTFT: found 'fast', expected a duration with a unit/,
  ],
  [
    'a target of nothing',
    ['targetTTFT: 150ms', 'targetTTFT: 0ms'],
    /slo\.targetTTFT: found a target of 0, which nothing meets/,
  ],
  ['a negative throughput', ['minThroughput: 500', 'minThroughput: -5'], /slo\.minThroughput: found '-5'/],
  [
    'an annotation misspelt',
    annotated('simsup.dev/routin: round-robin'),
    /annotations\["simsup\.dev\/routin"\]: found 'simsup\.dev\/routin', expected simsup\.dev\/ and one of .*did you mean 'routing'\?$/,
  ],
  [
    'a routing misspelt',
    annotated('simsup.dev/routing: round-robbin'),
    /annotations\["simsup\.dev\/routing"\]: found 'round-robbin', expected one of round-robin.*did you mean 'round-robin'\?$/,
  ],
  [
    'a flag that is neither',
    annotated('simsup.dev/rebalance: maybe'),
    /simsup\.dev\/rebalance"\]: found 'maybe', expected true or false$/,
  ],
] as [string, readonly [string, string], RegExp, (readonly [string, string])?][])(
  '%s is said once, with what would do',
  (_what, [from, to], message, also) => {
    let text = SCENARIO.replace(from, to);
    if (also !== undefined) text = text.replace(...also);
    expect(text).not.toBe(SCENARIO);
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
  },
);
