/** The training of Llama 3 405B: 16,384 GPUs for 54 days. */
export const LLAMA3_405B = `# Llama 3 405B: one job on 16,384 H100 for 54 days, interrupted 419 times without warning (arXiv 2407.21783, section 3.3.4).
# Causes come in the published counts. Checkpoints and restarts are defaults, not Meta's, which are not published: what
# effective time comes out, run says; which interval and restart time the published 90 % needs, checkpoint.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: llama3-405b}
spec:
  title: One job on 16,384 H100 for 54 days, interrupted as Llama 3 was; what its published 90 % of effective time takes, simsup checkpoint llama3-405b says.
  duration: 54d
  policy: fifo
  stack: mission-control
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    # 2,048 nodes at work and 5 % more in reserve (arXiv 2503.11901: 5 % for 99.9 % of the time at 2.2 h of repair).
    - {name: h100, gpuModel: H100-SXM5, nodes: 2150, gpusPerNode: 8, cpu: 224, memory: 2TB, nodesPerNvlinkDomain: 1}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec:
  preset: llama3
  # Meta's own people saw to broken nodes at once: assumed.
  repair: {crews: 0}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  jobs:
    - id: llama3-405b
      project: pretraining
      gpus: 16384
      workers: 2048
      # More work than 54 days hold: what is done of it is the effective time.
      duration: 60d
      checkpointEvery: 1h
      checkpointStall: 1s
      # Time to be running again after a restart: median 3 min 42 s, mean 38 min 54 s (OLMo Hybrid report), which a lognormal
      # distribution has with this sigma; the longest is assumed. Loading 129.5 s (arXiv 2407.20143).
      startup: {lognormal: {median: 3m42s, sigma: 2.17}, max: 6h}
      restore: 130s
`;
