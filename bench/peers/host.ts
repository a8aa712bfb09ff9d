/**
 * A policy on a cluster under a peer's own clock: `sim/cluster` holds the state, `sim/policy` decides who runs and where,
 * and the adapter says only when somebody came, ended, and how much work is left by the peer's rules of time.
 */
import { Cluster } from '../../sim/cluster/cluster.ts';
import { COMPLETED, FUTURE, PENDING, RUNNING, type Trial, type View } from '../../sim/cluster/view.ts';
import { openStream } from '../../sim/engine/random.ts';
import type { Policy, PolicyFactory, Scenario } from '../../sim/simulate.ts';

/** What the peer's clock knows of a job, in the units the policy ranks by. */
export interface PeerClock {
  remaining(job: number): number;
  attained(job: number): number;
}

export interface Decided {
  started: number[];
  stopped: number[];
  wakeAt: number;
}

export class PeerHost<Memory> {
  readonly cluster: Cluster;
  readonly status: Uint8Array;
  memory: Memory;
  private readonly scenario: Scenario;
  private readonly policy: Policy<Memory>;
  private readonly view: View;
  private readonly stream: ReturnType<typeof openStream>;
  private pended: number[] = [];
  private left: number[] = [];

  constructor(scenario: Scenario, factory: PolicyFactory, args: Record<string, unknown>, clock: PeerClock) {
    const { pools, nodes, jobs, migLayouts, migProfiles } = scenario;
    const defaults = Object.entries(factory.args).map(([name, spec]) => [name, spec.default]);
    this.scenario = scenario;
    this.policy = factory.create({ ...Object.fromEntries(defaults), ...args }) as Policy<Memory>;
    this.memory = this.policy.init(scenario);
    this.cluster = new Cluster({ pools, nodes, jobs, migLayouts, migProfiles });
    this.status = new Uint8Array(jobs.count).fill(FUTURE);
    this.stream = openStream(scenario.seed, 'policy');
    this.view = this.makeView(clock);
  }

  submit(job: number): void {
    this.status[job] = PENDING;
    this.pended.push(job);
  }

  end(job: number): void {
    this.free(job);
    this.status[job] = COMPLETED;
  }

  /** Asks the policy and does what it says. Who is stopped and started again in one breath was moved, and is in neither list. */
  decide(now: number): Decided {
    const { cluster, policy, view } = this;
    cluster.commit();
    const { actions, state, wakeAt } = policy.decide(view, this.memory, now, this.stream);
    cluster.takeBack(0);
    this.memory = state;
    this.pended = [];
    this.left = [];
    const stopped = new Set<number>();
    const started: number[] = [];
    for (const action of actions) {
      if (action.kind === 'preempt') {
        this.free(action.job);
        this.submit(action.job);
        stopped.add(action.job);
      } else if (action.kind === 'place') {
        action.tasks.forEach((task, i) => {
          cluster.allocate(task, action.nodes[i], action.masks[i]);
        });
        this.status[action.job] = RUNNING;
        if (!stopped.delete(action.job)) started.push(action.job);
      } else {
        throw new Error(`a policy under a peer's clock cannot ${action.kind}`);
      }
    }
    cluster.commit();
    return { started, stopped: [...stopped], wakeAt };
  }

  private free(job: number): void {
    const { taskStart } = this.scenario.jobs;
    for (let task = taskStart[job]; task < taskStart[job + 1]; task++) this.cluster.release(task);
    this.left.push(job);
  }

  private makeView(clock: PeerClock): View {
    const host = this;
    const { cluster, status, scenario } = this;
    const { taskStart } = scenario.jobs;
    const trial: Trial = {
      mark: () => cluster.mark(),
      place: (task, node, mask) => cluster.allocate(task, node, mask),
      evict: (job) => {
        for (let task = taskStart[job]; task < taskStart[job + 1]; task++) {
          if (cluster.taskNode[task] >= 0) cluster.release(task);
        }
      },
      takeBack: (mark) => cluster.takeBack(mark),
    };
    const unknown = (what: string) => () => {
      throw new Error(`a peer's clock does not know ${what}`);
    };
    return {
      scenario,
      cluster,
      trial,
      status,
      get pended() {
        return host.pended.filter((job) => status[job] === PENDING);
      },
      get left() {
        return host.left;
      },
      get freed() {
        return host.left.length > 0;
      },
      nodeReturned: false,
      changedJobs: [],
      changedNodes: [],
      isLeaving: () => false,
      firstActive: unknown('the order of starting'),
      nextActive: unknown('the order of starting'),
      remainingUs: clock.remaining,
      attainedGpuUs: clock.attained,
      startedUs: unknown('when a job started'),
      expectedEndUs: unknown('when a job will end'),
      spanUs: unknown('how long a job will take'),
    };
  }
}
