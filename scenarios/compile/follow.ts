/** `follow` of a Workload: users go over to other pools, more of them as time goes by (a migration). */

import { openStream } from '../../sim/engine/random.ts';
import type { Report } from '../documents.ts';
import { nameList } from '../problem.ts';
import type { WorkloadSpec } from '../schema.ts';
import { quote } from '../units.ts';
import type { SourceDocument } from '../yaml.ts';
import type { JobDraft } from './draft.ts';

/** What becomes of each job of the Workload; the job's own stream decides, so that it decides alike whatever else changes. */
export function followers(
  { follow }: WorkloadSpec,
  label: string,
  seed: string,
  pools: readonly string[],
  source: SourceDocument,
  report: Report,
): (draft: JobDraft) => JobDraft {
  if (follow === undefined) return (draft) => draft;
  const { to, from, until, share } = follow;
  const at = ['spec', 'follow'];
  to.forEach((name, i) => {
    if (pools.includes(name)) return;
    const path = Array.isArray(statedIn(source, 'to')) ? [...at, 'to', i] : [...at, 'to'];
    report.at(source, path, `unknown pool ${quote(name)}`, `one of ${nameList(pools)}`, { name, among: pools });
  });
  if (until < from) report.at(source, [...at, 'until'], 'an end before the beginning', 'from, or later');
  return (draft) => {
    const done = draft.submitUs <= from ? 0 : draft.submitUs >= until ? 1 : (draft.submitUs - from) / (until - from);
    const goes = openStream(seed, `workload/${label}/follow/${draft.id}`).next() < (done * share) / 1000;
    return goes ? { ...draft, traits: { ...draft.traits, pools: to } } : draft;
  };
}

function statedIn(source: SourceDocument, field: string): unknown {
  const { spec } = source.value as { spec?: { follow?: Record<string, unknown> } };
  return spec?.follow?.[field];
}
