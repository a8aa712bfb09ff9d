/** Serving that gives its GPUs to training at night and takes them back in the morning. */
export const SERVE_AND_TRAIN = `# A chat service with a busy day and a quiet night shares 32 H200 with training. A planner asks every three minutes how many
# replicas meet the targets; what it lets go of at night training borrows, and Run:ai reclaims it in the morning.
# What that gains over replicas that are always there: npx simsup sweep serve-and-train
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: serve-and-train}
spec:
  title: A chat service lends its GPUs to training at night and takes them back in the morning, for three days.
  duration: 3d
  start: 2026-06-02T00:00:00Z     # a Tuesday
  policy: runai
---
apiVersion: simsup.dev/v1
kind: Cluster
metadata: {name: shared}
spec:
  pools:
    - {name: h200, gpuModel: H200-SXM5, nodes: 4, gpusPerNode: 8, cpu: 224, memory: 2TB, price: $5.92/h, nodesPerNvlinkDomain: 1}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: product}
spec:
  projects:
    - {name: chat, deservedGpus: 20, overQuotaWeight: 1}
    - {name: training, deservedGpus: 12, overQuotaWeight: 1}
---
# 70 billion parameters in 8 bits, one H200 each. Up to 20 replicas: the project's quota.
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata:
  name: chat
  annotations:
    simsup.dev/autoscaler: slo
    simsup.dev/min-replicas: '3'
    simsup.dev/max-replicas: '20'
    simsup.dev/start: active
spec:
  model: {registry: nvcr.io/nvidia, name: llama-3.1-70b, precision: fp8}
  replicas: 6
  slo: {targetTTFT: 1500ms, p99Latency: 400ms, minThroughput: 2000}
  placement: {preferHardware: [H200-SXM5]}
  project: chat
---
# Lengths: 5 % quantiles of Azure's conversation trace (2023). The day is an assumption: eight times as much at 15:00 as at
# 03:00, a service whose users live in one time zone (Azure's own, of many, has 3.3).
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: users}
spec:
  requests:
    - deployment: chat
      perSecond: 18
      pattern: diurnal
      peakHour: 15
      peakToTrough: 8
      prompt: {quantiles: [2, 181, 207, 372, 387, 396, 403, 414, 703, 984, 1020, 1045, 1071, 1097, 1130, 1189, 1315, 1876, 2734, 4083, 8000]}
      output: {quantiles: [7, 41, 54, 67, 77, 85, 91, 96, 103, 113, 129, 151, 177, 217, 384, 395, 400, 411, 424, 451, 1000]}
---
# More work than the cluster could do: whatever is free is used. A job that is reclaimed has written a checkpoint within its grace.
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: training}
spec:
  project: training
  defaults: {startup: 3m, restore: 1m, grace: 2m, checkpointEvery: 30m, checkpointStall: 5s, checkpointOnPreempt: true, preemptible: true}
  teams:
    - name: finetune
      users: 4
      sizes: [{gpus: 1, weight: 2}, {gpus: 2}, {gpus: 4}]
      arrivals: {perDay: 90}
      duration: {lognormal: {median: 3h, sigma: 0.7}, max: 12h}
---
# The same days with the replicas of the quiet hours as they are above, and with all 20 all the time.
apiVersion: simsup.dev/v1
kind: Study
metadata: {name: lend-or-keep}
spec:
  grid:
    deployments.chat.annotations[simsup.dev/min-replicas]: ['3', '20']
  seeds: 3
  figures: [attainment, productive-gpu-hours, completed, queueing-delay-mean, cost]
`;
