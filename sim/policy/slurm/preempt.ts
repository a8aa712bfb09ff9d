/**
 * Preemption by QOS: https://slurm.schedmd.com/preempt.html, PreemptType=preempt/qos.
 *
 * Candidates are running jobs of the QOS that the job's own may preempt, lowest QOS and job priority first, the youngest
 * first among equals. They are taken until the job fits; of them only those on its nodes are stopped. It starts when
 * they have left. Left out: SUSPEND and GANG, which do not free GPUs there, and preemption by partition.
 */
import { type Action, CHECKPOINTING, RUNNING, STARTING, TERMINATING, type View } from '../../cluster/view.ts';
import type { Stream } from '../../engine/random.ts';
import { type NodeFilter, type Placer, placeGang } from '../packing/placement.ts';
import type { Memory } from './memory.ts';
import type { SlurmArgs } from './settings.ts';
import { leavesBy } from './state.ts';

/** Stops others for this job if that helps and it has not done so yet. */
export function preemptFor(
  view: View,
  state: Memory,
  settings: SlurmArgs,
  placer: Placer,
  stream: Stream,
  now: number,
  job: number,
  actions: Action[],
  suits?: NodeFilter,
): void {
  const { scenario, cluster, trial } = view;
  const { jobs } = scenario;
  const { model } = state;
  if (settings.preemptType !== 'qos' || model.qos[model.qosOf[job]].preempts.length === 0) return;
  if (state.victims.has(job)) return;
  const mark = trial.mark();
  const taken: number[] = [];
  let nodes: Set<number> | null = null;
  for (const victim of candidates(view, state, now, job)) {
    trial.evict(victim);
    taken.push(victim);
    const placement = placeGang(placer, view, job, stream, suits);
    if (placement === null) continue;
    nodes = new Set(placement.nodes);
    break;
  }
  trial.takeBack(mark);
  if (nodes === null) return;
  const victims = taken.filter((victim) => {
    for (let t = jobs.taskStart[victim]; t < jobs.taskStart[victim + 1]; t++) {
      if (nodes.has(cluster.taskNode[t])) return true;
    }
    return false;
  });
  state.victims.set(job, victims);
  for (const victim of victims) {
    const qos = model.qos[model.qosOf[victim]];
    const graceUs = qos.graceUs + settings.killWait;
    const cancels = qos.preemptMode === 'cancel' || !settings.jobRequeue;
    const reason = `preempted by ${jobs.ids[job]} (QOS ${model.qos[model.qosOf[job]].name} over ${qos.name})`;
    actions.push({ kind: 'preempt', job: victim, reason, cancels, graceUs });
    leavesBy(state, victim, now + graceUs);
  }
}

function candidates(view: View, state: Memory, now: number, job: number): number[] {
  const { model } = state;
  const { preempts } = model.qos[model.qosOf[job]];
  const { poolLists, jobs, nodes } = view.scenario;
  const pools = poolLists[jobs.poolList[job]];
  const leaving = new Set([...state.victims.values()].flat());
  const found = state.running.filter((other) => {
    const qos = model.qos[model.qosOf[other]];
    if (!preempts.includes(model.qosOf[other]) || qos.preemptMode === 'off' || leaving.has(other)) return false;
    const status = view.status[other];
    if (status === TERMINATING || (status !== STARTING && status !== RUNNING && status !== CHECKPOINTING)) return false;
    const node = view.cluster.taskNode[jobs.taskStart[other]];
    if (node < 0 || !pools.includes(nodes.pool[node])) return false;
    const exemptUntil = state.startOf[other] + qos.exemptUs;
    if (now < exemptUntil) state.preemptFrom = Math.min(state.preemptFrom, exemptUntil);
    return now >= exemptUntil;
  });
  return found.sort(
    (a, b) =>
      model.qos[model.qosOf[a]].priority - model.qos[model.qosOf[b]].priority ||
      state.priority[a] - state.priority[b] ||
      state.startOf[b] - state.startOf[a] ||
      a - b,
  );
}
