/** The commented scenario that `simsup init` writes. */
export function starterScenario(): string {
  return STARTER;
}

const STARTER = `# A scenario for simsup. Everything has a default: delete what you don't need.
# Try: npx simsup run scenario.yaml --out results, then open results/report.html
# All kinds and fields: docs/scenario.md. For completion in an editor: npx simsup schema > simsup.schema.json
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: my-cluster}
spec:
  title: What I want to know
  seed: 1                  # same seed, same arrivals, whatever the policy
  duration: 30d            # or until-done: to the end of the last job
  policy: fifo-backfill
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - name: training
      gpuModel: H200-SXM5  # memory, speed and price come from the catalogue
      nodes: 4
      gpusPerNode: 8
      # price: $5.92/h     # per GPU; your own contract here
      # spot: true
  # nodesFile: nodes.csv   # or one line per node: sn,cpu_milli,memory_mib,gpu,model
---
# Quotas. Mission Control's own manifests go in unchanged, so do Run:ai Queues and Kueue ClusterQueues.
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: engineering}
spec:
  projects:
    - {name: models, deservedGpus: 24, overQuotaWeight: 2}
    - {name: research, deservedGpus: 8}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  # jobsFile: jobs.csv     # your own log: npx simsup import sacct LOG --out mine writes mine/jobs.csv
  teams:
    - name: training
      project: models
      arrivals: {perDay: 3, pattern: diurnal, weekend: 0.5}
      sizes:
        - {gpus: 8, weight: 4}
        - {gpus: 16, weight: 1}
      duration: {lognormal: {median: 6h, sigma: 1.2}, max: 5d}
      checkpointEvery: 1h
      startup: 3m
    - name: notebooks
      project: research
      class: interactive
      arrivals: {perDay: 10, pattern: diurnal, weekend: 0.2}
      gpuShare: 0.5
      duration: {lognormal: {median: 2h, sigma: 0.8}, max: 12h}
  jobs:
    - {id: deadline-run, project: models, submit: 10d, gpus: 32, duration: 1d12h}
`;
