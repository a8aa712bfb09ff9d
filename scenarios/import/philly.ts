/** Microsoft's Philly trace of 2017 as CSV: one training job a row, each in a virtual cluster. Jeon et al., USENIX ATC '19. */

import { cellAt, type Importer } from './importer.ts';
import { checkDuration, decimal, durationOf, isMissing, SECOND, someGpus, submitTime } from './values.ts';

export const philly: Importer = {
  name: 'philly',
  describe: 'Microsoft Philly 2017: training jobs by virtual cluster',
  expects: 'timestamp,duration,num_gpus,gpu_time,cluster',
  needs: [['timestamp'], ['duration'], ['num_gpus', 'num_gpu'], ['cluster', 'vc']],
  delimiter: ',',
  read(columns, options) {
    const [time, duration] = [columns.at('timestamp'), columns.at('duration')];
    const [gpus, gpuTime, cluster] = [
      columns.at('num_gpus', 'num_gpu'),
      columns.at('gpu_time'),
      columns.at('cluster', 'vc'),
    ];
    const id = columns.at('job_id', 'jobid');
    return (cells, notes) => {
      const submitUs = submitTime(cellAt(cells, time), notes);
      if (submitUs === null) return null;
      const gpu = someGpus(cellAt(cells, gpus), notes);
      if (gpu === null) return null;
      const text = cellAt(cells, duration);
      const total = decimal(cellAt(cells, gpuTime)) ?? 0;
      let durationUs: number | null;
      if (isMissing(text) && gpu > 0 && total > 0 && total < 1e15) {
        durationUs = checkDuration(Math.round((total / gpu) * SECOND), 'gpu_time', notes, options);
        notes.mend('duration from gpu_time', 'duration is missing: gpu_time ÷ num_gpus taken');
      } else durationUs = durationOf(text, notes, options);
      if (durationUs === null) return null;
      // The name is text: 6214e9 and 103959 are virtual clusters, not numbers.
      const vc = cellAt(cells, cluster);
      if (vc === '') return notes.refuse('no cluster', 'names no virtual cluster');
      return { id: cellAt(cells, id), project: vc, pool: vc, submitUs, durationUs, gpus: gpu };
    };
  },
};
