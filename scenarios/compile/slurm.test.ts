import { expect, it } from 'vitest';
import { JOB_STATUS, simulate } from '../../sim/simulate.ts';
import { readScenario } from '../read.ts';

const SLURM = `apiVersion: simsup.dev/v1
kind: Slurm
spec:
  partitions:
    debug: {maxTime: 30m, defaultTime: 10m, priorityTier: 5}
  qos:
    urgent: {priority: 100, preempt: scavenger}
    scavenger: {maxGpusPerUser: 16, preemptExemptTime: 1m}
---
apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: until-done, policy: {name: slurm, args: {preemptType: qos, preemptMode: requeue}}}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: p, gpuModel: H200-SXM5, nodes: 1, gpusPerNode: 8}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  jobs:
    - {id: s, project: a, gpus: 8, duration: 1h, qos: scavenger}
    - {id: u, project: a, gpus: 8, duration: 10m, submit: 5m, qos: urgent}
    - {id: d, project: a, gpus: 1, duration: 1h, submit: 6m, partition: debug}
`;

it('reads partitions and QOS, and the policy goes by them', () => {
  const scenario = readScenario(SLURM);
  expect(scenario.slurm).toMatchObject({
    partitions: [{ name: 'debug', maxTimeUs: 1800e6, defaultTimeUs: 600e6, priorityTier: 5 }],
    qos: [
      { name: 'urgent', preempt: ['scavenger'], priority: 100 },
      { name: 'scavenger', maxGpusPerUser: 16, preemptExemptTimeUs: 60e6 },
    ],
  });
  const { jobs } = simulate(scenario);
  expect(Array.from(jobs.status, (status) => JOB_STATUS[status])).toEqual(['completed', 'completed', 'failed']);
  expect(jobs.preemptions[0]).toBe(1);
});

it('names what a QOS may preempt that does not exist', () => {
  expect(() => readScenario(SLURM.replace('preempt: scavenger', 'preempt: [scavengr]'))).toThrow(
    /spec\.qos\.urgent\.preempt: found unknown QOS 'scavengr', expected one of urgent, scavenger; did you mean 'scavenger'\?/,
  );
  expect(() => readScenario(`${SLURM}---\n${SLURM.split('---')[0]}`)).toThrow(/a second Slurm/);
});
