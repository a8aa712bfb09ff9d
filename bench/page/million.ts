/** A run with as many intervals as wanted, made up: what the page is asked to draw, as the run.json that it opens. */
import { encodeNames, indexBy, type RunColumns } from '../../reports/columns.ts';
import { packed } from '../../reports/packed.ts';
import { runColumns } from '../../reports/run-columns.ts';
import { readScenario } from '../../scenarios/read.ts';
import { Lives, Recorder, Simulation } from '../../sim/simulate.ts';

const SCENARIO = `apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: million}
spec: {title: Made up, duration: 30d, policy: fifo}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  pools:
    - {name: p, gpuModel: H100-SXM5, nodes: 1250, gpusPerNode: 8}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  teams:
    - {name: a, sizes: [{gpus: 1}], arrivals: {perDay: 30}, duration: {quantiles: [1h, 2h]}}
    - {name: b, sizes: [{gpus: 1}], arrivals: {perDay: 30}, duration: {quantiles: [1h, 2h]}}
    - {name: c, sizes: [{gpus: 1}], arrivals: {perDay: 30}, duration: {quantiles: [1h, 2h]}}
`;

/** `count` intervals of one GPU each, back to back on 10,000 GPUs for 30 days. */
export function madeUpRun(count: number): string {
  const scenario = readScenario(SCENARIO, { file: 'million.yaml' });
  const keep = { lives: new Lives(scenario), recorder: new Recorder() };
  const simulation = new Simulation(scenario, keep);
  simulation.run();
  const run = runColumns(simulation.result(), keep.recorder.columns(simulation.nowUs), null, 0);
  if (run.recorded === null) throw new Error('invariant: nothing was recorded');
  const { gpuCount, count: nodes } = run.nodes;
  const each = Math.ceil(count / gpuCount);
  const width = run.simulatedUs / each;
  const start = new Float64Array(count);
  const end = new Float64Array(count);
  const values = Array.from({ length: 4 }, () => new Int32Array(count));
  // In the order of their starts: one on each GPU, then the next one; a tenth of each is a gap that differs.
  for (let i = 0; i < count; i++) {
    const gpu = i % gpuCount;
    const turn = Math.floor(i / gpuCount);
    start[i] = Math.floor(turn * width);
    end[i] = Math.floor((turn + 0.9 + 0.1 * ((gpu % 7) / 7)) * width);
    values[0][i] = (gpu * 31 + turn * 17) % run.jobs.count;
    values[1][i] = gpu >> 3;
    values[2][i] = 1 << (gpu & 7);
    values[3][i] = 7000;
  }
  const holds = { count, start, end, values, dropped: 0, shortestUs: 0 };
  const whole: RunColumns = {
    ...run,
    nodes: { ...run.nodes, names: encodeNames(scenario.nodes.names) },
    recorded: { ...run.recorded, holds },
    holdsOfNode: indexBy(values[1], count, nodes),
    holdsOfJob: indexBy(values[0], count, run.jobs.count),
  };
  const { summary, ...columns } = whole;
  return JSON.stringify({ ...summary, columns: packed(columns) });
}
