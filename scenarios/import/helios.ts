/** SenseTime's Helios traces of 2020 (cluster_log.csv), and the four columns its simulator's job lists have. Hu et al., SC '21. */

import { cellAt, type Importer } from './importer.ts';
import { durationOf, gpuCount, optionalAmount, recordedStart, submitTime } from './values.ts';

export const helios: Importer = {
  name: 'helios',
  describe: 'Helios 2020: cluster_log.csv, or job_id,submit_time,duration,num_gpu',
  expects: 'job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue',
  needs: [['job_id'], ['submit_time'], ['duration'], ['gpu_num', 'num_gpu']],
  delimiter: ',',
  read(columns, options) {
    const [id, user, vc, time, duration] = ['job_id', 'user', 'vc', 'submit_time', 'duration'].map((c) =>
      columns.at(c),
    );
    const [gpus, nodes, start] = [columns.at('gpu_num', 'num_gpu'), columns.at('node_num'), columns.at('start_time')];
    return (cells, notes) => {
      const submitUs = submitTime(cellAt(cells, time), notes);
      if (submitUs === null) return null;
      const durationUs = durationOf(cellAt(cells, duration), notes, options);
      if (durationUs === null) return null;
      // Jobs without GPUs are an ordinary part of this log: no remark.
      const gpu = gpuCount(cellAt(cells, gpus), notes);
      if (gpu === null) return null;
      const project = cellAt(cells, vc) || 'helios';
      const workers = workersOf(gpu, optionalAmount(cellAt(cells, nodes), 'node_num', notes));
      return {
        id: cellAt(cells, id),
        project,
        pool: vc < 0 ? '' : project,
        user: cellAt(cells, user),
        submitUs,
        durationUs,
        startUs: recordedStart(cellAt(cells, start)),
        gpus: gpu,
        workers,
      };
    };
  },
};

/** Workers = nodes where the log's nodes divide its GPUs evenly; else 0, as few as the cluster's nodes allow. */
export const workersOf = (gpus: number, nodes: number): number =>
  Number.isInteger(nodes) && nodes > 0 && gpus > 0 && gpus % nodes === 0 && gpus / nodes <= 32 ? nodes : 0;
