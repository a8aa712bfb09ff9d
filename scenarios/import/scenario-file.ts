/** The scenario an import writes: a cluster (as given, or sized by rule), the jobs beside it, fifo-backfill. */

import { MAX_GPUS, MAX_GPUS_PER_NODE } from '../schema.ts';
import { type ImportOptions, type SourceFacts, UserError } from './importer.ts';
import type { NodeList, Pool } from './nodes.ts';
import type { ImportReport } from './report.ts';

/** Share of the GPUs that the log keeps busy on average in a cluster sized by rule. */
const TARGET_LOAD = 0.7;

/** What the first pass learnt of the jobs of one pool. Times in µs on the source's clock. */
export interface PoolLoad {
  jobs: number;
  gpuUs: number;
  largest: number;
  /** Of the job that needs most. */
  nodes: number;
  first: number;
  last: number;
  longestUs: number;
}

export interface SizedCluster {
  pools: Pool[];
  /** How the size was found, a sentence. */
  rule: string;
}

export function sizeCluster(loads: Map<string, PoolLoad>, facts: SourceFacts, options: ImportOptions): SizedCluster {
  const cluster = sizedBy(loads, facts, options);
  const gpus = cluster.pools.reduce((sum, p) => sum + p.nodes * p.gpusPerNode, 0);
  if (gpus > MAX_GPUS) {
    throw new UserError(
      `the cluster would need ${gpus} GPUs, a scenario has at most ${MAX_GPUS}: are the columns the right ones? Give the nodes with --nodes or --node-count`,
    );
  }
  return cluster;
}

function sizedBy(loads: Map<string, PoolLoad>, facts: SourceFacts, options: ImportOptions): SizedCluster {
  const { nodeCount } = options;
  let gpusPerNode = options.gpusPerNode ?? 8;
  if (gpusPerNode < 1 || gpusPerNode > MAX_GPUS_PER_NODE)
    throw new UserError(`${gpusPerNode} GPUs per node: use 1 to ${MAX_GPUS_PER_NODE}`);
  const only = loads.size === 1;
  if (nodeCount !== undefined) {
    if (loads.size > 1)
      throw new UserError(
        'the log has several virtual clusters: give their nodes with --nodes FILE (columns vc,node num), not --node-count',
      );
    return {
      pools: [...loads.keys()].map((key) => ({ key, nodes: nodeCount, gpusPerNode })),
      rule: `${nodeCount} nodes of ${gpusPerNode} GPUs, as given.`,
    };
  }
  if (only && facts.gpus !== undefined && facts.gpus > 0) {
    const [[key, load]] = loads;
    const all = Math.ceil(facts.gpus / (options.cpusPerGpu ?? 1));
    const perNode = facts.nodes === undefined ? 0 : all / facts.nodes;
    if (options.gpusPerNode === undefined && Number.isInteger(perNode) && perNode >= 1 && perNode <= MAX_GPUS_PER_NODE)
      gpusPerNode = perNode;
    const nodes = Math.ceil(Math.max(all, load.largest) / gpusPerNode);
    return {
      pools: [{ key, nodes, gpusPerNode }],
      rule: `${nodes} nodes of ${gpusPerNode} GPUs: the size the log's own header states (at least its largest job).`,
    };
  }
  const pools = [...loads].map(([key, load]) => {
    const spanUs = Math.max(load.last - load.first, load.longestUs, 1);
    const busy = load.gpuUs / spanUs / TARGET_LOAD;
    return { key, nodes: Math.max(1, Math.ceil(busy / gpusPerNode), load.nodes), gpusPerNode };
  });
  const each = pools.length > 1 ? ' in each virtual cluster' : '';
  return {
    pools,
    rule: `no nodes given: nodes of ${gpusPerNode} GPUs, as many as make the mean load ${TARGET_LOAD * 100} %${each}, and room for the largest job.`,
  };
}

/** Text that YAML reads back as the same string. */
const yaml = (text: string) => JSON.stringify(text);

export interface ScenarioParts {
  format: string;
  name: string;
  report: ImportReport;
  cluster: SizedCluster;
  nodes: NodeList | undefined;
  jobsFile: string;
  nodesFile: string;
  /** Unix seconds of time 0; undefined where the source does not say. */
  startSeconds: number | undefined;
  /** Time 0 on the source's clock, seconds. */
  zeroSeconds: number;
  options: ImportOptions;
}

export function scenarioYaml(p: ScenarioParts): string {
  const model = p.options.gpuModel ?? 'unknown';
  const { report } = p;
  const clean = (text: string) => text.replace(/[^\x20-\x7e]+/g, ' ');
  const lines = [
    `# Written by: simsup import ${p.format}${p.options.source ? ` ${clean(p.options.source)}` : ''}`,
    `# ${report.rows} rows: ${report.taken} taken (${report.mended} of them mended), ${report.refused} refused.`,
    `# Time 0 is the first submission${p.startSeconds === undefined ? `, ${p.zeroSeconds} s on the log's own clock` : ''}.`,
    ...(p.options.anonymiseSalt === undefined
      ? []
      : ['# Users, projects, virtual clusters, jobs and nodes are pseudonyms; times are as logged.']),
    `# Cluster: ${p.cluster.rule}`,
    'apiVersion: simsup.dev/v1',
    'kind: Cluster',
    `metadata: {name: ${yaml(p.name)}}`,
    'spec:',
    '  controlPlane: {nodes: 0} # the log says nothing of one',
  ];
  if (p.nodes !== undefined && p.nodes.csv !== '') lines.push(`  nodesFile: ${yaml(p.nodesFile)}`);
  else {
    lines.push('  pools:');
    // Jobs without a virtual cluster have a pool that no virtual cluster is named after.
    let shared = 'gpus';
    while (p.cluster.pools.some((pool) => pool.key === shared)) shared += '-';
    const poolName = (key: string) => (key === '' ? shared : key);
    for (const pool of p.cluster.pools) {
      lines.push(
        `    - {name: ${yaml(poolName(pool.key))}, gpuModel: ${yaml(model)}, nodes: ${pool.nodes}, gpusPerNode: ${pool.gpusPerNode}}`,
      );
    }
    const own = p.cluster.pools.filter((pool) => pool.key !== '');
    if (own.length > 0) {
      lines.push(
        '  # A virtual cluster runs on its own nodes alone.',
        '  borrowAcrossPools: false',
        '  poolPreference:',
      );
      for (const pool of own) lines.push(`    ${yaml(poolName(pool.key))}: [${yaml(poolName(pool.key))}]`);
    }
  }
  lines.push(
    '---',
    'apiVersion: simsup.dev/v1',
    'kind: Workload',
    `metadata: {name: ${yaml(`${p.name}-jobs`)}}`,
    `spec: {jobsFile: ${yaml(p.jobsFile)}, whenTooLarge: skip}`,
    '---',
    'apiVersion: simsup.dev/v1',
    'kind: Simulation',
    `metadata: {name: ${yaml(p.name)}}`,
    'spec:',
    `  title: ${yaml(`Jobs of a log (${p.format}), replayed`)}`,
    '  duration: until-done',
    ...(p.startSeconds === undefined
      ? []
      : [`  start: ${yaml(`${new Date(p.startSeconds * 1000).toISOString().slice(0, 19)}Z`)}`]),
    '  policy: fifo-backfill',
  );
  return `${lines.join('\n')}\n`;
}
