/** A team too small for Mission Control: one node. */
export const SMALL_TEAM = `# One team on one node of 8 H100: the guide's decision matrix says plain Kubernetes is enough here.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: small-team}
spec:
  title: One team trains and experiments on a single node of 8 H100 for two weeks.
  duration: 2w
  policy: fifo-backfill
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  pools:
    # CPU and memory: DGX H100 data sheet.
    - {name: h100, gpuModel: H100-SXM5, nodes: 1, gpusPerNode: 8, cpu: 224, memory: 2TB}
---
# Arrival pattern and durations: the Philly log (ATC '19), as in the mission-control scenario. Load: about 0.6 of the node.
apiVersion: simsup.dev/v1
kind: Workload
spec:
  project: team
  defaults: {grace: 30s}
  teams:
    - name: training
      users: 3
      startup: 3m42s
      checkpointEvery: 1h
      checkpointStall: 1s
      restore: 30s
      sizes: [{gpus: 4}]
      arrivals: {perDay: 1, pattern: diurnal, peakToTrough: 3.3, weekend: 0.52}
      # Philly's jobs of 4 GPUs.
      duration:
        quantiles: [3s, 75s, 138s, 179s, 406s, 772s, 1696s, 4456s, 7475s, 13082s, 17431s, 26253s, 36341s, 56900s, 78716s, 89422s, 106319s, 151663s, 184519s, 274339s, 908661s]
    - name: experiments
      users: 3
      sizes: [{gpus: 1}]
      arrivals: {perDay: 20, pattern: diurnal, peakToTrough: 3.3, weekend: 0.52}
      # Philly's jobs of 1 GPU.
      duration:
        quantiles: [1s, 52s, 62s, 69s, 76s, 122s, 215s, 385s, 600s, 855s, 1117s, 1446s, 1728s, 2054s, 2464s, 2716s, 3754s, 5342s, 8512s, 19137s, 135404s]
    - name: notebooks
      users: 3
      class: interactive
      priority: 75
      gpuShare: 0.5
      use: 10%
      sizes: [{gpus: 1}]
      arrivals: {perDay: 3, pattern: diurnal, peakHour: 13, peakToTrough: 10, weekend: 0.2}
      duration: {lognormal: {median: 3h, sigma: 0.7}, min: 10m, max: 12h}
`;
