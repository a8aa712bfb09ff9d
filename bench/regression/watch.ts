/**
 * Looks over a policy's shoulder: notes what it decides and why, how long it takes, and which rules it breaks that no
 * scheduler of Mission Control may break. The policy does not notice, and the run's digest stays as it is.
 */
import {
  type Action,
  type Decision,
  GPU_UNITS,
  JOB_STATUS,
  type PolicyFactory,
  type Scenario,
  type View,
} from '../../sim/simulate.ts';

/** One thing that was decided. Of a wait only what is said anew is noted. */
export interface DecisionRow {
  atUs: number;
  kind: Action['kind'];
  job: string;
  /** Nodes and their GPUs as hexadecimal bits, `n1:ff n2:0f`; for a shrink the number of workers. */
  where: string;
  reason: string;
}

export const RULES = {
  'gang-halves': 'a gang holds GPUs with fewer workers than its minimum after a decision',
  'quota-exceeded': 'a project borrows more than its maxOverQuotaGpus',
  'kept-over-quota': 'work that cannot be preempted holds more than its project deserves in a pool',
  'needless-eviction':
    'a job was stopped, and nobody else got any of its GPUs before it had them back or the run ended',
} as const;
export type Rule = keyof typeof RULES;

/** How often a rule was broken, and the first time, as a sentence. */
export interface Break {
  rule: Rule;
  count: number;
  first: string;
}

/** Rows kept of one run; what differs later than this is not shown. */
export const MOST_ROWS = 100_000;
const PENDING = JOB_STATUS.indexOf('pending');

export class Watch {
  readonly rows: DecisionRow[] = [];
  /** Times the policy was asked, and the wall time it took, s. */
  asked = 0;
  seconds = 0;
  private readonly broken = new Map<Rule, Break>();
  private readonly keepRows: boolean;
  private readonly clock: () => number;
  private readonly lastWait = new Map<number, string>();
  /** Jobs that were stopped, with the GPUs they had and nobody has got since. */
  private readonly evicted = new Map<number, { atUs: number; nodes: number[]; masks: number[] }>();

  /** `clock`: milliseconds. */
  constructor(keepRows: boolean, clock: () => number = () => performance.now()) {
    this.keepRows = keepRows;
    this.clock = clock;
  }

  get breaks(): Break[] {
    return [...this.broken.values()];
  }

  /** A policy that decides as `factory`'s does. */
  over(factory: PolicyFactory): PolicyFactory {
    return {
      ...factory,
      create: (args) => {
        const policy = factory.create(args);
        return {
          ...policy,
          decide: (view, state, now, stream, streamOf) => {
            const started = this.clock();
            const mark = view.trial.mark();
            const decision = policy.decide(view, state, now, stream, streamOf);
            this.seconds += (this.clock() - started) / 1000;
            // What it tried is not what it decided.
            view.trial.takeBack(mark);
            this.asked++;
            this.note(view, decision, now);
            return decision;
          },
        };
      },
    };
  }

  /** At the end of the run: what was evicted and never given to anybody. */
  end(scenario: Scenario): void {
    for (const [job, { atUs }] of this.evicted) this.needless(scenario, job, atUs);
    this.evicted.clear();
  }

  private note(view: View, { actions }: Decision<unknown>, now: number): void {
    const { scenario } = view;
    if (this.keepRows) for (const action of actions) this.keep(scenario, action, now);
    for (const { kind, job } of actions) {
      // Whoever is stopped while it waits for the rest of its gang had not begun.
      if (kind === 'preempt' && view.status[job] !== PENDING) this.noteEvicted(view, job, now);
    }
    this.noteGiven(scenario, actions);
    if (!actions.some(({ kind }) => kind === 'place')) return;
    const after = holdings(view, actions);
    this.checkGangs(view, actions, after, now);
    this.checkQuotas(scenario, after, now);
  }

  private keep(scenario: Scenario, action: Action, atUs: number): void {
    const { job, kind, reason } = action;
    if (kind === 'wait') {
      if (this.lastWait.get(job) === reason) return;
      this.lastWait.set(job, reason);
    }
    if (this.rows.length >= MOST_ROWS) return;
    const where =
      kind === 'place'
        ? placesText(scenario, action.nodes, action.masks)
        : kind === 'shrink'
          ? `${action.tasks.length} workers`
          : '';
    this.rows.push({ atUs, kind, job: scenario.jobs.ids[job], where, reason });
  }

  private noteEvicted({ scenario, cluster }: View, job: number, atUs: number): void {
    const { taskStart } = scenario.jobs;
    const held = { atUs, nodes: [] as number[], masks: [] as number[] };
    for (let task = taskStart[job]; task < taskStart[job + 1]; task++) {
      if (cluster.taskNode[task] < 0) continue;
      held.nodes.push(cluster.taskNode[task]);
      held.masks.push(cluster.taskMask[task]);
    }
    this.evicted.set(job, held);
  }

  /** Whoever gets GPUs of a victim is why it was stopped; if that is the victim itself, it was stopped in vain. */
  private noteGiven(scenario: Scenario, actions: readonly Action[]): void {
    const placed = actions.filter((action) => action.kind === 'place');
    if (placed.length === 0) return;
    for (const [victim, held] of this.evicted) {
      const takers = placed.filter(({ nodes, masks }) =>
        held.nodes.some((node, i) => nodes.some((n, k) => n === node && (masks[k] & held.masks[i]) !== 0)),
      );
      if (takers.length === 0) continue;
      this.evicted.delete(victim);
      if (takers.every(({ job }) => job === victim)) this.needless(scenario, victim, held.atUs);
    }
  }

  private needless(scenario: Scenario, job: number, atUs: number): void {
    this.break('needless-eviction', () => `${scenario.jobs.ids[job]}, stopped at ${seconds(atUs)}`);
  }

  private checkGangs(view: View, actions: readonly Action[], after: Holdings, now: number): void {
    const { jobs } = view.scenario;
    const seen = new Set<number>();
    for (const { kind, job } of actions) {
      if (kind !== 'place' || seen.has(job)) continue;
      seen.add(job);
      const placed = after.workers.get(job) ?? 0;
      const of = jobs.taskStart[job + 1] - jobs.taskStart[job];
      if (placed > 0 && placed < jobs.minTasks[job])
        this.break('gang-halves', () => `${jobs.ids[job]} has ${placed} of ${of} workers at ${seconds(now)}`);
    }
  }

  private checkQuotas(scenario: Scenario, after: Holdings, now: number): void {
    const { projects, pools } = scenario;
    projects.forEach(({ name, deservedGpus, maxOverQuotaGpus }, p) => {
      if (deservedGpus.some((own) => own < 0)) return;
      const held = after.held[p];
      const beyond = (units: Float64Array) =>
        deservedGpus.reduce((sum, own, pool) => sum + Math.max(0, units[pool] - own * GPU_UNITS), 0) / GPU_UNITS;
      const borrowed = beyond(held.all);
      if (maxOverQuotaGpus >= 0 && borrowed > maxOverQuotaGpus)
        this.break(
          'quota-exceeded',
          () => `${name} borrows ${borrowed} GPUs at ${seconds(now)}, may borrow ${maxOverQuotaGpus}`,
        );
      deservedGpus.forEach((own, pool) => {
        const kept = held.kept[pool] / GPU_UNITS;
        if (kept > own)
          this.break(
            'kept-over-quota',
            () => `${name} keeps ${kept} GPUs of pool ${pools[pool].name} at ${seconds(now)}, deserves ${own}`,
          );
      });
    });
  }

  private break(rule: Rule, first: () => string): void {
    const known = this.broken.get(rule);
    if (known === undefined) this.broken.set(rule, { rule, count: 1, first: first() });
    else known.count++;
  }
}

interface Holdings {
  /** Units of 1/7000 GPU by project: of all its jobs, and of those that cannot be preempted, by pool. */
  held: { all: Float64Array; kept: Float64Array }[];
  /** Workers of the jobs that the decision placed. */
  workers: Map<number, number>;
}

/** Who holds what once the decision is carried out; jobs in their grace period are on their way out and do not count. */
function holdings(view: View, actions: readonly Action[]): Holdings {
  const { scenario, cluster } = view;
  const { jobs, nodes, pools, projects } = scenario;
  const held = projects.map(() => ({ all: new Float64Array(pools.length), kept: new Float64Array(pools.length) }));
  const workers = new Map<number, number>();
  const gone = new Set<number>();
  const left = new Set<number>();
  for (const action of actions) {
    if (action.kind === 'preempt') gone.add(action.job);
    if (action.kind === 'shrink') for (const task of action.tasks) left.add(task);
  }
  const add = (job: number, task: number, node: number) => {
    const pool = nodes.pool[node];
    const units = jobs.taskGpus[task] === 0 ? 0 : jobs.taskGpus[task] * cluster.unitsPerGpu(job, pool);
    const own = held[jobs.project[job]];
    own.all[pool] += units;
    if (jobs.preemptible[job] === 0) own.kept[pool] += units;
    workers.set(job, (workers.get(job) ?? 0) + 1);
  };
  for (let node = 0; node < nodes.count; node++) {
    for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
      const job = cluster.jobOfTask[task];
      const leaving = gone.has(job) || left.has(task) || view.isLeaving(task) || TERMINATING === view.status[job];
      if (!leaving) add(job, task, node);
    }
  }
  for (const action of actions) {
    if (action.kind !== 'place') continue;
    for (const [i, task] of action.tasks.entries()) add(action.job, task, action.nodes[i]);
  }
  return { held, workers };
}

const TERMINATING = JOB_STATUS.indexOf('terminating');

function placesText(scenario: Scenario, nodes: readonly number[], masks: readonly number[]): string {
  const on = new Map<number, number>();
  for (const [i, node] of nodes.entries()) on.set(node, (on.get(node) ?? 0) | masks[i]);
  return [...on]
    .sort(([a], [b]) => a - b)
    .map(([node, mask]) => `${scenario.nodes.names[node]}:${(mask >>> 0).toString(16)}`)
    .join(' ');
}

const seconds = (us: number) => `${us / 1e6} s`;
