/** The four profiles of the Mission Control guide's table of placements, followed as written and then judged. */
export const SLO_PLACEMENT = `# Mission Control's guide places inference by four profiles: a target for the first token, a GPU, a rule. Here each of
# them is a deployment under exactly that rule, on a cluster that training keeps partly busy. The report says whether any
# placement can meet its target, and which would.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: slo-placement}
spec:
  title: "The guide's four serving profiles under its own placement rules: two of their targets cannot be met where it puts them."
  duration: 2h
  start: 2026-06-02T09:00:00Z
  policy: runai
  stack: mission-control
---
apiVersion: simsup.dev/v1
kind: Cluster
metadata: {name: mixed}
spec:
  pools:
    - {name: h200, gpuModel: H200-SXM5, nodes: 4, gpusPerNode: 8, cpu: 224, memory: 2TB, price: $5.92/h, nodesPerNvlinkDomain: 1}
    - {name: b200, gpuModel: B200-SXM6, nodes: 3, gpusPerNode: 8, cpu: 224, memory: 2TB, price: $8.61/h, nodesPerNvlinkDomain: 1}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: product}
spec:
  projects:
    - {name: inference-prod, deservedGpus: {h200: 16, b200: 16}}
    - {name: research, deservedGpus: {h200: 16, b200: 8}}
---
# 70B, long context (32K and more): first token < 500 ms; H200 with DCGM utilisation below 60 % and 141 GB or more.
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata:
  name: long-context
  annotations: {simsup.dev/placement-rule: long-context}
spec:
  model: {registry: nvcr.io/nvidia, name: llama-3.1-70b, precision: fp8}
  replicas: 2
  slo: {targetTTFT: 500ms, p99Latency: 800ms}
  placement: {avoidIfDCGMUtil: 0.60}
  project: inference-prod
---
# 70B, high-throughput batch: first token < 2000 ms; B200, the highest memory bandwidth.
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata:
  name: batch
  annotations: {simsup.dev/placement-rule: throughput}
spec:
  model: {registry: nvcr.io/nvidia, name: llama-3.1-70b, precision: fp8}
  replicas: 2
  slo: {targetTTFT: 2000ms, p99Latency: 800ms, minThroughput: 2000}
  project: inference-prod
---
# 7-13B, fast interactive: first token < 150 ms; B200, the lowest queue depth.
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata:
  name: interactive
  annotations: {simsup.dev/placement-rule: interactive}
spec:
  model: {registry: nvcr.io/nvidia, name: llama-3.1-8b, precision: fp8}
  replicas: 2
  slo: {targetTTFT: 150ms, p99Latency: 100ms, minThroughput: 500}
  project: inference-prod
---
# 405B, several GPUs: first token < 1000 ms; H200 and a node group that NVLink joins, by BCM's topology. NVLink of H200 ends
# at the node: eight GPUs are the largest such group.
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata:
  name: giant
  annotations: {simsup.dev/placement-rule: nvlink-group, simsup.dev/gpus-per-replica: '8'}
spec:
  model: {registry: nvcr.io/nvidia, name: llama-3.1-405b, precision: fp8}
  replicas: 1
  slo: {targetTTFT: 1000ms, p99Latency: 800ms}
  project: inference-prod
---
# Who asks: assumptions, but for the lengths of the interactive profile (Azure's conversation trace, 2023, quantiles).
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: users}
spec:
  requests:
    - {deployment: long-context, perSecond: 0.05, prompt: {quantiles: [32000, 33000, 36000, 48000, 64000]}, output: {median: 400, sigma: 0.5, max: 2000}}
    - {deployment: batch, perSecond: 12, pattern: gamma, cv: 3, prompt: {median: 1000, sigma: 0.6, max: 8000}, output: {median: 250, sigma: 0.6, max: 1500}}
    - deployment: interactive
      perSecond: 20
      prompt: {quantiles: [2, 181, 207, 372, 387, 396, 403, 414, 703, 984, 1020, 1045, 1071, 1097, 1130, 1189, 1315, 1876, 2734, 4083, 8000]}
      output: {quantiles: [7, 41, 54, 67, 77, 85, 91, 96, 103, 113, 129, 151, 177, 217, 384, 395, 400, 411, 424, 451, 1000]}
    - {deployment: giant, perSecond: 0.2, prompt: {median: 2500, sigma: 0.7, max: 16000}, output: {median: 300, sigma: 0.5, max: 1500}}
---
# Training takes what the department gives it, so that utilisation differs from node to node.
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: research}
spec:
  project: research
  teams:
    - name: experiments
      sizes: [{gpus: 1}, {gpus: 2}, {gpus: 4}]
      arrivals: {perDay: 500}
      duration: {lognormal: {median: 20m, sigma: 0.8}, max: 2h}
`;
