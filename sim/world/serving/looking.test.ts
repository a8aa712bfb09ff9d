/** In a whole simulation: what is left out of looking changes nothing, and Little's law holds of each replica. */
import { expect, it } from 'vitest';
import { readScenario } from '../../../scenarios/read.ts';
import { Simulation } from '../../simulate.ts';
import type { Fleet } from './fleet.ts';
import type { Serving } from './serving.ts';

const text = (annotations: string, duration: string, requests: string) => `
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: s}
spec: {duration: ${duration}, policy: runai, stack: mission-control, start: 2026-06-02T09:00:00Z}
---
apiVersion: simsup.dev/v1
kind: Cluster
metadata: {name: c}
spec: {pools: [{name: h200, gpuModel: H200-SXM5, nodes: 3, gpusPerNode: 8, price: $4/h}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: d}
spec: {projects: [{name: web, deservedGpus: 8}, {name: lab, deservedGpus: 16}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata: {name: chat, annotations: {${annotations}}}
spec:
  model: {name: llama-3.1-8b, precision: fp8}
  replicas: 2
  slo: {targetTTFT: 300ms, p99Latency: 100ms}
  placement: {avoidIfDCGMUtil: 0.5}
  project: web
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: users}
spec: {requests: [{deployment: chat, ${requests}}]}
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: work}
spec: {project: lab, teams: [{name: t, sizes: [{gpus: 2}, {gpus: 4}], arrivals: {perDay: 60}, duration: {lognormal: {median: 15m, sigma: 1}, max: 2h}}]}
`;

/** What is inside, for tests. */
const servingOf = (simulation: Simulation) => (simulation as unknown as { serving: Serving }).serving;

it.each(['preferred', 'interactive'])(
  'looking only on change finds what looking at every tick finds: rule %s',
  (rule) => {
    // Busy shares change by the hour there, not with every request.
    const annotations = `simsup.dev/fidelity: rate, simsup.dev/rebalance: 'true', simsup.dev/placement-rule: ${rule}, simsup.dev/autoscaler: hpa, simsup.dev/max-replicas: '5', simsup.dev/target-concurrency: '2'`;
    const scenario = readScenario(
      text(annotations, '12h', 'perSecond: 6, pattern: diurnal, peakHour: 12, peakToTrough: 20'),
    );
    const outcome = (always: boolean) => {
      const simulation = new Simulation(scenario);
      const { looking } = servingOf(simulation);
      Object.assign(looking, { always });
      if (always) looking.plan();
      let looks = 0;
      const sample = looking.sample.bind(looking);
      looking.sample = (...of) => {
        looks++;
        sample(...of);
      };
      simulation.run();
      const { serving = [], jobs } = simulation.result();
      const [{ lives, completed, causes, gpuUs }] = serving;
      return { looks, found: { lives, completed, causes, gpuUs, starts: [...jobs.firstStartUs] } };
    };
    const [onChange, atEvery] = [outcome(false), outcome(true)];
    expect(onChange.found).toEqual(atEvery.found);
    expect(onChange.found.lives.starts).toBeGreaterThan(3);
    expect(onChange.looks).toBeLessThan(atEvery.looks);
  },
);

it("Little's law holds of each replica: requests there on average = their rate × the time they spend there", () => {
  const duration = 120e6;
  const scenario = readScenario(text('simsup.dev/start: active', '2m', 'perSecond: 40, pattern: gamma, cv: 2'));
  const simulation = new Simulation(scenario);
  const fleet = servingOf(simulation).deployed[0].fleet as Fleet;
  // Times in the system, by the replica that answered.
  const spentUs = [0, 0];
  const inside = fleet as unknown as { finish(slot: number, r: number, us: number): void };
  const finish = inside.finish.bind(fleet);
  inside.finish = (slot, r, us) => {
    spentUs[r] += us - fleet.requests.arrivalUs[slot];
    finish(slot, r, us);
  };
  const presentUs = [0, 0];
  const step = 10_000;
  for (let us = step; us <= duration; us += step) {
    simulation.run(us);
    fleet.advance(us);
    fleet.replicas.slice(0, 2).forEach((replica, r) => {
      presentUs[r] += replica.outstanding * step;
    });
  }
  const unfinished = fleet.present;
  expect(spentUs.every((us) => us > 10 * duration)).toBe(true);
  spentUs.forEach((us, r) => {
    // The requests still there have spent part of their time; counts are taken every 10 ms.
    expect(Math.abs(presentUs[r] / us - 1)).toBeLessThan(0.02 + (unfinished * 1e6) / us);
  });
});
