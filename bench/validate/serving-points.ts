/**
 * Published measurements of LLM serving. Of the rows of each table every second one, in the order in which they stand
 * here, was used to fit `EFFICIENCY` in scenarios/catalogue/serving.ts; the others were held out.
 */

export type Load =
  /** So many users, each with one request at a time. */
  | { kind: 'closed'; users: number }
  /** So many requests at once at the start. */
  | { kind: 'offline'; requests: number }
  /** Poisson arrivals a second and replica. */
  | { kind: 'open'; perSecond: number };

export interface Case {
  model: string;
  precision: string;
  gpu: string;
  tensor: number;
  prompt: number;
  output: number;
  load: Load;
  /** Replicas of the system, whose tokens per second are added up. */
  replicas: number;
}

export type Measure = 'ttft' | 'itl' | 'throughput';

export interface Point {
  table: string;
  source: string;
  what: Measure;
  case: Case;
  /** ms, ms, output tokens per second of the system. */
  expected: number;
  fitted: boolean;
}

/** Bands that lie just outside what one software release changes: facts of the field, not of this model. */
export const BANDS: Record<Measure, number> = { ttft: 0.15, itl: 0.1, throughput: 0.15 };
/** At a batch under 8. */
export const SMALL_BATCH_BAND = 0.15;

const NIM = 'docs.nvidia.com/nim/benchmarking/llm/1.0.0/performance, NIM 1.8.0, Llama 3.3 70B FP8 on 2 × H100';
const TRTLLM = 'NVIDIA/TensorRT-LLM v1.0, docs/source/performance/perf-overview.md';
const TRTLLM_LATER = 'NVIDIA/TensorRT-LLM, docs/source/developer-guide/perf-overview.md, per GPU';
const MLPERF = 'MLPerf Inference v5.1, closed, mlcommons/inference_results_v5.1';

const nim = (prompt: number, output: number, users: number): Case => ({
  ...{ model: 'llama-3.3-70b', precision: 'fp8', gpu: 'H100', tensor: 2, prompt, output, replicas: 1 },
  load: { kind: 'closed', users },
});

/** Users, TTFT ms (null: not below 80 % of saturation), ITL ms, tokens per second. */
const NIM_ROWS: [number, number | null, number, number][] = [
  [1, 406.77, 18.58, 51.67],
  [5, 546.7, 21.83, 218.5],
  [25, 688.7, 38.75, 623.4],
  [50, null, 59.73, 814.4],
  [100, null, 92.91, 917.3],
  [150, null, 92.86, 920.9],
  [250, null, 93.2, 920.1],
];

/** Requests of a run by lengths, as the TensorRT-LLM overview states them. */
const REQUESTS: Record<string, number> = { '128/2048': 3000, '1000/1000': 3000, '2048/128': 3000, '5000/500': 1500 };

const TRTLLM_ROWS: [string, string, string, number, Record<string, number>][] = [
  ['llama-3.1-8b', 'fp8', 'H100', 1, { '1000/1000': 15_220, '5000/500': 3459 }],
  ['llama-3.1-8b', 'fp8', 'H200', 1, { '128/2048': 26_221, '1000/1000': 17_744 }],
  ['llama-3.3-70b', 'fp8', 'H200', 1, { '128/2048': 4336, '1000/1000': 2909, '2048/128': 442, '5000/500': 566 }],
  ['llama-3.3-70b', 'fp8', 'H100', 2, { '1000/1000': 4205, '5000/500': 898 }],
  ['llama-3.1-405b', 'fp8', 'H200', 8, { '128/2048': 5348, '1000/1000': 3330, '5000/500': 650 }],
  ['llama-3.3-70b', 'fp4', 'B200', 1, { '128/2048': 9922, '1000/1000': 7007, '2048/128': 1339, '5000/500': 1459 }],
  ['llama-3.1-405b', 'fp4', 'B200', 4, { '1000/1000': 5209, '5000/500': 1048 }],
];

/** Per GPU. */
const LATER_ROWS: [string, string, number, number, number][] = [
  ['fp4', 'B200', 1, 6920, 1362],
  ['fp4', 'GB200', 1, 7769, 1491],
  ['fp8', 'H200', 2, 2587, 537],
  ['fp8', 'H100', 2, 2209, 398],
];

/** Means of the benchmarks' data; outputs are tokens per second ÷ requests per second of the same run. */
const MLPERF_LENGTHS: Record<string, [number, number]> = {
  'llama-2-70b': [294, 291],
  'llama-3.1-405b': [9400, 660],
  'llama-3.1-8b': [778, 129],
};
/** Middle of the range across submitters where there is one. */
const MLPERF_OFFLINE: [string, string, string, number, number, number][] = [
  ['llama-2-70b', 'fp8', 'H200', 1, 8, 35_065],
  ['llama-2-70b', 'fp4', 'B200', 1, 8, 102_078],
  ['llama-2-70b', 'fp8', 'H100', 2, 8, 62_352],
  ['llama-2-70b', 'fp4', 'GB200', 1, 4, 51_737],
  ['llama-3.1-405b', 'fp8', 'H200', 8, 1, 552.7],
  ['llama-3.1-405b', 'fp4', 'B200', 4, 2, 1638],
  ['llama-3.1-8b', 'fp8', 'H200', 1, 8, 66_037],
  ['llama-3.1-8b', 'fp4', 'B200', 1, 8, 141_856],
];
/** Interactive runs, well below saturation: requests per second of 8 GPUs, TTFT ms, TPOT ms (means). */
const MLPERF_INTERACTIVE: [string, string, string, number, number, number][] = [
  ['llama-2-70b', 'fp4', 'B200', 218.8, 69, 34.2],
  ['llama-2-70b', 'fp8', 'H200', 79.2, 138, 37.1],
];

export function points(): Point[] {
  const rows: Omit<Point, 'fitted'>[][] = [];
  const nimRow = (case_: Case, [users, ttft, itl, rate]: (typeof NIM_ROWS)[number]) => {
    const table = `NIM 70B ${case_.prompt}/${case_.output}, ${users} users`;
    const point = (what: Measure, expected: number) => ({ table, source: NIM, what, case: case_, expected });
    rows.push([...(ttft === null ? [] : [point('ttft', ttft)]), point('itl', itl), point('throughput', rate)]);
  };
  for (const row of NIM_ROWS) nimRow(nim(5000, 500, row[0]), row);
  nimRow(nim(500, 2000, 1), [1, 47.77, 18.91, 52.85]);
  const offline = (
    table: string,
    source: string,
    [model, precision, gpu, tensor]: [string, string, string, number],
    [prompt, output]: [number, number],
    requests: number,
    expected: number,
    replicas = 1,
  ) =>
    rows.push([
      {
        ...{ table, source, what: 'throughput' as const, expected },
        case: { model, precision, gpu, tensor, prompt, output, replicas, load: { kind: 'offline', requests } },
      },
    ]);
  for (const [model, precision, gpu, tensor, cells] of TRTLLM_ROWS)
    for (const [lengths, expected] of Object.entries(cells))
      offline(
        `TensorRT-LLM ${model} ${precision} ${tensor} × ${gpu} ${lengths}`,
        TRTLLM,
        [model, precision, gpu, tensor],
        lengths.split('/').map(Number) as [number, number],
        REQUESTS[lengths],
        expected,
      );
  for (const [precision, gpu, tensor, short, long] of LATER_ROWS) {
    const at = (lengths: [number, number], perGpu: number, requests: number) =>
      offline(
        `TensorRT-LLM later, 70b ${precision} ${tensor} × ${gpu} ${lengths.join('/')}`,
        TRTLLM_LATER,
        ['llama-3.3-70b', precision, gpu, tensor],
        lengths,
        requests,
        perGpu * tensor,
      );
    at([1000, 1000], short, 3000);
    at([8192, 1024], long, 1000);
  }
  for (const [model, precision, gpu, tensor, replicas, expected] of MLPERF_OFFLINE)
    offline(
      `MLPerf offline ${model} ${precision} ${tensor * replicas} × ${gpu}`,
      MLPERF,
      [model, precision, gpu, tensor],
      MLPERF_LENGTHS[model],
      model === 'llama-3.1-405b' ? 400 : 8000,
      expected,
      replicas,
    );
  for (const [model, precision, gpu, perSecond, ttft, tpot] of MLPERF_INTERACTIVE) {
    const [prompt, output] = MLPERF_LENGTHS[model];
    const one: Case = {
      ...{ model, precision, gpu, tensor: 1, prompt, output, replicas: 8 },
      load: { kind: 'open', perSecond: perSecond / 8 },
    };
    const table = `MLPerf interactive ${model} ${precision} 8 × ${gpu}`;
    rows.push([
      { table, source: MLPERF, what: 'ttft', case: one, expected: ttft },
      { table, source: MLPERF, what: 'itl', case: one, expected: tpot },
    ]);
  }
  return rows.flatMap((row, i) => row.map((point) => ({ ...point, fitted: i % 2 === 0 })));
}
