/** New firmware for a busy cluster, in waves, and what that costs its jobs. */
export const FIRMWARE_ROLLOUT = `# GPU firmware for 32 nodes that nobody wants to stop. Each node is drained (its jobs have four hours to end, then they save
# themselves and move), updated, rebooted and checked. Never more than a tenth of the nodes is out of service; when three
# updates have failed, a person has a look before it goes on.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: firmware-rollout}
spec:
  title: A firmware roll-out in waves over 32 nodes of 8 H100 that are busy all the time.
  duration: 2w
  policy: runai
  stack: mission-control
  spares: {h100: 1}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    # CPU and memory: DGX H100 data sheet.
    - {name: h100, gpuModel: H100-SXM5, nodes: 32, cpu: 224, memory: 2TB, nodesPerRack: 4, nodesPerNvlinkDomain: 1}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {preset: default}
---
apiVersion: simsup.dev/v1
kind: Provisioning
spec:
  parallelImaging: 10
  # A spare takes the place of a node that goes to repair.
  spares: replace
  rollouts:
    - name: gpu-firmware
      at: 2d
      kind: firmware
      # CoreWeave's documentation: 1-2 h of firmware bring-up.
      firmware: {median: 90m, sigma: 0.15}
      failure: 3%
      nodesPerWave: 4
      betweenWaves: 30m
      maxUnavailable: 10%
      order: rack
      drain: {wait: 4h, overdue: preempt}
      pause: {failures: 3, for: 1d}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: ai}
spec:
  projects:
    - {name: pretrain, deservedGpus: {h100: 160}}
    - {name: research, deservedGpus: {h100: 96}}
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: training}
spec:
  defaults:
    startup: 4m
    restore: 2m
    checkpointStall: 30s
    checkpointEvery: 1h
    checkpointOnPreempt: true
    grace: 2m
  teams:
    - name: pretrain
      sizes: [{gpus: 64, weight: 2}, {gpus: 128}]
      arrivals: {perDay: 1.5}
      duration: {lognormal: {median: 20h, sigma: 0.6}, max: 4d}
    - name: research
      users: 12
      sizes: [{gpus: 1, weight: 3}, {gpus: 2}, {gpus: 8, weight: 3}]
      arrivals: {perDay: 70, pattern: diurnal}
      duration: {lognormal: {median: 3h, sigma: 1.1}, max: 3d}
`;
