/** Alibaba's GPU cluster trace of 2023 (openb): one pod a row. https://github.com/alibaba/clusterdata, cluster-trace-gpu-v2023 */

import { quote } from '../units.ts';
import { cellAt, type Importer } from './importer.ts';
import {
  checkDuration,
  gpuCount,
  isMissing,
  knownModels,
  mendDuration,
  optionalAmount,
  recordedStart,
  SECOND,
  submitTime,
} from './values.ts';

/** How long pods of a list without times stay: longer than such lists take to arrive. */
const ARRIVAL_LIST_STAY_US = 30 * 86400 * SECOND;

export const openb: Importer = {
  name: 'openb',
  describe: 'Alibaba cluster-trace-gpu-v2023: pods with GPU shares',
  expects:
    'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time',
  needs: [['name'], ['cpu_milli'], ['memory_mib'], ['num_gpu'], ['gpu_milli']],
  delimiter: ',',
  read(columns, options) {
    const [name, cpu, memory, gpus, milli] = ['name', 'cpu_milli', 'memory_mib', 'num_gpu', 'gpu_milli'].map((c) =>
      columns.at(c),
    );
    const [spec, qos, created, deleted, scheduled] = [
      'gpu_spec',
      'qos',
      'creation_time',
      'deletion_time',
      'scheduled_time',
    ].map((c) => columns.at(c));
    const spacingUs = options.spacingUs ?? SECOND;
    const stayUs = options.missingDurationUs ?? ARRIVAL_LIST_STAY_US;
    let arrivals = 0;
    return (cells, notes) => {
      const gpu = gpuCount(cellAt(cells, gpus), notes);
      if (gpu === null) return null;
      let submitUs: number | null;
      let durationUs: number;
      if (created < 0) {
        submitUs = arrivals++ * spacingUs;
        durationUs = stayUs;
        notes.mend(
          'no times',
          `the list has no times: pods arrive in its order, one every ${spacingUs / SECOND} s, and stay ${stayUs / SECOND} s`,
        );
      } else {
        submitUs = submitTime(cellAt(cells, created), notes);
        if (submitUs === null) return null;
        const start = cellAt(cells, scheduled);
        const end = cellAt(cells, deleted);
        if (isMissing(start))
          durationUs = mendDuration('was never scheduled, so its duration is missing', notes, options);
        else if (isMissing(end))
          durationUs = mendDuration('has no deletion_time, so its duration is missing', notes, options);
        else {
          const from = submitTime(start, notes);
          const to = from === null ? null : submitTime(end, notes);
          if (from === null || to === null) return null;
          durationUs = checkDuration(to - from, 'deletion_time − scheduled_time', notes, options);
        }
      }
      let shareMilli = 1000;
      if (gpu === 1) {
        shareMilli = optionalAmount(cellAt(cells, milli), 'gpu_milli', notes);
        if (shareMilli < 1 || shareMilli > 1000) {
          notes.mend('bad gpu_milli', `gpu_milli ${quote(cellAt(cells, milli))} is not 1 to 1000: a whole GPU`);
          shareMilli = 1000;
        }
      } else if (gpu > 1 && !isMissing(cellAt(cells, milli)) && cellAt(cells, milli) !== '1000') {
        notes.mend(
          'gpu_milli of several',
          `gpu_milli ${quote(cellAt(cells, milli))} of a pod with ${gpu} GPUs: whole GPUs taken`,
        );
      }
      return {
        id: cellAt(cells, name),
        project: 'openb',
        submitUs,
        durationUs,
        startUs: created < 0 ? undefined : recordedStart(cellAt(cells, scheduled)),
        gpus: gpu,
        shareMilli,
        cpuMilli: optionalAmount(cellAt(cells, cpu), 'cpu_milli', notes),
        memoryMiB: optionalAmount(cellAt(cells, memory), 'memory_mib', notes),
        gpuModels: knownModels(cellAt(cells, spec), 'gpu_spec', notes),
        qos: cellAt(cells, qos),
      };
    };
  },
};
