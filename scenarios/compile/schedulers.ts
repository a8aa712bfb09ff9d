/** Which pools a scenario's schedulers have, where it has several (policy `split`). */

import type { PolicyChoice, PoolSpec } from '../../sim/scenario.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import { nameList } from '../problem.ts';
import { quote } from '../units.ts';

/** Names of the pools of a scheduler such as `slurm`; undefined where one scheduler has them all. */
export type Schedulers = (scheduler: string) => string[] | undefined;

export function schedulersOf(
  { name, args }: PolicyChoice,
  docs: readonly CheckedDocument[],
  pools: readonly PoolSpec[],
  report: Report,
): Schedulers {
  const given = args.pools;
  if (name !== 'split' || typeof given !== 'object' || given === null) return () => undefined;
  const names = pools.map((pool) => pool.name);
  const { source } = documentsOf(docs, 'Simulation')[0] ?? {};
  const policies = new Map<string, string>();
  for (const [pool, choice] of Object.entries(given)) {
    policies.set(pool, typeof choice === 'string' ? choice : String((choice as PolicyChoice).name));
    if (names.includes(pool) || source === undefined) continue;
    report.at(
      source,
      ['spec', 'policy', 'args', 'pools', pool],
      `unknown pool ${quote(pool)}`,
      `one of ${nameList(names)}`,
      {
        name: pool,
        among: names,
      },
    );
  }
  const others = String(args.others ?? '');
  return (scheduler) => names.filter((pool) => (policies.get(pool) ?? others).startsWith(scheduler));
}
