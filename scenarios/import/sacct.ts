/** Slurm's accounting: `sacct -P -X -o JobID,User,Account,…`. https://slurm.schedmd.com/sacct.html */

import { quote } from '../units.ts';
import { workersOf } from './helios.ts';
import { cellAt, type Importer, type RowNotes } from './importer.ts';
import {
  checkDuration,
  dateTime,
  decimal,
  isMissing,
  leftOut,
  mendDuration,
  optionalAmount,
  optionalLimit,
  recordedStart,
  SECOND,
  slurmTime,
  submitTime,
} from './values.ts';

export const sacct: Importer = {
  name: 'sacct',
  describe:
    'Slurm: sacct -P -X -o JobID,User,Account,Partition,QOS,Submit,Start,End,Elapsed,Timelimit,State,NNodes,AllocTRES',
  expects: 'JobID|User|Account|Partition|QOS|Submit|Start|End|Elapsed|Timelimit|State|NNodes|AllocTRES',
  needs: [
    ['JobID', 'JobIDRaw'],
    ['Submit'],
    ['Elapsed', 'ElapsedRaw', 'End'],
    ['AllocTRES', 'ReqTRES', 'ReqGRES', 'AllocGRES'],
  ],
  delimiter: '|',
  read(columns, options) {
    const id = columns.at('JobID', 'JobIDRaw');
    const [submit, start, end, elapsed, raw] = ['Submit', 'Start', 'End', 'Elapsed', 'ElapsedRaw'].map((c) =>
      columns.at(c),
    );
    const [user, account, partition, qos, state] = ['User', 'Account', 'Partition', 'QOS', 'State'].map((c) =>
      columns.at(c),
    );
    const [limit, limitRaw, nodes] = ['Timelimit', 'TimelimitRaw', 'NNodes'].map((c) => columns.at(c));
    const [allocTres, reqTres, allocGres, reqGres] = ['AllocTRES', 'ReqTRES', 'AllocGRES', 'ReqGRES'].map((c) =>
      columns.at(c),
    );

    return (cells, notes) => {
      const jobId = cellAt(cells, id);
      if (/^\d+(_\d+|\+\d+)?\./.test(jobId)) {
        notes.remark(
          'a job step (.batch, .extern, .0) is refused: its job has a line of its own; sacct -X leaves steps out',
        );
        return notes.refuse('', '');
      }
      const submitUs = submitTime(cellAt(cells, submit), notes);
      if (submitUs === null) return null;
      const nodeCount = optionalAmount(cellAt(cells, nodes), 'NNodes', notes);
      const gpus =
        tresGpus(cellAt(cells, allocTres)) ??
        tresGpus(cellAt(cells, reqTres)) ??
        gresGpus(cellAt(cells, allocGres) || cellAt(cells, reqGres), nodeCount);
      if (gpus === undefined || gpus > 2_000_000)
        return notes.refuse('bad gpu count', 'its TRES or GRES text cannot be read');
      const text = cellAt(cells, elapsed);
      let durationUs = slurmTime(text);
      if (durationUs === undefined && decimal(cellAt(cells, raw)) !== undefined)
        durationUs = Math.round(Number(cellAt(cells, raw)) * 1e6);
      if (durationUs === undefined && !isMissing(text))
        return notes.refuse('bad duration', `Elapsed ${quote(text)} is not D-HH:MM:SS`);
      if (durationUs === undefined) {
        const [from, to] = [dateTime(cellAt(cells, start)), dateTime(cellAt(cells, end))];
        if (from !== undefined && to !== undefined) durationUs = to - from;
      }
      if (durationUs !== undefined && durationUs > 3.2e15)
        return notes.refuse('long duration', 'it ran for over 100 years');
      durationUs =
        durationUs === undefined
          ? mendDuration('duration is missing', notes, options)
          : checkDuration(durationUs, 'Elapsed', notes, options);
      const status = cellAt(cells, state);
      if (status.startsWith('RUNNING'))
        notes.mend('running', 'is still running: the time elapsed so far is taken as its duration');
      return {
        id: jobId,
        project: cellAt(cells, account) || 'slurm',
        user: cellAt(cells, user),
        submitUs,
        durationUs,
        startUs: recordedStart(cellAt(cells, start)),
        gpus,
        workers: workersOf(gpus, nodeCount),
        limitUs: limitOf(cellAt(cells, limit), cellAt(cells, limitRaw), notes),
        partition: cellAt(cells, partition),
        qos: cellAt(cells, qos),
      };
    };
  },
};

const NO_LIMIT = new Set(['unlimited', 'partition_limit', 'not_set']);

/** Time limit in µs, 0 = none: `1-00:00:00`, or minutes in TimelimitRaw. */
function limitOf(text: string, raw: string, notes: RowNotes): number {
  if (NO_LIMIT.has(text.toLowerCase()) || (isMissing(text) && NO_LIMIT.has(raw.toLowerCase()))) return 0;
  if (isMissing(text)) return optionalLimit(raw, 'TimelimitRaw', notes, 60 * SECOND);
  const us = slurmTime(text);
  if (us !== undefined && us > 0 && us <= 3.2e15) return us;
  return leftOut(text, 'Timelimit', 'D-HH:MM:SS of at most 100 years', notes);
}

/**
 * GPUs in `billing=8,cpu=16,gres/gpu:a100=4,gres/gpu=4,node=1`: the untyped entry is the sum of the typed ones. No
 * entry is 0 GPUs; undefined for an empty text or a count that is none.
 */
function tresGpus(text: string): number | undefined {
  if (text === '') return undefined;
  let typed = 0;
  for (const part of text.split(',')) {
    const match = /^gres\/gpu(:[^=]+)?=(.*)$/.exec(part.trim());
    if (match === null) continue;
    if (!/^\d{1,9}$/.test(match[2])) return undefined;
    if (match[1] === undefined) return Number(match[2]);
    typed += Number(match[2]);
  }
  return typed;
}

/** GPUs in ReqGRES, which counts per node: `gpu:2`, `gpu:a100:4(S:0-1)`. */
function gresGpus(text: string, nodes: number): number | undefined {
  let sum = 0;
  for (const part of text.split(',')) {
    if (!/^(gres[:/])?gpu\b/.test(part.trim())) continue;
    const match = /^(?:gres[:/])?gpu(?::[^:()]*[^:()\d][^:()]*)?(?:[:=](\d{1,9}))?(?:\(.*\))?$/.exec(part.trim());
    if (match === null) return undefined;
    sum += Number(match[1] ?? 1);
  }
  return sum * Math.max(1, Number.isInteger(nodes) ? nodes : 1);
}
