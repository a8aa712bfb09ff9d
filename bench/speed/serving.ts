/**
 * How fast requests are served: the Azure conversation hour on four replicas, millions of drawn requests on eight, and the
 * default scenario's month in fidelity `rate`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { builtin } from '../../scenarios/builtin/index.ts';
import { gpuModel } from '../../scenarios/catalogue/gpus.ts';
import { planReplica } from '../../scenarios/catalogue/serving.ts';
import { azureLlm } from '../../scenarios/import/azure-llm.ts';
import { requestColumns } from '../../scenarios/requests-csv.ts';
import { ServingRecord } from '../../sim/record/slo.ts';
import { HOUR_US, type ServingSpec } from '../../sim/scenario.ts';
import { type Deployment, serve } from '../../sim/serve.ts';
import { type Arrival, type Arrivals, generated, replayed } from '../../sim/world/serving/arrivals.ts';
import { replicaSettings } from '../../sim/world/serving/deployed.ts';
import { minuteLoad } from '../../sim/world/serving/load.ts';
import { RateFleet } from '../../sim/world/serving/rate-fleet.ts';
import { isAskedFor } from './only.ts';

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

/**
 * The closed form of one deployment over the whole of a scenario, from its requests' rates to its latencies, called as the
 * simulation calls it: every hour it settles what was and foretells how busy each replica will be. Processor seconds.
 */
function closedForm(spec: ServingSpec, seed: string, durationUs: number): number {
  const before = process.cpuUsage();
  const record = new ServingRecord({ ttftUs: spec.ttftUs, tokenUs: spec.tokenUs });
  const settings = spec.variants.map((variant) => replicaSettings(spec, variant));
  const fleet = new RateFleet(minuteLoad(spec, seed, durationUs), spec, settings, record);
  fleet.variantOf.fill(0, 0, spec.replicas);
  for (let us = HOUR_US; us <= durationUs; us += HOUR_US) {
    fleet.advance(us);
    fleet.forecast(us + HOUR_US);
  }
  fleet.summarise(record);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function monthAtRate(): ServingResult {
  const { serving = [], seed, durationUs } = builtin('mission-control');
  const seconds = () => closedForm(serving[0], seed, durationUs);
  // The best of them: processor time too grows where others use the same caches.
  const best = Math.min(...Array.from({ length: 9 }, seconds));
  return {
    ...{ name: 'serving/month-at-rate', size: durationUs / HOUR_US, ours: 1000 * best, rival: '–', theirs: null },
    ...{ ratio: null, unit: 'CPU ms, best of 9' },
  };
}

export function servingResults({ only, quick }: { only: string; quick: boolean }): ServingResult[] {
  const results: ServingResult[] = [];
  if (isAskedFor('serving/azure-hour', only)) {
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
  if (isAskedFor('serving/month-at-rate', only)) results.push(monthAtRate());
  if (isAskedFor('serving/drawn', only)) {
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
