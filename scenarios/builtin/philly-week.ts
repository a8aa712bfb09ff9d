/** A week of the Microsoft Philly log. */
export const PHILLY_WEEK = `# Eight virtual clusters of Microsoft Philly in the week of 16 October 2017: 2,328 jobs as they were submitted.
# Jeon et al., USENIX ATC 2019; CC-BY-4.0. Each virtual cluster is a pool and a project; no one borrows from another.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: philly-week}
spec:
  title: A week of real training jobs in eight virtual clusters, each with its own nodes.
  duration: 7d
  start: 2017-10-16T00:00:00Z
  policy: fifo-backfill
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  borrowAcrossPools: false
  controlPlane: {nodes: 0}
  pools:
    # The published log says neither the GPU model nor a price.
    - {name: 7f04ca, gpuModel: unknown, nodes: 32, gpusPerNode: 8, price: $0}
    - {name: 11cb48, gpuModel: unknown, nodes: 16, gpusPerNode: 8, price: $0}
    - {name: ee9e8c, gpuModel: unknown, nodes: 64, gpusPerNode: 8, price: $0}
    - {name: 2869ce, gpuModel: unknown, nodes: 16, gpusPerNode: 8, price: $0}
    - {name: 103959, gpuModel: unknown, nodes: 8, gpusPerNode: 8, price: $0}
    - {name: ed69ec, gpuModel: unknown, nodes: 8, gpusPerNode: 8, price: $0}
    - {name: 0e4a51, gpuModel: unknown, nodes: 32, gpusPerNode: 8, price: $0}
    - {name: e13805, gpuModel: unknown, nodes: 16, gpusPerNode: 8, price: $0}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: philly}
spec:
  projects:
    - {name: 7f04ca, deservedGpus: {7f04ca: 256}}
    - {name: 11cb48, deservedGpus: {11cb48: 128}}
    - {name: ee9e8c, deservedGpus: {ee9e8c: 512}}
    - {name: 2869ce, deservedGpus: {2869ce: 128}}
    - {name: 103959, deservedGpus: {103959: 64}}
    - {name: ed69ec, deservedGpus: {ed69ec: 64}}
    - {name: 0e4a51, deservedGpus: {0e4a51: 256}}
    - {name: e13805, deservedGpus: {e13805: 128}}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  jobsFile: philly-week.csv
`;
