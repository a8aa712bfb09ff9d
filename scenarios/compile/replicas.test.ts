import { describe, expect, it } from 'vitest';
import { sloSummary } from '../../reports/serving.ts';
import { Lives, type Run, Simulation, simulate } from '../../sim/simulate.ts';
import { type Builtin, builtin, builtins } from '../builtin/index.ts';
import { readScenario } from '../read.ts';

interface Parts {
  annotations?: string;
  spec?: string;
  requests?: string;
  nodes?: number;
  duration?: string;
  more?: string;
}

/** A deployment of an 8B model in a cluster of H200 under Mission Control. */
const text = (p: Parts) => `
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: s}
spec: {duration: ${p.duration ?? '30m'}, policy: runai, stack: mission-control, start: 2026-06-02T09:00:00Z}
---
apiVersion: simsup.dev/v1
kind: Cluster
metadata: {name: c}
spec: {pools: [{name: h200, gpuModel: H200-SXM5, nodes: ${p.nodes ?? 2}, gpusPerNode: 8, price: $4/h}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: d}
spec: {projects: [{name: web, deservedGpus: 8}, {name: lab, deservedGpus: 8}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata: {name: chat, annotations: {${p.annotations ?? ''}}}
spec: {model: {name: llama-3.1-8b, precision: fp8}, replicas: 2, slo: {targetTTFT: 300ms, p99Latency: 100ms}, project: web, ${p.spec ?? ''}}
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: users}
spec: {requests: [{deployment: chat, ${p.requests ?? 'perSecond: 5'}}]}
${p.more ?? ''}`;
const read = (p: Parts) => readScenario(text(p));

const figuresOf = (run: Run) => (run.serving ?? [])[0];

/** Every request is answered, turned away or still there: none is lost and none is answered twice. */
function conserved(run: Run) {
  const f = figuresOf(run);
  expect(f.completed + f.unfinished + f.refused + f.shed).toBe(f.requests);
  const missed = Object.values(f.causes).reduce((sum, n) => sum + n, 0);
  expect(f.attained + missed).toBe(f.completed);
  return f;
}

describe('a replica in the cluster', () => {
  it('goes through quota, telemetry, nodes, image, weights and graphs before its endpoint is registered', () => {
    const scenario = read({ annotations: 'simsup.dev/start: new', spec: 'placement: {avoidIfDCGMUtil: 0.80}' });
    const lives = new Lives(scenario, 0);
    const simulation = new Simulation(scenario, { lives });
    simulation.run();
    const told = [...lives.rows()].filter(({ event }) => event === 'flow').map(({ reason }) => reason);
    const steps = [/^quota validated: web deserves 8/, /^utilisation read: DCGM_FI_DEV_GPU_UTIL/, /^nodes selected/];
    const then = [/^image pulled in 45\.0 s/, /^8\.0 GB of weights loaded in/, /^compiled/, /^endpoint registered/];
    [...steps, ...then].forEach((step, i) => {
      expect(told[i]).toMatch(step);
    });
    const f = conserved(simulation.result());
    // Image 45 s, weights 4 s from a store that two share, 12 s, 10 s: who came before waited.
    expect(f.causes['cold-start']).toBeGreaterThan(300);
    expect(f.queueUs.highest / 1e6).toBeGreaterThan(70);
  });

  it('that hangs or dies of a fault gives its requests to the others, which are late for that reason', () => {
    const simulation = new Simulation(read({ requests: 'perSecond: 20' }));
    simulation.injectFault(300e6, 'xid-79', 0, 0);
    simulation.run();
    const f = conserved(simulation.result());
    expect(f.causes.fault).toBeGreaterThan(0);
    // Both stood on the node that was lost.
    expect(f.lives.starts).toBe(4);
    expect(f.unfinished).toBeLessThan(100);
  });

  it('turns requests away beyond its limit, and only then', () => {
    const few = conserved(
      simulate(read({ annotations: "simsup.dev/max-outstanding: '3'", requests: 'perSecond: 60' })),
    );
    expect(few.shed).toBeGreaterThan(0);
    expect(sloSummary(few).met.ttft).toBe(false);
    expect(conserved(simulate(read({ annotations: "simsup.dev/max-outstanding: '500'" }))).shed).toBe(0);
  });

  it('drains what it has when it is taken away: nobody is cut off', () => {
    const annotations =
      "simsup.dev/autoscaler: hpa, simsup.dev/min-replicas: '1', simsup.dev/max-replicas: '6', simsup.dev/target-concurrency: '4'";
    const file = { requests: 'perSecond: 8, pattern: diurnal, peakHour: 10, peakToTrough: 50', duration: '8h' };
    const f = conserved(simulate(read({ annotations, ...file })));
    expect(f.lives.scaledDown).toBeGreaterThan(1);
    expect(f.causes.preempted).toBe(0);
    expect(f.gpuUs).toBeLessThan(6 * f.spanUs);
  });

  it('comes and goes with the requests where it may scale to zero, at the price of a cold start', () => {
    const annotations =
      "simsup.dev/autoscaler: concurrency, simsup.dev/min-replicas: '0', simsup.dev/max-replicas: '2', simsup.dev/start: new";
    const requests = 'perSecond: 0.004, prompt: 300, output: 50';
    const run = simulate(read({ annotations, requests, duration: '6h' }));
    const f = conserved(run);
    expect(f.requests).toBeGreaterThan(20);
    expect(f.lives.starts).toBeGreaterThan(5);
    expect(f.causes['cold-start']).toBeGreaterThan(5);
    // Held for a small part of the time.
    expect(f.gpuUs).toBeLessThan(0.8 * f.spanUs);
  });

  it('is within its quota called in over what others borrowed, and costs what it held', () => {
    const more =
      '---\napiVersion: simsup.dev/v1\nkind: Workload\nspec: {project: lab, defaults: {preemptible: true}, teams: [{name: t, sizes: [{gpus: 8}], arrivals: {perDay: 200}, duration: 2h}]}\n';
    const annotations = "simsup.dev/autoscaler: slo, simsup.dev/min-replicas: '1', simsup.dev/max-replicas: '8'";
    const requests = 'perSecond: 80, pattern: diurnal, peakHour: 15, peakToTrough: 20';
    const run = simulate(read({ annotations, requests, duration: '8h', more }));
    const f = conserved(run);
    expect(f.lives.scaledUp).toBeGreaterThan(0);
    const priced = sloSummary(f);
    expect(priced.costUsd).toBeCloseTo(priced.heldGpuHours * 4, 4);
    expect(priced.usdPerMillionTokens).toBeCloseTo((priced.costUsd / f.outputTokens) * 1e6, 6);
  });

  it('is late because of what replicas reported last, where the router goes by that: the older, the more', () => {
    const lateAt = (routing: string, scrape: string) => {
      const annotations = `simsup.dev/routing: ${routing}`;
      const own = text({ annotations, requests: 'perSecond: 60, pattern: gamma, cv: 2', duration: '8m' });
      const scenario = own.replace(
        'stack: mission-control',
        `stack: mission-control, telemetry: {exporter: ${scrape}, scrape: ${scrape}}`,
      );
      return conserved(simulate(readScenario(scenario))).causes['stale-telemetry'];
    };
    expect(lateAt('reported-load', '30s')).toBeGreaterThan(lateAt('reported-load', '1s'));
    expect(lateAt('reported-load', '1s')).toBeGreaterThan(0);
    // Fresh reports, and what a router counts itself, mislead nobody.
    expect(lateAt('reported-load', '0s')).toBe(0);
    expect(lateAt('least-outstanding', '30s')).toBe(0);
  });

  it('moves off a node above the threshold once, and is seen to flap where every node comes to be', () => {
    const spec = 'placement: {avoidIfDCGMUtil: 0.05}';
    const annotations = "simsup.dev/rebalance: 'true'";
    const requests = 'perSecond: 40';
    const run = conserved(simulate(read({ spec, annotations, requests, duration: '2h' })));
    expect(run.lives.moves).toBeGreaterThan(1);
    expect(run.lives.flaps).toBeGreaterThan(0);
    expect(run.lives.flaps).toBeLessThanOrEqual(run.lives.moves);
    // Another threshold that no node reaches: nothing moves.
    const calm = conserved(simulate(read({ spec: 'placement: {avoidIfDCGMUtil: 0.99}', annotations, requests })));
    expect([calm.lives.moves, calm.lives.flaps, calm.lives.stuck]).toEqual([0, 0, 0]);
  });

  it('stays where it stands unless it is to move, or the field tells a full GPU from a busy one', () => {
    const moves = (annotations: string, stack = 'mission-control') => {
      const own = text({ annotations, spec: 'placement: {avoidIfDCGMUtil: 0.80}' });
      return readScenario(own.replace('stack: mission-control', `stack: ${stack}`)).serving?.[0].placement?.rebalances;
    };
    expect(moves('')).toBe(false);
    expect(moves("simsup.dev/rebalance: 'true'")).toBe(true);
    expect(moves('simsup.dev/util-field: DCGM_FI_PROF_PIPE_TENSOR_ACTIVE')).toBe(true);
    // Other stacks know no threshold.
    expect(moves("simsup.dev/rebalance: 'true'", 'runai')).toBe(undefined);
  });

  it.each(['requests', 'rate'])('goes on from a snapshot as if there had been none, fidelity %s', (fidelity) => {
    const annotations = `simsup.dev/fidelity: ${fidelity}, simsup.dev/rebalance: 'true', simsup.dev/autoscaler: hpa, simsup.dev/max-replicas: '4', simsup.dev/target-concurrency: '3'`;
    const scenario = read({
      annotations,
      spec: 'placement: {avoidIfDCGMUtil: 0.3}',
      requests: 'perSecond: 15',
      duration: '40m',
    });
    const whole = simulate(scenario);
    const half = new Simulation(scenario);
    half.run(17 * 60e6);
    const copy = Simulation.resume(scenario, half.snapshot());
    half.run();
    copy.run();
    for (const run of [half.result(), copy.result()]) {
      expect(run.digest).toBe(whole.digest);
      expect(figuresOf(run)).toEqual(figuresOf(whole));
    }
  });
});

it('the default scenario handles at most 1.5 events for each request that comes, is answered or loses its KV blocks', () => {
  const { text } = builtins.find(({ name }) => name === 'mission-control') as Builtin;
  const scenario = readScenario(
    text.replace('  name: llama4-maverick-inference', '$&\n  annotations: {simsup.dev/fidelity: requests}'),
  );
  const f = figuresOf(simulate({ ...scenario, durationUs: 12 * 3_600_000_000 }));
  expect(f.fidelity).toBe('requests');
  expect(f.requests).toBeGreaterThan(50_000);
  // Prompts beyond the 8,192 tokens of an iteration are among them.
  expect(f.events).toBeLessThanOrEqual(1.5 * (f.requests + f.completed + f.preemptions));
});

it('serve-and-train: what serving leaves at night training uses, and both targets are met', () => {
  const run = simulate(builtin('serve-and-train'));
  const slo = sloSummary(figuresOf(run));
  expect(slo.fidelity).toBe('rate');
  expect(slo.attainment).toBeGreaterThan(0.99);
  expect([slo.met.ttft, slo.met.tokenP99, slo.met.throughput]).toEqual([true, true, true]);
  const borrowed = run.entries.filter((e) => e.overQuota && run.scenario.projects[e.project].name === 'training');
  const gpuHours = borrowed.reduce((sum, e) => sum + Number(e.amount), 0) / 7000 / 3.6e9;
  expect(gpuHours).toBeGreaterThan(300);
  // Taken back in the morning by reclaim.
  expect(run.jobs.preemptions.reduce((sum, n) => sum + n, 0)).toBeGreaterThan(10);
  expect(slo.heldGpuHours).toBeLessThan(0.8 * slo.mostGpuHours);
});
