/** For tests of the bench: sides in this very process, and policies with planted bugs. */
import { type Action, POLICIES, type PolicyFactory, type Scenario, type View } from '../../sim/simulate.ts';
import type { Side } from './bench.ts';
import { caseScenario } from './cases.ts';
import { benchRun } from './outcome.ts';

export const policyNamed = (name: string) => POLICIES.find((policy) => policy.name === name) as PolicyFactory;

export function sideOf(factory: PolicyFactory, args: Record<string, unknown> = {}): Side {
  return {
    name: factory.name,
    size: 1,
    async run({ case: one, seed, keepDecisions }) {
      const scenario = { ...caseScenario(one, seed, POLICIES), policy: { name: factory.name, args } };
      try {
        return benchRun(scenario, factory, keepDecisions);
      } catch (error) {
        return { failed: (error as Error).message };
      }
    },
  };
}

/** The same policy, its answers bent. */
export function bent(name: string, of: string, bend: (actions: Action[], view: View) => Action[]): PolicyFactory {
  const factory = policyNamed(of);
  return {
    ...factory,
    name,
    create(args) {
      const policy = factory.create(args);
      return {
        ...policy,
        decide(view, ...rest) {
          const decision = policy.decide(view, ...rest);
          return { ...decision, actions: bend(decision.actions, view) };
        },
      };
    },
  };
}

/** The first half of a gang's workers get their GPUs, the others are forgotten. */
export const halves = bent('halves', 'fifo-backfill', (actions) =>
  actions.map((action) => {
    if (action.kind !== 'place' || action.tasks.length < 2) return action;
    const [tasks, nodes, masks] = [action.tasks, action.nodes, action.masks].map((all) =>
      all.slice(0, all.length >> 1),
    );
    return { ...action, tasks, nodes, masks };
  }),
);

/** Whenever it stops somebody, it stops somebody else, too. */
export const oneTooMany = bent('one-too-many', 'runai', (actions, view) => {
  const victim = actions.find(({ kind }) => kind === 'preempt');
  if (victim === undefined) return actions;
  const named = new Set(actions.map(({ job }) => job));
  const RUNNING = 4;
  for (let job = view.firstActive(); job >= 0; job = view.nextActive(job)) {
    if (named.has(job) || view.status[job] !== RUNNING || view.scenario.jobs.preemptible[job] === 0) continue;
    return [...actions, { kind: 'preempt', job, reason: victim.reason }];
  }
  return actions;
});

/** Run:ai's policy, told quotas that are one GPU too large. */
export function offByOne(): PolicyFactory {
  const factory = policyNamed('runai');
  const seen = new WeakMap<Scenario, Scenario>();
  const told = (scenario: Scenario): Scenario => {
    const known = seen.get(scenario);
    if (known !== undefined) return known;
    const projects = scenario.projects.map((project) => ({
      ...project,
      maxOverQuotaGpus: project.maxOverQuotaGpus < 0 ? -1 : project.maxOverQuotaGpus + 1,
    }));
    const changed = { ...scenario, projects };
    seen.set(scenario, changed);
    return changed;
  };
  return {
    ...factory,
    name: 'off-by-one',
    create(args) {
      const policy = factory.create(args);
      return {
        ...policy,
        init: (scenario) => policy.init(told(scenario)),
        decide: (view, ...rest) =>
          policy.decide(Object.create(view, { scenario: { value: told(view.scenario) } }) as View, ...rest),
      };
    },
  };
}
