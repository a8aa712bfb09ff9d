/** Why a job may not start though there may be room: https://slurm.schedmd.com/resource_limits.html, job_reason_codes.html. */
import { READY } from '../../cluster/cluster.ts';
import type { View } from '../../cluster/view.ts';
import type { Memory, Reason } from './memory.ts';
import { slotsOnEmpty } from './profile.ts';

/** The limit that keeps a job from starting now, null if none. */
export function limitOn(state: Memory, job: number): Reason | null {
  const { model } = state;
  const number = model.qosOf[job];
  const qos = model.qos[number];
  if (model.limitUs[job] > model.partitions[model.partitionOf[job]].maxTimeUs) return 'PartitionTimeLimit';
  if (model.limitUs[job] > qos.maxWallUs) return 'QOSMaxWallDurationPerJobLimit';
  if (state.qosJobs[number] + 1 > qos.grpJobs) return 'QOSGrpJobsLimit';
  if (state.qosGpus[number] + model.gpus[job] > qos.grpGpus) return 'QOSGrpGRES';
  const key = number * model.users + model.userOf[job];
  if ((state.userJobs.get(key) ?? 0) + 1 > qos.maxJobsPerUser) return 'QOSMaxJobsPerUserLimit';
  if ((state.userGpus.get(key) ?? 0) + model.gpus[job] > qos.maxGpusPerUser) return 'QOSMaxGRESPerUser';
  return null;
}

/** Whether the nodes that are up could hold the job at all, were they empty. */
export function fitsNodesUp(state: Memory, view: View, job: number): boolean {
  const known = state.fitsReady.get(job);
  if (known !== undefined) return known;
  const { scenario, cluster } = view;
  const { jobs, poolLists } = scenario;
  const fits = poolLists[jobs.poolList[job]].some((pool) => {
    let slots = 0;
    for (const node of cluster.nodesOfPool[pool]) {
      if (cluster.nodeState[node] === READY) slots += slotsOnEmpty(view, job, state.model.widest[job], node);
      if (slots >= state.model.workers[job]) return true;
    }
    // Narrower workers may fit where the widest do not.
    return state.model.alike[job] === 0;
  });
  state.fitsReady.set(job, fits);
  return fits;
}
