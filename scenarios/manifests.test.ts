import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HOUR_US, JOB_CLASSES, MINUTE_US, type Scenario, SECOND_US } from '../sim/scenario.ts';
import { ScenarioError } from './problem.ts';
import { readScenario } from './read.ts';

const SHARED = '../shared/manifests';

function job(s: Scenario, id: string) {
  const j = s.jobs.ids.indexOf(id);
  expect(j).toBeGreaterThanOrEqual(0);
  return {
    j,
    project: s.projects[s.jobs.project[j]].name,
    tasks: [...s.jobs.taskGpus.subarray(s.jobs.taskStart[j], s.jobs.taskStart[j + 1])],
    pools: s.poolLists[s.jobs.poolList[j]].map((p) => s.pools[p].name),
    class: JOB_CLASSES[s.jobs.class[j]],
    duration: s.jobs.durationUs[j],
  };
}

const container = (resources: string) =>
  `{containers: [{name: main, image: x, resources: {limits: ${resources}}}], restartPolicy: Never}`;

describe("Mission Control's manifests", () => {
  it.skipIf(!existsSync(SHARED))('go in unchanged', () => {
    const text = readdirSync(SHARED)
      .sort()
      .map((f) => readFileSync(`${SHARED}/${f}`, 'utf8'))
      .join('\n---\n');
    const s = readScenario(text);
    expect(s.projects.map((p) => [p.name, p.deservedGpus, p.overQuotaWeight, p.maxOverQuotaGpus])).toEqual([
      ['llm-pretraining', [32, 0], 2, 16],
      ['inference-prod', [0, 16], 1, -1],
    ]);
    const [served, second] = ['llama4-maverick-inference-0', 'llama4-maverick-inference-1'].map((id) => job(s, id));
    expect(served).toMatchObject({ project: 'inference-prod', tasks: [4], class: 'inference', duration: Infinity });
    expect({ ...second, j: served.j }).toEqual(served);
    expect(served.pools).toEqual(['b200-inference', 'h200-training']);
    expect(s.jobs.checkpointEveryUs[served.j]).toBe(0);
    const training = s.jobs.class.indexOf(0);
    expect(s.jobs.checkpointEveryUs[training]).toBe(500 * 6 * SECOND_US);
    expect(s.recovery?.stack.name).toBe('mission-control');
    expect(s.recovery?.faultTolerance).toEqual({
      name: 'training-ft-policy',
      eventCodes: [79, 94, 95],
      utilizationDropThreshold: 0.05,
      utilizationField: 'DCGM_FI_DEV_GPU_UTIL',
      utilizationWindowUs: 300 * SECOND_US,
      action: 'CheckpointAndReschedule',
      maxRescheduleAttempts: 3,
      rescheduleDelayUs: 60 * SECOND_US,
      checkpointPath: '/mnt/dsx/checkpoints/',
    });
    expect(s.assumptions.join(' ')).toContain('there is no FaultModel, so that training-ft-policy has nothing to do');
  });

  it('must agree where department and project state the same field', () => {
    const text = `apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: d}
spec: {projects: [{name: p, deservedGpus: 8}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlProject
metadata: {name: p, namespace: d}
spec: {deservedGpus: 16}
`;
    expect(() => readScenario(text)).toThrow(
      'scenario:9:22: spec.deservedGpus: found 16, expected 8, as the department states for this project',
    );
  });
});

describe("jobs' manifests", () => {
  it('reads a Kubernetes Job, PyTorchJob, RunaiJob and TrainingWorkload', () => {
    const s = readScenario(`apiVersion: batch/v1
kind: Job
metadata: {name: indexed, labels: {kueue.x-k8s.io/queue-name: team-a}, annotations: {simsup.dev/duration: 2h, simsup.dev/submit: 10m}}
spec: {parallelism: 4, completions: 4, template: {spec: ${container('{nvidia.com/gpu: 2, memory: 64Gi, cpu: "8"}')}}}
---
apiVersion: kubeflow.org/v1
kind: PyTorchJob
metadata: {name: ddp, namespace: ml}
spec:
  pytorchReplicaSpecs:
    Master: {replicas: 1, template: {spec: ${container('{nvidia.com/gpu: 8}')}}}
    Worker: {replicas: 3, template: {spec: ${container('{nvidia.com/gpu: 8}')}}}
---
apiVersion: run.ai/v1
kind: RunaiJob
metadata: {name: half, namespace: runai-vision}
spec: {template: {metadata: {annotations: {gpu-fraction: "0.5"}}, spec: ${container('{cpu: 1}')}}}
---
apiVersion: run.ai/v2alpha1
kind: TrainingWorkload
metadata: {name: quarter, namespace: runai-vision}
spec: {gpu: {value: "0.25"}, image: {value: x}}
`);
    expect(job(s, 'indexed')).toMatchObject({ project: 'team-a', tasks: [2, 2, 2, 2], duration: 2 * HOUR_US });
    const j = job(s, 'indexed').j;
    expect([s.jobs.submitUs[j], s.jobs.cpuMilli[j], s.jobs.memoryMiB[j]]).toEqual([10 * MINUTE_US, 8000, 65536]);
    expect(job(s, 'ddp')).toMatchObject({ tasks: [8, 8, 8, 8], duration: HOUR_US });
    expect(job(s, 'half')).toMatchObject({ project: 'vision', tasks: [1] });
    expect(s.jobs.shareMilli[job(s, 'half').j]).toBe(500);
    expect(s.jobs.shareMilli[job(s, 'quarter').j]).toBe(250);
    expect(s.assumptions.join(' ')).toContain('Jobs from manifests run 1 hour unless');
  });

  it('reads an sbatch header', () => {
    const s = readScenario(
      `#!/bin/bash
#SBATCH --job-name=train --nodes=2   # two nodes
#SBATCH --ntasks-per-node 8
#SBATCH --gres=gpu:h200:8
#SBATCH -t 1-02:00:00 -p gpu -q high
#SBATCH --array=0-2%1
#SIMSUP --duration=3h
srun python train.py
#SBATCH --nodes=99
`,
      { file: 'train.sh' },
    );
    expect(s.jobs.ids).toEqual(['train_0', 'train_1', 'train_2']);
    const first = job(s, 'train_0');
    expect(first).toMatchObject({ tasks: [8, 8], duration: 3 * HOUR_US, pools: ['h200-training'] });
    expect([s.jobs.limitUs[first.j], s.jobs.partition.get(0), s.jobs.qos.get(0)]).toEqual([
      26 * HOUR_US,
      'gpu',
      'high',
    ]);
  });

  it('takes any GPU, and says so, where a script names a type that the cluster lacks', () => {
    const s = readScenario('#!/bin/bash\n#SBATCH --gres=gpu:h100:8\n#SBATCH --time=1:00:00\nsrun train\n', {
      file: 'j.sh',
    });
    expect(Array.from(s.jobs.taskGpus)).toEqual([8]);
    expect(s.assumptions.join(' ')).toMatch(
      /No pool has the GPU type 'h100' that a job script names: any GPU is taken/,
    );
  });

  it('takes sbatch scripts that wait for each other into a workload', () => {
    const files: Record<string, string> = {
      'prep.sh': '#!/bin/sh\n#SBATCH -J prep -G 1 --time=30\n',
      'train.sh': '#!/bin/sh\n#SBATCH -J train -G 4\n#SBATCH --dependency=afterok:prep\n',
    };
    const text = 'apiVersion: simsup.dev/v1\nkind: Workload\nspec: {manifestFiles: [train.sh, prep.sh]}\n';
    const s = readScenario(text, { readFile: (f) => files[f] });
    expect(s.jobs.durationUs[s.jobs.ids.indexOf('prep')]).toBe(30 * MINUTE_US);
    expect(s.jobs.afterJob[0]).toBe(s.jobs.ids.indexOf('prep'));
  });

  it.each([
    [
      '#!/bin/sh\n#SBATCH --tim=1:00\n',
      "j.sh:2:1: --tim: found unknown option 'tim', expected an option of sbatch; did you mean 'time'?",
    ],
    [
      '#!/bin/sh\n#SBATCH --time=soon\n',
      "j.sh:2:1: --time: found 'soon', expected a time as Slurm writes it, such as 90, 1:30:00 or 2-12:00:00",
    ],
    ['#!/bin/sh\n#SBATCH --gpus=-2\n', "j.sh:2:1: --gpus: found '-2', expected a whole number from 0 to 2000000"],
    [
      '#!/bin/sh\n\n#SBATCH -d singleton\n',
      "j.sh:3:1: --dependency: found 'singleton', expected afterok:JOB, afterany:JOB or after:JOB (other dependencies are not simulated)",
    ],
    ['#!/bin/sh\n#SBATCH -a 0-99999999\n', /array indices, such as 0-15/],
    ['#!/bin/sh\n#SBATCH --gpus=64\n', /--gpus: found a job of 64 GPUs/],
  ])('refuses %s', (text, message) => {
    expect(() => readScenario(text, { file: 'j.sh' })).toThrow(ScenarioError);
    expect(() => readScenario(text, { file: 'j.sh' })).toThrow(message);
  });
});

describe('quotas of other schedulers', () => {
  it("reads Run:ai's queues as departments and projects", () => {
    const queue = (name: string, parent: string, gpu: string) =>
      `apiVersion: scheduling.run.ai/v2\nkind: Queue\nmetadata: {name: ${name}}\nspec: {${parent === '' ? '' : `parentQueue: ${parent}, `}resources: {gpu: ${gpu}}}\n`;
    const s = readScenario(
      [
        queue('org', '', '{quota: -1}'),
        queue('a', 'org', '{quota: 16, limit: 24, overQuotaWeight: 3}'),
        queue('b', 'org', '{quota: 20, limit: -1}'),
      ].join('---\n'),
    );
    expect(s.departments).toEqual([{ name: 'org', parent: -1 }]);
    expect(s.projects.map((p) => [p.name, p.deservedGpus, p.overQuotaWeight, p.maxOverQuotaGpus])).toEqual([
      ['a', [16, 0], 3, 8],
      ['b', [16, 4], 1, -1],
    ]);
    const loop = [queue('a', 'b', '{quota: 1}'), queue('b', 'a', '{quota: 1}')].join('---\n');
    expect(() => readScenario(loop)).toThrow(/a circle of departments \(a → b → a\)/);
  });

  it("reads Kueue's ClusterQueue, a flavor being a pool", () => {
    const s = readScenario(`apiVersion: kueue.x-k8s.io/v1beta1
kind: ClusterQueue
metadata: {name: cq}
spec:
  cohort: all
  namespaceSelector: {}
  resourceGroups:
    - coveredResources: [nvidia.com/gpu]
      flavors: [{name: h200-training, resources: [{name: nvidia.com/gpu, nominalQuota: 12, borrowingLimit: 4}]}]
---
apiVersion: kueue.x-k8s.io/v1beta1
kind: LocalQueue
metadata: {name: lq, namespace: x}
spec: {clusterQueue: cq}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {jobs: [{project: lq}]}
`);
    expect(s.projects).toMatchObject([{ name: 'cq', deservedGpus: [12, 0], maxOverQuotaGpus: 4 }]);
    expect(s.jobs.project[0]).toBe(0);
  });
});
