/** Real requests on four replicas of a model of 70 billion parameters. */
export const SERVE_AZURE = `# Ten minutes of Azure's conversation service (2023, 2,867 requests) on four replicas of Llama 3.1 70B, one H200 each.
# The log does not say what served it: the model, its GPUs and the targets are assumptions.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: serve-azure}
spec:
  title: Ten minutes of real chat requests on four replicas of a 70B model; one in ten has too long a prompt for its target.
  duration: 11m
  policy: fifo-backfill
---
apiVersion: simsup.dev/v1
kind: Cluster
metadata: {name: serving}
spec:
  pools:
    - {name: h200, gpuModel: H200-SXM5, nodes: 1, gpusPerNode: 8, cpu: 224, memory: 2TB, price: $5.92/h, nodesPerNvlinkDomain: 1}
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata:
  name: chat
  annotations: {simsup.dev/routing: least-outstanding}
spec:
  model: {registry: nvcr.io/nvidia, name: llama-3.1-70b, precision: fp8}
  replicas: 4
  slo: {targetTTFT: 500ms, p99Latency: 100ms, minThroughput: 500}
  placement: {preferHardware: [H200-SXM5]}
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: requests}
spec:
  requests:
    - {deployment: chat, file: azure-conversation.csv}
`;
