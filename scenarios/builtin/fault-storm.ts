/** Everything breaks, in racks at a time, and Mission Control's loop has to keep up. */
export const FAULT_STORM = `# A week in which everything breaks far more often than it should: faults come in bursts by rack, links and hosts go,
# the file system stalls. What the FaultTolerancePolicy catches goes on elsewhere within minutes; what it does not, waits.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: fault-storm}
spec:
  title: A week of faults in bursts on 16 nodes of 8 H100, under the guide's FaultTolerancePolicy.
  duration: 1w
  policy: fifo-backfill
  stack: mission-control
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    # CPU and memory: DGX H100 data sheet.
    - {name: h100, gpuModel: H100-SXM5, nodes: 16, gpusPerNode: 8, cpu: 224, memory: 2TB, nodesPerRack: 4, nodesPerNvlinkDomain: 1}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec:
  # Rates are assumed: a storm, not a forecast. The mix of XIDs is that of H100s on Delta (arXiv 2503.11901, table of XIDs).
  processes:
    - name: gpu
      unit: gpu
      mtbf: 400h
      kinds: {xid-31: 1737, xid-48: 17, xid-63: 16, xid-64: 8, xid-79: 20, xid-94: 14, xid-95: 19, xid-119: 3}
    - name: host
      unit: node
      mtbf: 300h
      hazard: {weibull: {shape: 0.7}}
      kinds: {host-crash: 1, mount-lost: 1, hang: 2, utilization-drop: 2, straggler: 4}
      burst: {probability: 0.3, count: 2, within: 10m, among: rack}
    - name: leaf
      unit: network
      mtbf: 500h
      kinds: {switch-outage: 2, slow-link: 3}
    - name: rack
      unit: rack
      mtbf: 1000h
      kinds: {rack-power: 1}
    - name: files
      unit: storage
      mtbf: 100h
      kinds: {storage-outage: 1}
---
apiVersion: mission-control.nvidia.com/v1
kind: FaultTolerancePolicy
metadata:
  name: training-ft-policy
spec:
  trigger:
    # 79: the GPU is off the PCIe bus; 94, 95: uncorrectable memory errors, contained or not. None of them is NVLink's (74).
    dcgmEventCodes: ["XID 79", "XID 94", "XID 95"]
    utilizationDropThreshold: 0.05
  action:
    type: CheckpointAndReschedule
    checkpointPath: /mnt/dsx/checkpoints/
    maxRescheduleAttempts: 3
    rescheduleDelay: 60s
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  defaults: {startup: 3m42s, restore: 130s, checkpointEvery: 30m, checkpointStall: 1s, grace: 30s}
  teams:
    - name: gangs
      sizes: [{gpus: 16, weight: 3}, {gpus: 32, weight: 1}]
      arrivals: {perDay: 12}
      duration: {lognormal: {median: 8h, sigma: 0.8}, max: 3d}
    - name: singles
      sizes: [{gpus: 1}, {gpus: 4}]
      arrivals: {perDay: 150}
      duration: {lognormal: {median: 1h, sigma: 1}, max: 1d}
`;
