/** `Stack` documents → the stacks that a comparison takes instead of simsup's own of that name. */

import type { PolicyFactory } from '../../sim/policy/policy.ts';
import { COMPARED_STACKS, comparedStackNames } from '../../sim/policy/recovery/compared.ts';
import type { ComparedStack } from '../../sim/scenario.ts';
import { type CheckedDocument, documentsOf, type Report } from '../documents.ts';
import { typed } from '../fields.ts';
import { readPolicyArgs } from '../policy-args.ts';
import { nameList } from '../problem.ts';
import { quote } from '../units.ts';
import { settingsOf, telemetryOf } from './recovery.ts';

export function compileStacks(docs: readonly CheckedDocument[], policies: Policies, report: Report): ComparedStack[] {
  const stacks: ComparedStack[] = [];
  for (const { data, source } of documentsOf(docs, 'Stack')) {
    const { spec } = data;
    const own = data.metadata.name ?? spec.like ?? '';
    const base = COMPARED_STACKS.find(({ name }) => name === (spec.like ?? own));
    if (base === undefined) {
      const path = spec.like === undefined ? ['metadata', 'name'] : ['spec', 'like'];
      const names = comparedStackNames();
      const among = `one of ${nameList(names, 40)}, or like: one of them`;
      report.at(source, path, `unknown stack ${quote(spec.like ?? own)}`, among, {
        name: spec.like ?? own,
        among: names,
      });
      continue;
    }
    if (stacks.some(({ name }) => name === own)) {
      report.at(source, ['metadata', 'name'], `a second stack ${quote(own)}`, 'a name of its own');
      continue;
    }
    const operations = spec.operations ?? {};
    stacks.push({
      ...base,
      name: own,
      title: own === base.name ? base.title : own,
      policy: policyOf(spec.policy, base, policies, (path, found, expected, near) =>
        report.at(source, ['spec', 'policy', ...path], found, expected, near),
      ),
      wholeGpus: spec.wholeGpus ?? base.wholeGpus,
      settings: settingsOf(spec.faults ?? {}, base.settings),
      ...(spec.telemetry !== undefined && { telemetry: telemetryOf(spec.telemetry) }),
      faultTolerance: spec.faultTolerance ?? base.faultTolerance,
      servingPlacement: spec.servingPlacement ?? base.servingPlacement,
      operations: {
        setUpHours: operations.setUpHours ?? base.operations.setUpHours,
        engineers: operations.engineers ?? base.operations.engineers,
        upkeepHoursPerMonth: operations.upkeepHoursPerMonth ?? base.operations.upkeepHoursPerMonth,
        microUsdPerHour: operations.hourlyCost ?? base.operations.microUsdPerHour,
        setUpLastsUs: Math.max(1, operations.setUpLasts ?? base.operations.setUpLastsUs),
      },
      licenceMicroUsd: spec.licence === undefined ? base.licenceMicroUsd : Math.round(spec.licence * 1e6),
    });
  }
  return stacks;
}

/** Those that there are; undefined where names are not checked. */
type Policies = readonly Pick<PolicyFactory, 'name' | 'args'>[] | undefined;

type Blame = (
  path: string[],
  found: string,
  expected: string,
  near?: { name: string; among: Iterable<string> },
) => void;

function policyOf(
  given: string | { name: string; args: Record<string, unknown> } | undefined,
  base: ComparedStack,
  policies: Policies,
  blame: Blame,
): ComparedStack['policy'] {
  if (given === undefined) return base.policy;
  const { name, args } = typeof given === 'string' ? { name: given, args: {} } : given;
  const inside = typeof given === 'string' ? [] : ['name'];
  if (policies === undefined) return { name, args: typed(args) as Record<string, unknown> };
  const found = policies.find((policy) => policy.name === name);
  if (found === undefined) {
    const names = policies.map((policy) => policy.name);
    blame(inside, `unknown policy ${quote(name)}`, `one of ${nameList(names, 40)}`, { name, among: names });
    return base.policy;
  }
  const read = readPolicyArgs(found, args);
  for (const { name: argument, found: what, expected } of read.problems) {
    blame(['args', argument], what, expected, { name: argument, among: Object.keys(found.args) });
  }
  return { name, args: read.args };
}
