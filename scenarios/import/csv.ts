/** Any CSV: a map says which column of the source is which of simsup's jobs file (`--map submit=created,num_gpu=gpus`). */

import { LOG_COLUMNS } from '../jobs-csv.ts';
import { quote } from '../units.ts';
import { cellAt, type Importer, UserError, unknownName } from './importer.ts';
import {
  checkDuration,
  decimal,
  durationOf,
  isMissing,
  knownModels,
  leftOut,
  MAX_GPUS_OF_A_JOB,
  optionalAmount,
  optionalLimit,
  recordedStart,
  SECOND,
  submitTime,
} from './values.ts';

/** The jobs file takes no more. */
const MAX_GPU_MEMORY_MIB = 1e9;
const UNIT_US: Record<string, number> = {
  us: 1,
  ms: 1000,
  s: SECOND,
  min: 60 * SECOND,
  h: 3600 * SECOND,
  d: 86400 * SECOND,
};
const UNIT_MIB: Record<string, number> = {
  KiB: 1 / 1024,
  MiB: 1,
  GiB: 1024,
  TiB: 1024 * 1024,
  MB: 1e6 / 2 ** 20,
  GB: 1e9 / 2 ** 20,
};
const UNIT_CPU: Record<string, number> = { milli: 1, cores: 1000 };
const TARGETS = [...LOG_COLUMNS.filter((c) => c !== 'workers'), 'start', 'end', 'pool'];

export const csv: Importer = {
  name: 'csv',
  describe: 'any CSV, with --map submit=COLUMN,duration=COLUMN,… and --units submit=ms,…',
  expects: 'submit, and duration (or start and end), num_gpu, project …: by these names or by --map',
  needs: [['submit']],
  delimiter: ',',
  comment: '#',
  read(columns, options) {
    const map = options.map ?? {};
    for (const target of Object.keys(map))
      if (!TARGETS.includes(target)) throw unknownName('column in --map', target, TARGETS);
    const at = (target: string) => {
      const i = columns.at(map[target] ?? target);
      if (i < 0 && map[target] !== undefined)
        throw unknownName(`column in --map ${target}=`, map[target], columns.names);
      return i;
    };
    const unit = (target: string, table: Record<string, number>, normal: string) => {
      const name = options.units?.[target] ?? normal;
      if (!Object.hasOwn(table, name)) throw unknownName(`unit of ${target}`, name, Object.keys(table));
      return table[name];
    };
    const [id, project, user, submit, duration, start, end] = [
      'job_id',
      'project',
      'user',
      'submit',
      'duration',
      'start',
      'end',
    ].map(at);
    const [gpus, share, gpuMemory, cpu, memory, models] = [
      'num_gpu',
      'gpu_share',
      'gpu_memory_mib',
      'cpu_milli',
      'memory_mib',
      'gpu_model',
    ].map(at);
    const [limit, priority, partition, qos, pool] = ['time_limit', 'priority', 'partition', 'qos', 'pool'].map(at);
    if (submit < 0) throw new UserError('no column says when a job was submitted: add --map submit=COLUMN');
    if (duration < 0 && (start < 0 || end < 0))
      throw new UserError('no column says how long a job ran: add --map duration=COLUMN, or start=COLUMN,end=COLUMN');
    const submitUnit = unit('submit', UNIT_US, 's');
    const durationUnit = unit('duration', UNIT_US, 's');
    const limitUnit = unit('time_limit', UNIT_US, 's');
    const memoryUnit = unit('memory_mib', UNIT_MIB, 'MiB');
    const gpuMemoryUnit = unit('gpu_memory_mib', UNIT_MIB, 'MiB');
    const cpuUnit = unit('cpu_milli', UNIT_CPU, 'milli');
    return (cells, notes) => {
      const submitUs = submitTime(cellAt(cells, submit), notes, submitUnit);
      if (submitUs === null) return null;
      let durationUs: number | null;
      if (duration >= 0) durationUs = durationOf(cellAt(cells, duration), notes, options, durationUnit);
      else if (isMissing(cellAt(cells, start)) || isMissing(cellAt(cells, end)))
        durationUs = durationOf('', notes, options);
      else {
        const from = submitTime(cellAt(cells, start), notes, submitUnit);
        const to = from === null ? null : submitTime(cellAt(cells, end), notes, submitUnit);
        durationUs = from === null || to === null ? null : checkDuration(to - from, 'end − start', notes, options);
      }
      if (durationUs === null) return null;
      const gpuText = cellAt(cells, gpus);
      let gpu = gpus < 0 ? 1 : decimal(gpuText);
      let shareMilli = isMissing(cellAt(cells, share))
        ? 1000
        : optionalAmount(cellAt(cells, share), 'gpu_share', notes);
      if (shareMilli === 0) {
        notes.mend('no gpu_share', `gpu_share ${quote(cellAt(cells, share))} is not 1 to 1000: a whole GPU`);
        shareMilli = 1000;
      }
      if (gpu !== undefined && gpu > 0 && gpu < 1) {
        shareMilli = Math.max(1, Math.round(gpu * 1000));
        gpu = 1;
      }
      if (gpu === undefined || !Number.isInteger(gpu) || gpu < 0 || gpu > MAX_GPUS_OF_A_JOB) {
        return notes.refuse('bad gpu count', `${quote(gpuText)} is not a number of GPUs`);
      }
      if (shareMilli > 1000) return notes.refuse('bad gpu_share', `gpu_share ${shareMilli} is not 1 to 1000`);
      const rankText = cellAt(cells, priority);
      let rank = isMissing(rankText) ? undefined : decimal(rankText);
      if (!isMissing(rankText) && (rank === undefined || !Number.isInteger(rank) || Math.abs(rank) >= 1e9)) {
        leftOut(rankText, 'priority', 'a whole number below 1,000,000,000', notes);
        rank = undefined;
      }
      return {
        id: cellAt(cells, id),
        // Jobs are bound to their pool by project.
        project: cellAt(cells, pool) || cellAt(cells, project) || 'default',
        pool: cellAt(cells, pool),
        user: cellAt(cells, user),
        submitUs,
        durationUs,
        startUs: recordedStart(cellAt(cells, start), submitUnit),
        gpus: gpu,
        shareMilli,
        gpuMemoryMiB: optionalAmount(
          cellAt(cells, gpuMemory),
          'gpu_memory_mib',
          notes,
          gpuMemoryUnit,
          MAX_GPU_MEMORY_MIB,
        ),
        cpuMilli: optionalAmount(cellAt(cells, cpu), 'cpu_milli', notes, cpuUnit),
        memoryMiB: optionalAmount(cellAt(cells, memory), 'memory_mib', notes, memoryUnit),
        gpuModels: knownModels(cellAt(cells, models), 'gpu_model', notes),
        limitUs: optionalLimit(cellAt(cells, limit), 'time_limit', notes, limitUnit),
        priority: rank,
        partition: cellAt(cells, partition),
        qos: cellAt(cells, qos),
      };
    };
  },
};
