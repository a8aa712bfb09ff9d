/** From Slurm to Run:ai over six weeks: nodes move in waves, users follow, both schedulers are live. */
export const MIGRATE_SLURM = `# A Slurm cluster becomes a Run:ai cluster while it works. Every week four nodes leave Slurm (their jobs have a day to end),
# get a new image and a check, and join the Run:ai pool; a growing part of the jobs is submitted there. A few lines come
# through BCM's Slurm bridge: sbatch as ever, Run:ai beneath. The run says by week what each side cost and how long its jobs
# waited. Change 'at', 'every' and 'follow' until neither side is left with jobs and no nodes.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: migrate-slurm}
spec:
  title: A Slurm cluster of 28 nodes of 8 H100 goes over to Run:ai in weekly waves, with both schedulers live.
  duration: 8w
  stack: mission-control
  policy:
    name: split
    args:
      pools:
        slurm: slurm-typical
        runai: runai
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - {name: slurm, gpuModel: H100-SXM5, nodes: 24, cpu: 224, memory: 2TB, nodesPerRack: 4, nodesPerNvlinkDomain: 1}
    - {name: runai, gpuModel: H100-SXM5, nodes: 4, cpu: 224, memory: 2TB, nodesPerRack: 4, nodesPerNvlinkDomain: 1}
---
apiVersion: simsup.dev/v1
kind: Provisioning
spec:
  changes:
    - name: wave
      at: 8d
      every: 1w
      times: 6
      from: slurm
      to: runai
      nodes: 4
      drain: {wait: 1d, overdue: preempt}
---
apiVersion: simsup.dev/v1
kind: Storage
spec:
  fileSystems: [{name: dsx, path: /mnt/dsx, performance: better}]
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: ai}
spec:
  projects:
    - {name: llm-pretraining, deservedGpus: {slurm: 96, runai: 112}}
    - {name: research, deservedGpus: {slurm: 96, runai: 112}}
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: users}
spec:
  # From the second week to the sixth, more and more jobs go to the new side: nobody submits to Slurm when it has no nodes left.
  follow: {to: [runai], from: 1w, until: 6w}
  defaults: {pools: [slurm], startup: 3m, restore: 2m, checkpointEvery: 1h, checkpointStall: 30s, checkpointOnPreempt: true, grace: 1m}
  teams:
    - name: llm
      project: llm-pretraining
      sizes: [{gpus: 16, weight: 3}, {gpus: 32}]
      arrivals: {perDay: 6}
      duration: {lognormal: {median: 14h, sigma: 0.7}, max: 3d}
      timeLimitFactor: 2
    - name: research
      users: 10
      sizes: [{gpus: 1, weight: 3}, {gpus: 2}, {gpus: 8, weight: 2}]
      arrivals: {perDay: 110, pattern: diurnal}
      duration: {lognormal: {median: 2h, sigma: 1.1}, max: 2d}
      timeLimitFactor: 3
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: bridge}
spec:
  jobs:
    - bcm: bcm submit --scheduler runai --wrap "sbatch --job-name=tune --time=1-00:00:00 tune.sh" --gpus 8 --project llm-pretraining --checkpoint-path /mnt/dsx/checkpoints/
      submit: 9d
      duration: 10h
    - bcm: bcm submit --scheduler runai --wrap "sbatch --job-name=tune-70b --nodes=4 tune.sh" --gpus 32 --project llm-pretraining --checkpoint-path /mnt/dsx/checkpoints/
      submit: 24d
      duration: 20h
      modelParams: 70B
      checkpointEvery: 1h
    - bcm: bcm submit --scheduler slurm --wrap "sbatch --job-name=legacy --time=12:00:00 legacy.sh" --gpus 16 --project research
      submit: 30d
      duration: 6h
`;
