/** Three tenants of unlike habits on a small cluster that is always contended: the case that says most per second of work. */
export const TENANTS = `# Assumed, not measured: sizes, rates and durations that keep 40 GPUs at about 0.85 of their capacity, so that waits depend
# on every decision. Times between checkpoints and start-up as in the mission-control scenario.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: tenants}
spec:
  title: Three tenants on 5 nodes of 8 GPUs for a week.
  duration: 7d
  warmUp: 12h
  policy: runai
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  pools:
    - {name: h100, gpuModel: H100-SXM5, nodes: 5, gpusPerNode: 8, cpu: 224, memory: 2TB}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: lab}
spec:
  projects:
    - {name: training, deservedGpus: 20, overQuotaWeight: 2}
    - {name: vision, deservedGpus: 12, overQuotaWeight: 1}
    - {name: guests, deservedGpus: 8, overQuotaWeight: 1, maxOverQuotaGpus: 16}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  defaults: {startup: 1m, restore: 30s, checkpointEvery: 30m, checkpointStall: 1s, grace: 30s}
  teams:
    - name: gangs
      project: training
      sizes: [{gpus: 8, weight: 3}, {gpus: 16, weight: 1}]
      arrivals: {perDay: 14}
      duration: {lognormal: {median: 2h, sigma: 0.6}, max: 8h}
    - name: sweeps
      project: vision
      sizes: [{gpus: 1, weight: 2}, {gpus: 2, weight: 1}, {gpus: 4, weight: 1}]
      arrivals: {perDay: 60}
      duration: {lognormal: {median: 1h30m, sigma: 0.7}, max: 8h}
    - name: notebooks
      project: vision
      class: interactive
      priority: 110
      use: 10%
      sizes: [{gpus: 1}]
      arrivals: {perDay: 12, pattern: diurnal, peakHour: 13, peakToTrough: 6}
      duration: {lognormal: {median: 2h, sigma: 0.5}, max: 8h}
    - name: guests
      project: guests
      sizes: [{gpus: 1, weight: 1}, {gpus: 4, weight: 2}, {gpus: 8, weight: 1}]
      arrivals: {perDay: 22}
      duration: {lognormal: {median: 1h30m, sigma: 0.7}, max: 8h}
`;
