/** How fast requests are served: the Azure conversation hour on four replicas, millions of drawn requests on eight. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gpuModel } from '../../scenarios/catalogue/gpus.ts';
import { planReplica } from '../../scenarios/catalogue/serving.ts';
import { azureLlm } from '../../scenarios/import/azure-llm.ts';
import { requestColumns } from '../../scenarios/requests-csv.ts';
import { type Deployment, serve } from '../../sim/serve.ts';
import { type Arrival, type Arrivals, generated, replayed } from '../../sim/world/serving/arrivals.ts';

export interface ServingResult {
  name: string;
  size: number;
  ours: number;
  rival: string;
  theirs: null;
  ratio: null;
  unit: string;
  skipped?: string;
  wallSeconds?: number;
  eventsPerSecond?: number;
  peakMiB?: number;
}

const TRACE = ['../../../shared/traces', '../../../../shared/traces'].map((path) =>
  fileURLToPath(new URL(`${path}/azure-llm-2023/azure_conv.csv`, import.meta.url)),
);

function deployment(replicas: number): Deployment {
  const plan = planReplica({ model: 'llama-3.1-70b', precision: 'fp8' }, gpuModel('H200') as never);
  return {
    name: 'speed',
    replica: plan.settings,
    replicas,
    gpusPerReplica: plan.gpus,
    routing: 'least-outstanding',
    telemetryUs: 0,
    slo: { ttftUs: 500_000, tokenUs: 100_000 },
    priceMicroUsd: 0,
    maxOutstanding: Infinity,
  };
}

function* azureRequests(file: string): Generator<Arrival> {
  const [header, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  const read = azureLlm.read(header);
  const silent = { mend() {}, refuse: () => null, remark() {} };
  let zeroUs: number | undefined;
  for (const line of lines) {
    const request = read(line, silent);
    if (request === null) continue;
    zeroUs ??= request.timeUs;
    yield { ...request, timeUs: request.timeUs - zeroUs, tenant: 0 };
  }
}

function timed(name: string, size: number, replicas: number, arrivals: () => Arrivals, warm: boolean): ServingResult {
  if (warm) serve(deployment(replicas), arrivals());
  const start = performance.now();
  const { record, events } = serve(deployment(replicas), arrivals());
  const wallSeconds = (performance.now() - start) / 1000;
  return {
    ...{ name, size, ours: record.completed / wallSeconds, rival: '–', theirs: null, ratio: null, unit: 'requests/s' },
    ...{ wallSeconds, eventsPerSecond: events / wallSeconds, peakMiB: process.resourceUsage().maxRSS / 1024 },
  };
}

export function servingResults({ only, quick }: { only: string; quick: boolean }): ServingResult[] {
  const results: ServingResult[] = [];
  if ('serving/azure-hour'.includes(only)) {
    const file = TRACE.find((path) => existsSync(path));
    if (file === undefined)
      results.push({
        ...{ name: 'serving/azure-hour', size: 0, ours: 0, rival: '–', theirs: null, ratio: null, unit: 'requests/s' },
        skipped: 'the trace is not there',
      });
    else {
      const columns = requestColumns(azureRequests(file));
      results.push(timed('serving/azure-hour', columns.count, 4, () => replayed(columns), true));
    }
  }
  if ('serving/drawn'.includes(only)) {
    const count = quick ? 100_000 : 10_000_000;
    const drawn = () =>
      generated(
        {
          process: { kind: 'poisson', perSecond: 11 },
          ...{ prompt: { median: 800, sigma: 0.8, max: 8000 }, output: { median: 130, sigma: 0.9, max: 1000 } },
          ...{ tenant: 0, untilUs: Infinity, count },
        },
        'speed',
        'drawn',
      );
    results.push(timed('serving/drawn', count, 8, drawn, false));
  }
  return results;
}
