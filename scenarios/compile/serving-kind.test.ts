import { describe, expect, it } from 'vitest';
import { Simulation, simulate } from '../../sim/simulate.ts';
import { ScenarioError } from '../problem.ts';
import { readScenario } from '../read.ts';

/** Four replicas of an 8B model on H200, and what is said of them in a `Serving`. */
const text = (serving: string, annotations = '', replicas = 4) => `
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: s}
spec: {duration: 20m}
---
apiVersion: simsup.dev/v1
kind: Cluster
metadata: {name: c}
spec: {pools: [{name: p, gpuModel: H200-SXM5, nodes: 1, gpusPerNode: 8, price: $4/h}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata: {name: chat, annotations: {${annotations}}}
spec: {model: {name: llama-3.1-8b, precision: fp8}, replicas: ${replicas}, slo: {targetTTFT: 150ms, p99Latency: 50ms}}
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: w}
spec: {requests: [{deployment: chat, perSecond: 12, prompt: {median: 600, sigma: 0.6}, output: {median: 120, sigma: 0.6}}]}
${serving === '' ? '' : `---\napiVersion: simsup.dev/v1\nkind: Serving\nmetadata: {name: x}\nspec: ${serving}\n`}`;

const served = (serving: string, annotations = '') => {
  const run = simulate(readScenario(text(serving, annotations)));
  const [figures] = run.serving ?? [];
  expect(figures.completed + figures.unfinished).toBe(figures.requests);
  return { run, figures };
};

const problemsOf = (serving: string, annotations = '', replicas = 4): string => {
  try {
    readScenario(text(serving, annotations, replicas), { file: 's.yaml' });
    return '';
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    return error.message;
  }
};

/** A token takes 7 ms alone and 14 ms in a batch of 32; a prompt of 1,000 tokens 50 ms. */
const TABLE =
  '{batches: [1, 32], contexts: [0, 4096], decodeMs: [[7, 7], [14, 14]], prefillTokens: [1000], prefillMs: [50]}';

describe('times that somebody measured', () => {
  it('are how long a replica takes, whatever its GPU could do', () => {
    const { figures } = served(`{deployment: chat, measured: [${TABLE}]}`);
    // In batches of a few sequences: between the two rows.
    expect(figures.itlUs.p50 / 1000).toBeGreaterThan(7);
    expect(figures.itlUs.p50 / 1000).toBeLessThan(14);
    // The fastest token is one of a sequence alone.
    expect(served('').figures.itlUs.p50 / 1000).toBeLessThan(7);
  });

  it('are of one GPU model where one is named', () => {
    const named = TABLE.replace('{', '{gpuModel: H200, ');
    expect(served(`{deployment: chat, measured: [${named}]}`).figures.digest).toBe(
      served(`{deployment: chat, measured: [${TABLE}]}`).figures.digest,
    );
  });

  it('decide in fidelity rate and in the verdict on placements too', () => {
    const rate = 'simsup.dev/fidelity: rate';
    const { figures } = served(`{deployment: chat, measured: [${TABLE}]}`, rate);
    expect(figures.itlUs.mean / 1000).toBeGreaterThan(7);
    const [here] = figures.verdict?.here ?? [];
    expect(here.tokenUs / 1000).toBeCloseTo(7, 3);
  });
});

describe('prefill and decode apart', () => {
  it('in a simulation: first tokens come of the one kind of replica, the others of the other', () => {
    const { figures } = served('{deployment: chat, disaggregated: {prefill: 1}}');
    const decoded = figures.traces.filter(({ output }) => output > 1);
    expect(decoded.length).toBeGreaterThan(50);
    expect(new Set(decoded.map(({ replica }) => replica))).toEqual(new Set([1, 2, 3]));
    // No prompt holds up who decodes: the slowest token is faster than where both are mixed.
    expect(figures.tokenPs.highest).toBeLessThan(0.8 * served('').figures.tokenPs.highest);
  });

  it('costs the transfer of keys and values, between the first token and the second', () => {
    const at = (bandwidth: string) =>
      served(`{deployment: chat, disaggregated: {prefill: 1, bandwidth: ${bandwidth}, latency: 0s}}`).figures;
    const [slow, fast] = [at('1GB/s'), at('unlimited')];
    // 64 KiB a token in 8 bits, about 700 tokens a prompt: some 45 ms at 1 GB/s, over about 140 tokens.
    const more = (slow.e2eUs.mean - fast.e2eUs.mean) / 1000;
    expect(more).toBeGreaterThan(30);
    expect(more).toBeLessThan(65);
    expect(Math.abs(slow.ttftUs.mean - fast.ttftUs.mean)).toBeLessThan(1000);
  });

  it('goes on after a replica of either kind is lost, and every request is answered once', () => {
    const twoNodes = text('{deployment: chat, disaggregated: {prefill: 2}}').replace(
      'nodes: 1, gpusPerNode: 8',
      'nodes: 3, gpusPerNode: 2',
    );
    const simulation = new Simulation(readScenario(twoNodes));
    simulation.injectFault(300e6, 'xid-79', 0, 0);
    simulation.injectFault(600e6, 'xid-79', 1, 0);
    simulation.run();
    const run = simulation.result();
    const [figures] = run.serving ?? [];
    expect(figures.completed + figures.unfinished).toBe(figures.requests);
    expect(figures.causes.fault).toBeGreaterThan(0);
    expect(figures.lives.starts).toBeGreaterThan(4);
  });
});

describe('what cannot be is said, with what would do', () => {
  it.each([
    ['an unknown deployment', '{deployment: chatt}', '', /spec\.deployment.*unknown deployment 'chatt'.*chat/],
    [
      'times that fall where they must rise',
      `{deployment: chat, measured: [${TABLE.replace('[1, 32]', '[32, 1]')}]}`,
      '',
      /spec\.measured\[0\]\.batches.*1 after 32.*rising/,
    ],
    [
      'a row too few',
      `{deployment: chat, measured: [${TABLE.replace('[7, 7], ', '')}]}`,
      '',
      /decodeMs.*1 rows.*one for each of 2 batches/,
    ],
    [
      'times of a GPU that is not there',
      `{deployment: chat, measured: [${TABLE.replace('{', '{gpuModel: H100, ')}]}`,
      '',
      /measured\[0\]\.gpuModel.*H100.*H200-SXM5/,
    ],
    [
      'nobody left to decode',
      '{deployment: chat, disaggregated: {prefill: 4}}',
      '',
      /disaggregated\.prefill.*4 of the 4 replicas.*from 1 to 3/,
    ],
    [
      'a closed form of it',
      '{deployment: chat, disaggregated: {prefill: 1}}',
      'simsup.dev/fidelity: rate',
      /fidelity rate, which has no closed form.*requests/,
    ],
    [
      'an autoscaler of it',
      '{deployment: chat, disaggregated: {prefill: 1}}',
      'simsup.dev/autoscaler: hpa',
      /autoscaler.*fixed number of replicas/,
    ],
    ['a field misspelt', '{deployment: chat, disagregated: {prefill: 1}}', '', /disagregated.*disaggregated/],
  ])('%s', (_what, serving, annotations, message) => {
    expect(problemsOf(serving, annotations)).toMatch(message);
  });
});
