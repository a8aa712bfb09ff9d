/**
 * Several schedulers on one cluster: each node pool has its own policy, which sees its own nodes and jobs and decides as
 * if it were alone. A job is scheduled by the policy of the first pool it may use, and stays in that policy's pools.
 *
 * What a policy sees of another's nodes: that they take no work. It is asked when something of its own has changed, at its
 * own period, or when its alarm rings, and gets all that happened since it was last asked.
 */
import { ABSENT, READY } from '../cluster/cluster.ts';
import type { Action } from '../cluster/view.ts';
import { type ClusterReader, COMPLETED, PENDING, type View } from '../cluster/view.ts';
import type { Stream } from '../engine/random.ts';
import type { NodeColumns, Scenario } from '../scenario.ts';
import {
  checkedArgs,
  type Decision,
  type Policy,
  PolicyArgumentError,
  type PolicyFactory,
  policyChoice,
  type TimeLimits,
} from './policy.ts';

interface SplitArgs {
  pools: Record<string, unknown>;
  others: string;
}

/** One of the policies, and the pools that are its. */
interface Part {
  factory: PolicyFactory;
  policy: Policy;
  /** Of its random numbers: those it would have alone. */
  stream: string;
  /** Names of its pools; null = all that nobody else has. */
  pools: string[] | null;
}

/** What a part has not been told yet, and what it remembers. */
interface PartMemory {
  state: unknown;
  wakeAt: number;
  /** Something of its own has changed since it was asked. */
  due: boolean;
  pended: number[];
  left: number[];
  changed: number[];
  changedNodes: number[];
  nodeReturned: boolean;
  freed: boolean;
  /** Jobs that its last actions changed: no news to it. */
  acted: number[];
}

type Memory = PartMemory[];

/** Who has which pools and jobs of a scenario. */
interface Division {
  /** By pool and by job: the number of the part. */
  ofPool: Int32Array;
  ofJob: Int32Array;
  /** The scenario as each part is given it. */
  scenarios: Scenario[];
  /** Jobs that name pools of several parts. */
  across: number;
}

/** A part's eyes: kept up to date from one call to the next. */
interface Window {
  view: View;
  status: Uint8Array;
  nodeState: Uint8Array;
  /** Jobs whose status may still change by itself. */
  live: Set<number>;
  told: PartMemory | null;
}

export function splitOf(policies: readonly PolicyFactory[]): PolicyFactory {
  return {
    name: 'split',
    about: 'Several schedulers on one cluster: a policy of its own for each node pool.',
    args: {
      pools: { type: 'policies', of: policies, default: {}, about: 'by node pool, the policy that has it' },
      others: {
        type: 'choice',
        of: policies.map(({ name }) => name),
        default: 'fifo-backfill',
        about: 'the policy of the pools that are not listed, as shipped',
      },
    },
    wholeGpusFor: (scenario, args) => {
      const parts = partsOf(policies, args as unknown as SplitArgs);
      const { ofJob } = divide(scenario, parts);
      return (job) => parts[ofJob[job]].factory.wholeGpusOnly === true;
    },
    create: (args: SplitArgs) => splitPolicy(partsOf(policies, args)),
  };
}

/** Pools with the same policy and arguments are one part: their jobs may use all of them. */
function partsOf(policies: readonly PolicyFactory[], { pools, others }: SplitArgs): Part[] {
  const parts = new Map<string, Part>();
  const named = (name: string) => policies.find((policy) => policy.name === name) as PolicyFactory;
  for (const [pool, given] of Object.entries(pools)) {
    const { name, args } = policyChoice(given);
    const checked = checkedArgs(named(name), args);
    const key = JSON.stringify([name, checked]);
    const part = parts.get(key);
    if (part !== undefined) part.pools?.push(pool);
    else parts.set(key, newPart(named(name), checked, [pool], [...parts.values()]));
  }
  const rest = named(others);
  return [...parts.values(), newPart(rest, checkedArgs(rest, {}), null, [...parts.values()])];
}

function newPart(
  factory: PolicyFactory,
  args: Record<string, unknown>,
  pools: string[] | null,
  before: readonly Part[],
): Part {
  const alike = before.filter((part) => part.factory === factory).length;
  const stream = alike === 0 ? factory.name : `${factory.name}/${alike + 1}`;
  return { factory, policy: factory.create(args), stream, pools };
}

function splitPolicy(parts: readonly Part[]): Policy<Memory> {
  const divisions = new WeakMap<Scenario, Division>();
  const divisionOf = (scenario: Scenario) => {
    let division = divisions.get(scenario);
    if (division === undefined) {
      division = divide(scenario, parts);
      divisions.set(scenario, division);
    }
    return division;
  };
  const windows = new WeakMap<View, Window[]>();
  const requeues = new Set(parts.map(({ policy }) => policy.requeues ?? true));
  if (requeues.size > 1) {
    throw new PolicyArgumentError(
      'policy split: jobs that die are queued again under all of its policies or under none',
    );
  }
  return {
    name: 'split',
    periodUs: 0,
    requeues: !requeues.has(false),
    ...(parts.some(({ policy }) => policy.limits) && { limits: limitsOf(parts, divisionOf) }),
    warnings: (scenario) => {
      const { scenarios, across } = divisionOf(scenario);
      const own = parts.flatMap(({ policy }, k) => policy.warnings?.(scenarios[k]) ?? []);
      const few = `${across} jobs may use pools of several schedulers: they stay with that of the first pool they name.`;
      return across > 0 ? [...own, few] : own;
    },
    init: (scenario) =>
      parts.map(({ policy }, k) => ({
        ...{ state: policy.init(divisionOf(scenario).scenarios[k]), wakeAt: Infinity, due: false },
        ...{ pended: [], left: [], changed: [], changedNodes: [], nodeReturned: false, freed: false, acted: [] },
      })),
    decide(view, memory, now, stream, streamOf = () => stream) {
      const division = divisionOf(view.scenario);
      let seen = windows.get(view);
      if (seen === undefined) {
        seen = parts.map((_, k) => openWindow(view, division, k));
        windows.set(view, seen);
      }
      const actions: Action[] = [];
      let wakeAt = Infinity;
      for (const [k, { policy, stream: own }] of parts.entries()) {
        tell(view, division, k, memory[k], seen[k]);
        if (isAsked(policy, memory[k], now)) actions.push(...ask(view, seen[k], policy, memory[k], now, streamOf(own)));
        wakeAt = Math.min(wakeAt, nextCall(policy, memory[k], now));
      }
      return { actions, state: memory, wakeAt };
    },
  };
}

// ── who has what ──────────────────────────────────────────────────────────────────────────────────────────────────

function divide(scenario: Scenario, parts: readonly Part[]): Division {
  const { pools, jobs, poolLists, nodes } = scenario;
  const names = pools.map(({ name }) => name);
  for (const { pools: own } of parts) {
    for (const pool of own ?? []) {
      if (!names.includes(pool)) {
        throw new PolicyArgumentError(`policy split: there is no node pool '${pool}'; there are ${names.join(', ')}`);
      }
    }
  }
  const ofPool = Int32Array.from(names, (name) => {
    const listed = parts.findIndex(({ pools: own }) => own?.includes(name));
    return listed < 0 ? parts.length - 1 : listed;
  });
  const ofList = poolLists.map((list) => ofPool[list[0]]);
  const ofJob = Int32Array.from(jobs.poolList, (list) => ofList[list]);
  const spans = poolLists.map((list) => list.some((pool) => ofPool[pool] !== ofPool[list[0]]));
  let across = 0;
  for (const list of jobs.poolList) if (spans[list]) across++;
  const scenarios = parts.map((_, k) => ({
    ...scenario,
    nodes: onlyNodes(nodes, (node) => ofPool[nodes.pool[node]] === k),
    poolLists: poolLists.map((list) => list.filter((pool) => ofPool[pool] === ofPool[list[0]])),
  }));
  return { ofPool, ofJob, scenarios, across };
}

/** The others' nodes have nothing on them. */
function onlyNodes(nodes: NodeColumns, own: (node: number) => boolean): NodeColumns {
  return {
    ...nodes,
    gpus: nodes.gpus.map((gpus, node) => (own(node) ? gpus : 0)),
    cpuMilli: nodes.cpuMilli.map((cpu, node) => (own(node) ? cpu : 0)),
    memoryMiB: nodes.memoryMiB.map((memory, node) => (own(node) ? memory : 0)),
  };
}

function limitsOf(parts: readonly Part[], divisionOf: (scenario: Scenario) => Division): TimeLimits {
  const limits = (scenario: Scenario, job: number) => parts[divisionOf(scenario).ofJob[job]].policy.limits;
  return {
    of: (scenario, job) => limits(scenario, job)?.of(scenario, job) ?? Infinity,
    killWaitUs: 0,
    killWaitOf: (scenario, job) => limits(scenario, job)?.killWaitUs ?? 0,
  };
}

// ── what each is told, and when it is asked ───────────────────────────────────────────────────────────────────────

/** Notes what has happened of a part's own. */
function tell(view: View, { ofPool, ofJob }: Division, k: number, memory: PartMemory, window: Window): void {
  const own = (job: number) => ofJob[job] === k;
  const pended = view.pended.filter(own);
  const left = view.left.filter(own);
  const changed = view.changedJobs.filter(own);
  const nodes = view.changedNodes.filter((node) => ofPool[view.scenario.nodes.pool[node]] === k);
  for (const node of nodes) window.nodeState[node] = view.cluster.nodeState[node];
  for (const job of changed) window.live.add(job);
  for (const job of pended) window.live.add(job);
  const returned = nodes.some((node) => view.cluster.nodeState[node] === READY);
  const acted = new Set(memory.acted);
  const news = changed.some((job) => !acted.has(job));
  if (pended.length > 0 || left.length > 0 || nodes.length > 0 || news) memory.due = true;
  memory.acted = [];
  memory.pended.push(...pended);
  memory.left.push(...left);
  memory.changed.push(...changed);
  memory.changedNodes.push(...nodes);
  memory.nodeReturned ||= returned;
  memory.freed ||= returned || left.length > 0;
}

function isAsked({ periodUs }: Policy, { due, wakeAt }: PartMemory, now: number): boolean {
  return now >= wakeAt || (due && (periodUs === 0 || now % periodUs === 0));
}

function nextCall({ periodUs }: Policy, { due, wakeAt }: PartMemory, now: number): number {
  return due ? Math.min(wakeAt, Math.ceil((now + 1) / periodUs) * periodUs) : wakeAt;
}

function ask(view: View, window: Window, policy: Policy, memory: PartMemory, now: number, stream: Stream): Action[] {
  refresh(view, window);
  window.told = { ...memory };
  const mark = view.trial.mark();
  const { actions, state, wakeAt }: Decision<unknown> = policy.decide(window.view, memory.state, now, stream);
  view.trial.takeBack(mark);
  window.told = null;
  memory.state = state;
  memory.wakeAt = wakeAt === Infinity ? Infinity : Math.max(wakeAt, now + 1);
  memory.due = false;
  memory.pended = [];
  memory.left = [];
  memory.changed = [];
  memory.changedNodes = [];
  memory.nodeReturned = false;
  memory.freed = false;
  memory.acted = actions.filter(({ kind }) => kind !== 'wait').map(({ job }) => job);
  return actions;
}

// ── what each sees ────────────────────────────────────────────────────────────────────────────────────────────────

function openWindow(view: View, { ofPool, ofJob, scenarios }: Division, k: number): Window {
  const { cluster, scenario } = view;
  const window: Window = {
    view,
    status: new Uint8Array(scenario.jobs.count),
    nodeState: cluster.nodeState.map((state, node) => (ofPool[scenario.nodes.pool[node]] === k ? state : ABSENT)),
    live: new Set(),
    told: null,
  };
  for (let job = 0; job < scenario.jobs.count; job++) {
    if (ofJob[job] === k && view.status[job] > 0) window.live.add(job);
  }
  const none = new Int32Array(0);
  const own: ClusterReader = Object.create(cluster, {
    nodesOfPool: { value: cluster.nodesOfPool.map((nodes, pool) => (ofPool[pool] === k ? nodes : none)) },
    nodeState: { value: window.nodeState },
  });
  const ownFrom = (job: number) => {
    let at = job;
    while (at >= 0 && ofJob[at] !== k) at = view.nextActive(at);
    return at;
  };
  const told = () => window.told as PartMemory;
  window.view = Object.create(view, {
    scenario: { value: scenarios[k] },
    cluster: { value: own },
    status: { value: window.status },
    // A job may have pended and been placed again since, or pended twice.
    pended: { get: () => [...new Set(told().pended)].filter((job) => window.status[job] === PENDING) },
    left: { get: () => told().left },
    freed: { get: () => told().freed },
    nodeReturned: { get: () => told().nodeReturned },
    changedJobs: { get: () => told().changed },
    changedNodes: { get: () => told().changedNodes },
    firstActive: { value: () => ownFrom(view.firstActive()) },
    nextActive: { value: (job: number) => ownFrom(view.nextActive(job)) },
  });
  return window;
}

/** The status of its own jobs as it is now; the others' are not there. */
function refresh(view: View, { live, status }: Window): void {
  for (const job of live) {
    status[job] = view.status[job];
    if (status[job] >= COMPLETED) live.delete(job);
  }
}
