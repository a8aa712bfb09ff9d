/** Where replicas stand: nodes are picked when one queues, and replicas move off nodes above the threshold. */
import { PENDING, type TelemetryReader } from '../../cluster/view.ts';
import { SECOND_US } from '../../scenario.ts';
import { type Deployed, PHASE } from './deployed.ts';
import { letGo } from './life.ts';
import { type Choice, chooseNodes } from './placing.ts';
import { call } from './scaling.ts';
import type { Serving } from './serving.ts';

const readable = (s: Serving) => ({ use: s.looking.use, now: s.host.engine.now, periodUs: s.looking.periodUs });

/** A tick. */
export function look(s: Serving): void {
  const { engine } = s.host;
  const { now } = engine;
  const reader = s.host.readings();
  if (reader === null) return;
  s.looking.sample(now, reader, (job) => tensorShare(s, job));
  let again = s.looking.isRestless(now);
  s.deployed.forEach((one, d) => {
    const { placement } = one.spec;
    if (placement === undefined) return;
    s.looking.use.follow(one.avoided, now, s.looking.periodUs, placement);
    if (placement.rebalances) {
      rebalance(s, one, d);
      if (one.phase.some((phase, r) => phase === PHASE.active && one.avoided.has(one.node[r]))) again = true;
    }
    const waits = redirectWaiting(s, one);
    if (waits && placement.rule === 'interactive') again = true;
  });
  if (again) s.looking.plan();
}

// --- nodes are picked ------------------------------------------------------------------------------------------------

/** What the control plane reads and decides for a replica that queues. */
export function directReplica(s: Serving, d: number, r: number): void {
  const one = s.deployed[d];
  const { placement, replicaJobs } = one.spec;
  if (placement === undefined) return;
  const job = replicaJobs[r];
  const { now } = s.host.engine;
  const reader = s.host.readings();
  s.looking.use.follow(one.avoided, now, s.looking.periodUs, placement);
  const age = reader === null ? undefined : ageOf(s, reader, now);
  const old = age === undefined ? 'no reading yet' : `the oldest reading ${Math.round(age / SECOND_US)} s old`;
  s.tell(job, `utilisation read: ${placement.field}, mean of ${placement.windowUs / SECOND_US} s, ${old}`);
  direct(s, job, choiceFor(s, one, r));
}

function choiceFor(s: Serving, one: Deployed, r: number): Choice {
  const { placement } = one.spec;
  if (placement === undefined) throw new Error(`${one.spec.name} has no placement`);
  const leaving = one.replaces[r] >= 0 ? one.node[one.replaces[r]] : -1;
  const depths = { depth: (node: number) => depthOf(s, node), freeGpus: (n: number) => s.host.cluster.nodeFreeGpus[n] };
  return chooseNodes(s.host.scenario, placement, one.avoided, readable(s), one.gpusPerWorker, depths, leaving);
}

/** The scheduler is to try these pools, in this order, and none of the nodes barred. */
function direct(s: Serving, job: number, choice: Choice): void {
  const { scenario, cluster } = s.host;
  s.tell(job, `nodes selected: ${choice.sentence}`);
  scenario.jobs.poolList[job] = s.poolList(choice.pools);
  cluster.barred.set(job, choice.barred);
}

/** Those that still stand in line are told anew where readings or queues have changed. Whether there are any. */
function redirectWaiting(s: Serving, one: Deployed): boolean {
  const jobs = s.host.jobs();
  const { barred } = s.host.cluster;
  let waits = false;
  one.phase.forEach((phase, r) => {
    const job = one.spec.replicaJobs[r];
    if (phase !== PHASE.called || jobs.status[job] !== PENDING || jobs.placedTasks[job] > 0) return;
    waits = true;
    const choice = choiceFor(s, one, r);
    const before = barred.get(job);
    if (before?.size === choice.barred.size && [...choice.barred].every((node) => before.has(node))) return;
    direct(s, job, choice);
    for (const pool of choice.pools) jobs.onPool(pool);
    jobs.onChange();
  });
  return waits;
}

/** Requests that wait or run on a node's replicas, as these reported when they were scraped last. */
function depthOf(s: Serving, node: number): number {
  const { cluster, engine } = s.host;
  let sum = 0;
  for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
    const job = cluster.jobOfTask[task];
    const d = s.deploymentOf[job];
    if (d < 0) continue;
    const { fleet, rate } = s.deployed[d];
    if (fleet !== null) {
      fleet.reports.upTo(engine.now);
      sum += fleet.reports.outstanding[s.replicaOf[job]];
    } else if (rate !== null) sum += Math.round(rate.inSystem / Math.max(1, s.deployed[d].count(PHASE.active)));
  }
  return sum;
}

function ageOf(s: Serving, reader: TelemetryReader, now: number): number | undefined {
  let oldest: number | undefined;
  const { nodes } = s.host.scenario;
  for (let node = 0; node < nodes.count; node++) {
    if (nodes.gpus[node] === 0) continue;
    const reading = reader.read('DCGM_FI_DEV_GPU_UTIL', node, 0);
    if (reading !== null) oldest = Math.max(oldest ?? 0, now - reading.takenUs);
  }
  return oldest;
}

/** Share of the peak arithmetic that a replica's requests need while it is busy; −1 = the job is no replica. */
function tensorShare(s: Serving, job: number): number {
  const d = s.deploymentOf[job];
  if (d < 0) return -1;
  const { spec, record, variant } = s.deployed[d];
  const { gpu, parallelism } = spec.variants[Math.max(0, variant[s.replicaOf[job]])];
  const { denseParams, experts } = spec.model;
  const active = denseParams + (experts === undefined ? 0 : experts.layers * experts.paramsEach * experts.chosen);
  const peak = parallelism.tensor * parallelism.pipeline * (gpu.flops[spec.precision] ?? Infinity);
  const tokens = record.outputTokens + record.promptTokens;
  return record.busyUs === 0 ? 0 : Math.min(1, (2 * active * tokens) / ((record.busyUs / 1e6) * peak));
}

// --- replicas move ---------------------------------------------------------------------------------------------------

/** One replica at a time moves: its replacement starts elsewhere, then it drains. */
function rebalance(s: Serving, one: Deployed, d: number): void {
  const { replaces, goal, phase, avoided, spec } = one;
  const { cluster, scenario } = s.host;
  const moving = replaces.findIndex((from) => from >= 0);
  if (moving >= 0) {
    // The node has come down before its replacement had anywhere to start.
    if (phase[moving] === PHASE.called && !avoided.has(one.node[replaces[moving]])) {
      replaces[moving] = -1;
      goal[moving] = 0;
      letGo(s, d, moving, 'the node it was to leave is below the threshold again');
    }
    return;
  }
  const from = phase.findIndex((p, r) => p === PHASE.active && goal[r] === 1 && avoided.has(one.node[r]));
  if (from < 0) return;
  const spare = phase.findIndex((p, r) => p === PHASE.parked && goal[r] === 0);
  const pools = spec.placement?.pools ?? [];
  const isOpen = (node: number) =>
    pools.includes(scenario.nodes.pool[node]) &&
    !avoided.has(node) &&
    cluster.nodeFreeGpus[node] >= one.gpusPerWorker &&
    node !== one.node[from];
  const somewhere = scenario.nodes.names.some((_, node) => isOpen(node));
  if (spare < 0 || !somewhere) {
    one.counts.stuck++;
    return;
  }
  replaces[spare] = from;
  one.counts.moves++;
  call(s, one, spare, `moves off ${scenario.nodes.names[one.node[from]]}, which is above ${spec.placement?.avoidUtil}`);
}
