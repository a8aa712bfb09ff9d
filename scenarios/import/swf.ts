/**
 * Standard Workload Format, version 2.2: 18 numbers a line, -1 = unknown, `;` comments.
 * https://www.cs.huji.ac.il/labs/parallel/workload/swf.html
 */

import type { Importer, TraceJob } from './importer.ts';
import { checkDuration, decimal, mendDuration, optionalLimit, SECOND } from './values.ts';

const FIELDS = 18;
/** Positions of the fields that are used. */
const [ID, SUBMIT, WAIT, RUN, USED, CPU_TIME, WANTED, LIMIT, STATUS, USER, QUEUE, PARTITION] = [
  0, 1, 2, 3, 4, 5, 7, 8, 10, 11, 14, 15,
];
const CANCELLED = 5;

export const swf: Importer = {
  name: 'swf',
  describe: 'Standard Workload Format (Parallel Workloads Archive): processors count as GPUs, see --cpus-per-gpu',
  expects: '18 numbers a line, with ; comments before them',
  needs: [],
  delimiter: ' ',
  comment: ';',
  fields: FIELDS,
  read(_columns, options) {
    const perGpu = options.cpusPerGpu ?? 1;
    return (cells, notes) => {
      const v = cells.map(decimal);
      const bad = v.indexOf(undefined);
      if (bad >= 0)
        return notes.refuse('not a number', `field ${bad + 1}, '${cells[bad].slice(0, 40)}', is not a number`);
      const n = v as number[];
      if (n[SUBMIT] < 0 || n[SUBMIT] > 9e9)
        return notes.refuse('bad submit time', `submit time ${cells[SUBMIT].slice(0, 40)} cannot be`);
      let processors = n[WANTED];
      if (processors <= 0 && n[USED] > 0) {
        processors = n[USED];
        notes.mend('requested processors', `requested processors unknown: the ${processors} allocated taken`);
      }
      if (processors <= 0) return notes.refuse('no processors', 'neither requested nor allocated processors are known');
      const gpus = Math.ceil(processors / perGpu);
      if (gpus > 2_000_000) return notes.refuse('bad gpu count', `${cells[WANTED].slice(0, 40)} processors cannot be`);
      if (n[RUN] > 3.2e9 || n[CPU_TIME] > 3.2e9) return notes.refuse('long duration', 'its run time is over 100 years');
      let durationUs: number;
      if (n[RUN] > 0) durationUs = Math.round(n[RUN] * SECOND);
      else if (n[STATUS] === CANCELLED)
        durationUs = mendDuration('was cancelled, its run time is missing', notes, options);
      else if (n[RUN] < 0 && n[CPU_TIME] > 0) {
        durationUs = checkDuration(Math.round(n[CPU_TIME] * SECOND), 'CPU time', notes, options);
        notes.mend('run time from CPU time', `run time unknown: its average CPU time, ${cells[CPU_TIME]} s, taken`);
      } else if (n[RUN] < 0) durationUs = mendDuration('run time is missing', notes, options);
      else durationUs = checkDuration(0, 'run time', notes, options);
      const job: TraceJob = {
        id: cells[ID] === '-1' ? '' : cells[ID],
        project: 'swf',
        submitUs: Math.round(n[SUBMIT] * SECOND),
        durationUs,
        gpus,
      };
      if (n[WAIT] >= 0 && n[WAIT] <= 3.2e9) job.startUs = Math.round((n[SUBMIT] + n[WAIT]) * SECOND);
      if (n[LIMIT] !== -1) job.limitUs = optionalLimit(cells[LIMIT], 'requested time', notes);
      if (n[USER] >= 0) job.user = `user-${cells[USER]}`;
      if (n[QUEUE] >= 0) job.qos = `queue-${cells[QUEUE]}`;
      if (n[PARTITION] >= 0) job.partition = `partition-${cells[PARTITION]}`;
      return job;
    };
  },
  readComment(text, facts) {
    const match = /^;\s*(UnixStartTime|MaxNodes|MaxProcs):\s*(\d{1,12})\b/.exec(text);
    if (match === null) return;
    const value = Number(match[2]);
    if (match[1] === 'UnixStartTime') facts.epochSeconds = value;
    else if (match[1] === 'MaxNodes') facts.nodes = value;
    else facts.gpus = value;
  },
};
