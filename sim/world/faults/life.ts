/** Brings faults to life: what they do at each event of theirs, and at what happens to jobs. */
import { KIND } from '../events.ts';
import { closeNode, endFault, onJobStart, onJobStep, takeStep } from './acting.ts';
import type { Faults } from './faults.ts';
import { consider } from './striking.ts';
import { noteUse } from './use.ts';

/** Once for each `Faults`. */
export function handleFaultEvents(faults: Faults): void {
  const { cluster, engine, jobs } = faults.host;
  faults.candidates.onCandidate = (candidate) => consider(faults, candidate);
  engine.on(KIND.faultStep, (id, step) => {
    if (id < 0) consider(faults, faults.injected[-1 - id]);
    else takeStep(faults, id, step);
  });
  engine.on(KIND.faultOver, (id) => endFault(faults, id));
  jobs.onStart = (job) => onJobStart(faults, job);
  jobs.onStep = (job) => onJobStep(faults, job);
  jobs.onFree = (node) => {
    noteUse(faults, node);
    faults.resets.freed(node);
    faults.repairs.freed(node);
  };
  faults.onResetFailed = (gpu, row, stream) => {
    closeNode(faults, cluster.nodeOfGpu(gpu), { row, stream, repair: 'reboot', jobs: [] });
  };
  jobs.onLost = (job, amount) => {
    const row = faults.back.get(job);
    if (row !== undefined) faults.rows[row].lost += amount;
  };
}
