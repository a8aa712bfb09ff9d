/** Projects that fight for every GPU at the edges of their quotas, where a rule that is off by one shows. */
export const QUOTA_FIGHTS = `# Made to be hostile, not likely: odd quotas beside jobs of one GPU, caps on borrowing that are always reached, work that
# must never be displaced next to work that always may be, gangs that need what others have borrowed. A day; no faults.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: quota-fights}
spec:
  title: Five projects fight over 32 GPUs at the edges of their quotas for a day.
  duration: 1d
  policy: runai
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  pools:
    - {name: a, gpuModel: H100-SXM5, nodes: 3, gpusPerNode: 8, cpu: 224, memory: 2TB}
    - {name: b, gpuModel: H100-SXM5, nodes: 2, gpusPerNode: 4, cpu: 112, memory: 1TB}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: north}
spec:
  projects:
    - {name: owner, deservedGpus: {a: 11, b: 1}, overQuotaWeight: 1}
    - {name: capped, deservedGpus: {a: 3, b: 0}, overQuotaWeight: 4, maxOverQuotaGpus: 4}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: south}
spec:
  projects:
    - {name: steady, deservedGpus: {a: 5, b: 3}, overQuotaWeight: 1, maxOverQuotaGpus: 1}
    - {name: gangs, deservedGpus: {a: 4, b: 4}, overQuotaWeight: 2}
    - {name: poor, deservedGpus: 0, overQuotaWeight: 1, maxOverQuotaGpus: 7}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  defaults: {startup: 10s, restore: 10s, checkpointEvery: 10m, checkpointStall: 0s}
  teams:
    - name: owner-singles
      project: owner
      sizes: [{gpus: 1, weight: 3}, {gpus: 3, weight: 1}]
      arrivals: {perDay: 130, pattern: diurnal, peakToTrough: 10}
      duration: {lognormal: {median: 50m, sigma: 0.8}, max: 6h}
    # Whenever they may, they take all that is idle in ones: nearly every cycle ends at the cap.
    - name: capped-flood
      project: capped
      together: 10
      sizes: [{gpus: 1}]
      arrivals: {perDay: 16}
      duration: {lognormal: {median: 40m, sigma: 0.8}, max: 6h}
    # 100 and above: never displaced, never beyond what is deserved.
    - name: steady-kept
      project: steady
      priority: 100
      preemptible: false
      together: 4
      sizes: [{gpus: 1, weight: 2}, {gpus: 2, weight: 1}]
      arrivals: {perDay: 20}
      duration: {lognormal: {median: 1h, sigma: 0.6}, max: 6h}
    - name: gangs
      project: gangs
      sizes: [{gpus: 4, workers: 2, weight: 2}, {gpus: 8, workers: 4, weight: 1}, {gpus: 6, workers: 3, weight: 1}]
      arrivals: {perDay: 24}
      duration: {lognormal: {median: 1h, sigma: 0.6}, max: 6h}
    - name: poor-flood
      project: poor
      together: 8
      grace: 20s
      sizes: [{gpus: 1, weight: 4}, {gpus: 2, weight: 1}]
      arrivals: {perDay: 12}
      duration: {lognormal: {median: 1h, sigma: 1}, max: 8h}
`;
