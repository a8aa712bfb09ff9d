/**
 * What each project might call its own over time, by Run:ai's rule of division: from what it held and waited for on average in each
 * bucket, over all pools together. The scheduler itself divides pool by pool and at every moment, so this is the rule's picture, not its log.
 */
import { divideFairShare, queueTree, resourceColumns, UNLIMITED } from '../sim/policy/runai/fairshare.ts';
import { PROJECT_SERIES, type RecordedColumns } from '../sim/record/recorder.ts';
import type { Scenario } from '../sim/simulate.ts';

const SERIES = PROJECT_SERIES.length;

export function fairShares(scenario: Scenario, { series }: RecordedColumns): Float32Array[] {
  const { projects, departments, nodes } = scenario;
  if (series.projects.length === 0) return [];
  let total = 0;
  for (let n = 0; n < nodes.count; n++) total += nodes.gpus[n];
  const d = departments.length;
  const parent = Int32Array.from([...departments.map((x) => x.parent), ...projects.map((p) => p.department)]);
  const priority = Float64Array.from([...departments.map(() => 0), ...projects.map((p) => p.priority)]);
  const tree = queueTree(
    parent,
    priority,
    Int32Array.from(parent, (_, i) => i),
  );
  const columns = resourceColumns(parent.length);
  projects.forEach(({ deservedGpus, overQuotaWeight, maxOverQuotaGpus }, p) => {
    const own = deservedGpus.some((gpus) => gpus < 0) ? UNLIMITED : deservedGpus.reduce((a, b) => a + b, 0);
    columns.deserved[d + p] = own;
    columns.limit[d + p] = own < 0 || maxOverQuotaGpus < 0 ? UNLIMITED : own + maxOverQuotaGpus;
    columns.overQuotaWeight[d + p] = overQuotaWeight;
    for (let above = parent[d + p]; above >= 0; above = parent[above]) {
      columns.deserved[above] = own < 0 || columns.deserved[above] < 0 ? UNLIMITED : columns.deserved[above] + own;
      columns.overQuotaWeight[above] += overQuotaWeight;
    }
  });
  const shares = projects.map(() => new Float32Array(series.count));
  for (let bucket = 0; bucket < series.count; bucket++) {
    columns.request.fill(0, 0, d);
    columns.fairShare.fill(0);
    for (let p = 0; p < projects.length; p++) {
      const asked = series.projects[p * SERIES][bucket] + series.projects[p * SERIES + 3][bucket];
      columns.request[d + p] = asked;
      for (let above = parent[d + p]; above >= 0; above = parent[above]) columns.request[above] += asked;
    }
    divideFairShare(tree, columns, total, 0);
    for (let p = 0; p < projects.length; p++) shares[p][bucket] = columns.fairShare[d + p];
  }
  return shares;
}
