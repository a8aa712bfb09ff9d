/** An excerpt of the Microsoft ITP log. */
export const ITP = `# The first 1,000 jobs of Microsoft ITP's cluster 01 (2021): mostly single GPUs, and a few gangs of 64.
# Gu et al., ASPLOS 2023; MIT licence. The log does not say how large the cluster was: 16 nodes of 8 are assumed, so that
# the largest jobs take half of it.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: itp}
spec:
  title: Seventeen days of real jobs in which a few gangs of 64 GPUs must get past hundreds of single-GPU jobs.
  duration: until-done
  start: 2021-01-01T00:00:00Z     # the log counts seconds from a day it does not name
  policy: fifo-backfill
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  pools:
    - {name: itp, gpuModel: unknown, nodes: 16, gpusPerNode: 8, price: $0}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  project: itp
  jobsFile: itp.csv
`;
