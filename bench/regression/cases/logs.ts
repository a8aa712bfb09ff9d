/**
 * Published logs as work for a bench: the built-in excerpts, on less hardware or with more jobs, so that somebody waits.
 * A `scale` that is no whole number thins or repeats the file's jobs at random, which is where the seeds come in.
 */
import { builtins } from '../../../scenarios/index.ts';

function builtinFile(scenario: string, file: string): string {
  const found = builtins.find(({ name }) => name === scenario)?.files[file];
  if (found === undefined) throw new Error(`invariant: the built-in scenario ${scenario} has no ${file}`);
  return found;
}

const PHILLY_POOLS = [
  ['7f04ca', 8],
  ['11cb48', 3],
  ['ee9e8c', 14],
  ['2869ce', 3],
  ['103959', 3],
  ['ed69ec', 3],
  ['0e4a51', 8],
  ['e13805', 3],
] as const;

/** Eight virtual clusters on a quarter of their nodes, as one pool with quotas, so that one may borrow of another. */
export const PHILLY_WEEK = `apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: philly-week}
spec:
  title: A week of Microsoft Philly's jobs (Jeon et al., USENIX ATC 2019; CC-BY-4.0) on a quarter of its nodes.
  duration: 7d
  start: 2017-10-16T00:00:00Z
  policy: runai
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  pools:
    - {name: philly, gpuModel: unknown, nodes: ${PHILLY_POOLS.reduce((sum, [, nodes]) => sum + nodes, 0)}, gpusPerNode: 8, price: $0}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: philly}
spec:
  projects:
${PHILLY_POOLS.map(([name, nodes]) => `    - {name: ${name}, deservedGpus: ${nodes * 8}}`).join('\n')}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  jobsFile: philly-week.csv
  scale: 0.9
  whenTooLarge: skip
`;
export const phillyFiles = () => ({ 'philly-week.csv': builtinFile('philly-week', 'philly-week.csv') });

export const ITP_MONTH = `apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: itp-month}
spec:
  title: The first 17 days of Microsoft ITP's cluster 01 (Gu et al., ASPLOS 2023; MIT), run to the end of a month.
  duration: 30d
  start: 2021-01-01T00:00:00Z
  policy: runai
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
  scale: 1.5
`;
export const itpFiles = () => ({ 'itp.csv': builtinFile('itp', 'itp.csv') });

/** Every so manieth of Alibaba's nodes, of each model as it comes. */
const OPENB_EVERY = 60;
const OPENB_SUBMIT_S = 15;

/** As placement is studied (Weng et al., USENIX ATC 2023): pods arrive one after another and stay, until nothing fits any more. */
export const OPENB_FILL = `apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: openb-fill}
spec:
  title: Alibaba's pods (Weng et al., USENIX ATC 2023; Apache-2.0) fill every ${OPENB_EVERY}th of its nodes and stay.
  duration: 8h
  start: 2023-01-01T00:00:00Z
  policy: runai
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  nodesFile: openb-nodes.csv
  price: $0
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  project: openb
  defaults: {class: batch}
  jobsFile: openb-pods.csv
  scale: 0.1
  whenTooLarge: skip
`;

export function openbFiles(): Record<string, string> {
  const [nodesHead, ...nodes] = builtinFile('openb', 'openb-nodes.csv').trim().split('\n');
  const [podsHead, ...pods] = builtinFile('openb', 'openb-pods.csv').trim().split('\n');
  const columns = podsHead.split(',');
  const [submit, duration] = [columns.indexOf('submit'), columns.indexOf('duration')];
  const stay = pods.map((line, i) => {
    const cells = line.split(',');
    cells[submit] = String(i * OPENB_SUBMIT_S);
    cells[duration] = String(30 * 86_400);
    return cells.join(',');
  });
  return {
    'openb-nodes.csv': `${[nodesHead, ...nodes.filter((_, i) => i % OPENB_EVERY === 0)].join('\n')}\n`,
    'openb-pods.csv': `${[podsHead, ...stay].join('\n')}\n`,
  };
}
