/** Microsoft's ITP traces of 2021: training jobs of one cluster a file. Gu et al. (ElasticFlow), ASPLOS '23. */

import { cellAt, type Importer } from './importer.ts';
import { durationOf, someGpus, submitTime } from './values.ts';

export const itp: Importer = {
  name: 'itp',
  describe: 'Microsoft ITP 2021 (ElasticFlow): training jobs; columns in any order, others ignored',
  expects: 'job_id,submission_time,duration,num_gpu',
  needs: [['job_id'], ['submission_time'], ['duration'], ['num_gpu']],
  delimiter: ',',
  read(columns, options) {
    const [id, time, duration, gpus] = ['job_id', 'submission_time', 'duration', 'num_gpu'].map((c) => columns.at(c));
    return (cells, notes) => {
      const submitUs = submitTime(cellAt(cells, time), notes);
      if (submitUs === null) return null;
      const durationUs = durationOf(cellAt(cells, duration), notes, options);
      if (durationUs === null) return null;
      const gpu = someGpus(cellAt(cells, gpus), notes);
      return gpu === null ? null : { id: cellAt(cells, id), project: 'itp', submitUs, durationUs, gpus: gpu };
    };
  },
};
