/** Alibaba's openb nodes with an excerpt of its pods. */
export const OPENB = `# Alibaba's 1,213 GPU nodes of seven models, and 1,856 of its pods, many of which share a GPU.
# Weng et al., USENIX ATC 2023; Apache-2.0. Each GPU model is a pool; a pod may use any of them. By the published times
# only some 40 GPUs are in use at once: what this shows is placement on unlike nodes, not queueing.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: openb}
spec:
  title: Real pods that share GPUs on 1,213 unlike nodes; a pod that does not fit is passed over.
  duration: until-done
  start: 2023-01-01T00:00:00Z     # the log counts seconds from a day it does not name
  policy: {name: fifo, args: {blocked: skip}}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  nodesFile: openb-nodes.csv
  price: $0                       # no price is published for these nodes
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  project: openb
  defaults: {class: batch}
  jobsFile: openb-pods.csv
`;
