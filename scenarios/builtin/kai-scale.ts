/** The scale test that Run:ai's open scheduler is measured by. */

/** Jobs of the test: one for each GPU of its 500 nodes. */
const JOBS = 4000;

export const KAI_SCALE = `# 4,000 jobs of one GPU arrive at once on 500 empty nodes of 8. KAI-Scheduler publishes 6 min 38 s until the last of them
# runs (docs/scale-tests/example-results.json, 3 July 2026, simulated nodes), so about 10 placements a second: that figure is
# given here, everything else follows. \`--arg decisionsPerSecond=0\` is a scheduler that decides in no time.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: kai-scale}
spec:
  title: How long a scheduler that makes 10 decisions a second keeps 4,000 GPUs waiting.
  duration: until-done
  policy: {name: runai, args: {decisionsPerSecond: 10}}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  pools:
    - {name: scale, gpuModel: H100-SXM5, nodes: 500, gpusPerNode: 8, price: $0}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  project: scale
  jobsFile: kai-scale.csv
`;

export const KAI_SCALE_JOBS = `job_id,submit,duration,num_gpu\n${Array.from({ length: JOBS }, (_, i) => `job-${i},0,3600,1\n`).join('')}`;
