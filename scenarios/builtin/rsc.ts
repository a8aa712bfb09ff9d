/** Meta's research cluster RSC-1, as far as it is published. */
export const RSC = `# Meta's RSC-1: 16,000 A100 whose nodes fail 6.50 times in 1,000 node-days (arXiv 2410.21680), watched for two weeks.
# Its jobs are not published in the form that a simulation needs; sizes and durations are assumed.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: rsc}
spec:
  title: Two weeks of gangs of up to 4,096 GPUs on 2,000 nodes of 8 A100 that fail as often as those of Meta's RSC-1.
  duration: 2w
  policy: fifo-backfill
  stack: slurm
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - {name: a100, gpuModel: A100-SXM4-80GB, nodes: 2000, gpusPerNode: 8, nodesPerNvlinkDomain: 1}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {preset: rsc-1}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  # u0 = 5 min and hourly checkpoints: the paper's own example of the effective training time ratio.
  defaults: {startup: 5m, checkpointEvery: 1h, checkpointStall: 1s, grace: 30s}
  teams:
    - name: gangs
      sizes: [{gpus: 4096, weight: 1}, {gpus: 1024, weight: 6}, {gpus: 256, weight: 20}]
      arrivals: {perDay: 14}
      duration: {lognormal: {median: 20h, sigma: 0.8}, max: 7d}
    - name: nodes
      sizes: [{gpus: 8, weight: 4}, {gpus: 32, weight: 1}]
      arrivals: {perDay: 900}
      duration: {lognormal: {median: 5h, sigma: 1}, max: 7d}
`;
