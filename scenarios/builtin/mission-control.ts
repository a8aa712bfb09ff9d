/** The default scenario: the Mission Control guide's example cluster and a month of work for its three teams. */
export const MISSION_CONTROL = `# A cluster run by NVIDIA Mission Control: 32 H200 for training, 16 B200 for inference, three teams, one month.
# The work below was written down before any policy was run on it, and is not tuned to favour one.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: mission-control}
spec:
  title: Three teams share 32 H200 and 16 B200 for a month; one of them has no quota and lives on what is idle.
  seed: 1
  duration: 30d
  start: 2026-06-01T00:00:00Z     # a Monday
  policy: runai
---
apiVersion: simsup.dev/v1
kind: Cluster
metadata: {name: example}
spec:
  # May a project use pools in which it deserves nothing? (A gang never spans pools.)
  borrowAcrossPools: true
  controlPlane: {nodes: 1, price: $0.50/h}
  pools:
    # Prices: the guide, 5 June 2026, on demand. CPU and memory: DGX H200 and DGX B200 data sheets (2 × 56 cores, 2 TB).
    - {name: h200-training, gpuModel: H200-SXM5, nodes: 4, gpusPerNode: 8, cpu: 224, memory: 2TB, price: $5.92/h, nodesPerNvlinkDomain: 1}
    - {name: b200-inference, gpuModel: B200-SXM6, nodes: 2, gpusPerNode: 8, cpu: 224, memory: 2TB, price: $8.61/h, nodesPerNvlinkDomain: 1}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata:
  name: ai-research
spec:
  displayName: "AI Research"
  projects:
    - name: llm-pretraining
      deservedGpus: 32
      overQuotaWeight: 2
      chargebackLabel: "cost-center/research-llm"
    - name: inference-prod
      deservedGpus: 16
      overQuotaWeight: 1
      chargebackLabel: "cost-center/product-inference"
    - name: research
      deservedGpus: 0
      overQuotaWeight: 1
      chargebackLabel: "cost-center/research-open"
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlProject
metadata:
  name: llm-pretraining
  namespace: ai-research
spec:
  deservedGpus: 32
  overQuotaWeight: 2
  chargebackLabel: "cost-center/research-llm"
  maxOverQuotaGpus: 16   # may borrow this many more while the cluster is idle
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata:
  name: llama4-maverick-inference
spec:
  model:
    registry: nvcr.io/nvidia
    name: llama-4-maverick
    precision: fp8
  # 4 GPUs each: the FP8 weights are 400 GB; 4 B200 hold 4 × (0.90 × 180 GB − 3 GB) = 636 GB and leave 236 GB for the
  # KV cache (2.4 million tokens at 96 KiB), 2 hold 318 GB. Red Hat's card of the FP8 model serves it on 4 GPUs too.
  # The other 8 B200 are inference-prod's to grow into and, until then, anybody's to borrow.
  replicas: 2
  slo:
    targetTTFT: 150ms
    minThroughput: 500      # tokens per second
    p99Latency: 800ms       # p99 of the time to generate a token
  placement:
    preferHardware: [B200-SXM6, H200-SXM5]   # ranked
    avoidIfDCGMUtil: 0.80
  project: inference-prod
---
# Hardware: 5 faults in 1,000 node-days (Meta's RSC-1 had 6.5, arXiv 2410.21680), causes in the counts of Llama 3's training
# (arXiv 2407.21783), 1.5 % of the nodes lemons: on 6 nodes about one a month.
# Programs: XID 31, as often as on Delta's H100 (1,737 in 608 × 146 × 24 GPU-hours, arXiv 2503.11901): about one a day.
apiVersion: simsup.dev/v1
kind: FaultModel
metadata: {name: published}
spec:
  preset: default
  processes:
    - {name: programs, unit: gpu, mtbf: 1226h, kinds: {xid-31: 1}}
---
apiVersion: mission-control.nvidia.com/v1
kind: FaultTolerancePolicy
metadata:
  name: training-ft-policy
spec:
  trigger:
    # 79: the GPU is off the PCIe bus; 94, 95: uncorrectable memory errors, contained or not. None of them is NVLink's (74).
    dcgmEventCodes: ["XID 79", "XID 94", "XID 95"]
    utilizationDropThreshold: 0.05
  action:
    type: CheckpointAndReschedule
    checkpointPath: /mnt/dsx/checkpoints/
    maxRescheduleAttempts: 3
    rescheduleDelay: 60s
---
trainer:                    # NeMo: a checkpoint every 500 steps, the last 3 kept
  checkpoint_callback_params:
    save_top_k: 3
    every_n_train_steps: 500
    dirpath: /mnt/dsx/checkpoints/
---
# Arrivals: measured on the Philly log (82,247 jobs, ATC '19): the busiest hour has 3.3 times the arrivals of the quietest,
# a day of the weekend 0.52 times those of a weekday. The hour of the peak (15:00) is assumed.
# Durations: 5 % quantiles of the Philly log by number of GPUs; the last value is its 99 % quantile, which bounds the tail.
# Load: the teams ask for about 0.65 (llm-pretraining) and 0.25 (research) of the H200 pool's GPU-hours; with the 8 GPUs of
# the replicas that is 77 % of the cluster's. The guide reports 55–65 % used without and 75–85 % with Mission Control: enough
# is asked for to tell them apart.
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: month}
spec:
  defaults:
    # Median time to be running again after a restart: 3 min 42 s (OLMo Hybrid report, 2025).
    startup: 3m42s
    # Loading a checkpoint: 129.5 s for 405 B parameters (ByteCheckpoint, arXiv 2407.20143, table 8).
    restore: 130s
    # An asynchronous checkpoint holds training up for about a second (same table: 0.59 s).
    checkpointStall: 1s
    # Kubernetes' default terminationGracePeriodSeconds.
    grace: 30s
  teams:
    - name: pretraining
      project: llm-pretraining
      users: 6
      pools: [h200-training, b200-inference]
      referenceGpu: H200-SXM5
      # Jobs of 8, 16 and 32 GPUs in the Philly and ITP logs together (2,076, 240 and 113 of them).
      sizes:
        - {gpus: 8, weight: 2076}
        - {gpus: 16, weight: 240}
        - {gpus: 32, weight: 113}
      arrivals: {perDay: 1.76, pattern: diurnal, peakHour: 15, peakToTrough: 3.3, weekend: 0.52}
      # Philly's jobs of 8, 16 and 32 GPUs.
      duration:
        quantiles: [1s, 82s, 199s, 415s, 700s, 1327s, 3539s, 6536s, 11910s, 16629s, 24238s, 43046s, 61436s, 97713s, 133642s, 167762s, 198293s, 237152s, 341725s, 511696s, 1070000s]
    - name: finetuning
      project: research
      users: 8
      referenceGpu: H200-SXM5
      sizes: [{gpus: 4}]
      arrivals: {perDay: 1.8, pattern: diurnal, peakHour: 15, peakToTrough: 3.3, weekend: 0.52}
      # Philly's jobs of 4 GPUs.
      duration:
        quantiles: [3s, 75s, 138s, 179s, 406s, 772s, 1696s, 4456s, 7475s, 13082s, 17431s, 26253s, 36341s, 56900s, 78716s, 89422s, 106319s, 151663s, 184519s, 274339s, 908661s]
    - name: sweeps
      project: research
      users: 8
      class: batch
      referenceGpu: H200-SXM5
      # Eight trials at once: an assumption; logs do not tell which jobs are trials of one sweep.
      together: 8
      sizes: [{gpus: 1}]
      arrivals: {perDay: 5, pattern: diurnal, peakHour: 15, peakToTrough: 3.3, weekend: 0.52}
      # Philly's jobs of 1 GPU.
      duration:
        quantiles: [1s, 52s, 62s, 69s, 76s, 122s, 215s, 385s, 600s, 855s, 1117s, 1446s, 1728s, 2054s, 2464s, 2716s, 3754s, 5342s, 8512s, 19137s, 135404s]
    - name: notebooks
      project: research
      users: 12
      class: interactive
      # Run:ai's interactive-preemptible class: without quota a notebook can't be of the class that nobody may preempt.
      priority: 75
      # Half a GPU for a working half-day, busy 10 % of it: assumptions, no log of notebooks is published.
      gpuShare: 0.5
      use: 10%
      startup: 30s
      sizes: [{gpus: 1}]
      arrivals: {perDay: 8, pattern: diurnal, peakHour: 13, peakToTrough: 10, weekend: 0.2}
      duration: {lognormal: {median: 3h, sigma: 0.7}, min: 10m, max: 12h}
`;
