/** How busy GPUs are and what they hold, as DCGM would read it: noted when it changes. */
import { lowestBit } from '../../cluster/idset.ts';
import { RUNNING } from '../../cluster/view.ts';
import { Readings } from '../telemetry/readings.ts';
import type { Faults } from './faults.ts';

/** Scratch, by GPU of a node. */
const busyOf = new Int32Array(32);
const heldOf = new Int32Array(32);

export function noteUseOf(faults: Faults, job: number): void {
  if (faults.readings === null) return;
  const { cluster, scenario } = faults.host;
  const { taskStart } = scenario.jobs;
  for (let task = taskStart[job]; task < taskStart[job + 1]; task++) {
    if (cluster.taskNode[task] >= 0) noteUse(faults, cluster.taskNode[task]);
  }
}

/** Every GPU of a node, by what is on it. */
export function noteUse(faults: Faults, node: number): void {
  const { readings } = faults;
  if (readings === null) return;
  const { cluster, scenario, jobs } = faults.host;
  const from = cluster.gpuStart[node];
  const to = cluster.gpuStart[node + 1];
  busyOf.fill(0, 0, to - from);
  heldOf.fill(0, 0, to - from);
  for (let task = cluster.firstTaskOn[node]; task >= 0; task = cluster.nextTask[task]) {
    const job = cluster.jobOfTask[task];
    const units = cluster.taskUnits[task];
    const works = jobs.status[job] >= RUNNING && jobs.works(job) && jobs.halted[job] === 0;
    const stepping = works || faults.stepping === job;
    const busy = stepping ? Math.round((scenario.jobs.useMilli[job] * units) / 7000) : 0;
    for (let rest = cluster.taskMask[task]; rest !== 0; rest &= rest - 1) {
      const gpu = lowestBit(rest);
      heldOf[gpu] += units;
      busyOf[gpu] += busy;
    }
  }
  for (let gpu = 0; gpu < to - from; gpu++) {
    readings.note(from + gpu, Math.min(1000, busyOf[gpu]), Readings.memoryOf(Math.min(7000, heldOf[gpu])));
  }
}
