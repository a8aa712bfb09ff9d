/** The document `Slurm` → the partitions and QOS that the policies `slurm` and `slurm-typical` go by. */

import type { SlurmQos, SlurmSettings } from '../../sim/scenario.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import { nameList } from '../problem.ts';
import { quote } from '../units.ts';

/** Undefined where no such document is stated. */
export function compileSlurm(docs: readonly CheckedDocument[], report: Report): SlurmSettings | undefined {
  const [first, ...others] = documentsOf(docs, 'Slurm');
  if (first === undefined) return undefined;
  for (const { source } of others) report.at(source, ['kind'], 'a second Slurm', 'one Slurm in a scenario');
  const { partitions, qos } = first.data.spec;
  const names = Object.keys(qos);
  for (const [name, { preempt = [] }] of Object.entries(qos)) {
    for (const other of preempt) {
      if (names.includes(other)) continue;
      const near = { name: other, among: names };
      report.at(
        first.source,
        ['spec', 'qos', name, 'preempt'],
        `unknown QOS ${quote(other)}`,
        `one of ${nameList(names, 40)}`,
        near,
      );
    }
  }
  return {
    partitions: Object.entries(partitions).map(([name, { defaultTime, maxTime, priorityTier, priorityJobFactor }]) => ({
      name,
      defaultTimeUs: defaultTime,
      maxTimeUs: maxTime,
      priorityTier,
      priorityJobFactor,
    })),
    qos: Object.entries(qos).map(
      ([name, { graceTime, preemptExemptTime, maxWall, ...rest }]): SlurmQos => ({
        ...rest,
        name,
        graceTimeUs: graceTime,
        preemptExemptTimeUs: preemptExemptTime,
        maxWallUs: maxWall,
      }),
    ),
  };
}
