/** Training on spot capacity, inference on demand: the mixed fleet that the deployment guide advises. */
export const SPOT_TRAINING = `# Training survives a reclaim if it can save itself within the notice; a replica that answers people cannot.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: spot-training}
spec:
  title: Training on 64 spot H200 that the cloud takes away with two minutes of notice, inference on 16 B200 on demand, for a month.
  duration: 30d
  policy: runai
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  borrowAcrossPools: false
  pools:
    # Prices: the guide, 5 June 2026 ($5.92 on demand for the H200). How often spot H200 are taken is published by none:
    # every node once in four days is an assumption on the cautious side; change it.
    - name: h200-spot
      gpuModel: H200-SXM5
      nodes: 8
      cpu: 224
      memory: 2TB
      spot: true
      price: $1.78/h
      nodesPerNvlinkDomain: 1
      reclaim: {cloud: aws, meanTime: 4d, batchShare: 0.2, returnAfter: 2h}
    - {name: b200-on-demand, gpuModel: B200-SXM6, nodes: 2, cpu: 224, memory: 2TB, price: $8.61/h, nodesPerNvlinkDomain: 1}
---
# The 'better' class of the DGX SuperPOD reference architecture: 20 GB/s writing, 40 GB/s reading, 4 and 8 GB/s a node.
apiVersion: simsup.dev/v1
kind: Storage
spec:
  fileSystems:
    - name: dsx
      path: /mnt/dsx
      performance: better
      capacity: 200TB
      access:
        - {path: /mnt/dsx/checkpoints/training, projects: [training]}
        - {path: /mnt/dsx/models, projects: [training, inference]}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: ai}
spec:
  projects:
    - {name: training, deservedGpus: {h200-spot: 64}}
    - {name: inference, deservedGpus: {b200-on-demand: 16}}
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata: {name: chat}
spec:
  model: {name: llama-3.1-70b, precision: fp8}
  replicas: 8
  placement: {preferHardware: [B200-SXM6]}
  project: inference
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  project: training
  defaults:
    startup: 4m
    checkpointPath: /mnt/dsx/checkpoints/training
    checkpointOnPreempt: true
    # Within the notice, or it is of no use.
    grace: 2m
  teams:
    # 70 billion parameters: 988 GB a checkpoint, a minute from eight nodes, two minutes from two.
    - name: pretrain
      modelParams: 70B
      checkpointMode: async
      checkpointEvery: 30m
      sizes: [{gpus: 32}]
      arrivals: {perDay: 0.7}
      duration: {lognormal: {median: 18h, sigma: 0.5}, max: 4d}
    - name: finetune
      modelParams: 8B
      checkpointEvery: 20m
      sizes: [{gpus: 8, weight: 3}, {gpus: 16}]
      arrivals: {perDay: 8, pattern: diurnal}
      duration: {lognormal: {median: 4h, sigma: 0.8}, max: 2d}
`;
