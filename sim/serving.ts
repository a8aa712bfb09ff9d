/** Inference deployments inside a simulation: what the front door gives the serving world, and what it keeps of it. */
import { type Cluster, GPU_UNITS } from './cluster/cluster.ts';
import type { Engine } from './engine/engine.ts';
import type { Accounts } from './record/accounts.ts';
import { type ServingFigures, ServingRecord, servingFigures } from './record/slo.ts';
import type { Scenario } from './scenario.ts';
import type { Faults } from './world/faults/faults.ts';
import { noteUseOf } from './world/faults/use.ts';
import type { Jobs } from './world/jobs/jobs.ts';
import { handleServingEvents, settleServing } from './world/serving/operation.ts';
import { Serving } from './world/serving/serving.ts';

/** Columns of jobs that serving writes as it goes, and lists of pools that it adds to, apart from the scenario's. */
export function withOwnColumns(scenario: Scenario): Scenario {
  const { jobs, poolLists } = scenario;
  const own = { startupUs: jobs.startupUs.slice(), useMilli: jobs.useMilli.slice(), poolList: jobs.poolList.slice() };
  return { ...scenario, jobs: { ...jobs, ...own }, poolLists: [...poolLists] };
}

export interface ServingParts {
  scenario: Scenario;
  cluster: Cluster;
  engine: Engine;
  accounts: Accounts;
  jobs: () => Jobs;
  faults: () => Faults;
  /** How often telemetry is read, and how old a reading may be, µs. */
  telemetryUs: number;
  staleUs: number;
  scrapeUs: number;
  withdraws: boolean;
}

export function newServing(parts: ServingParts): Serving {
  const { scenario, cluster, engine, accounts, jobs, faults, telemetryUs, staleUs, scrapeUs, withdraws } = parts;
  const records = (scenario.serving ?? []).map(({ ttftUs, tokenUs }) => new ServingRecord({ ttftUs, tokenUs }));
  const serving = new Serving({
    ...{ scenario, cluster, engine, jobs, records, telemetryUs, staleUs, scrapeUs, withdraws },
    setUse(now, job, milli) {
      accounts.setUse(now, job, milli);
      noteUseOf(faults(), job);
    },
    readings: () => faults().readings,
    onUse(changed) {
      const { readings } = faults();
      if (readings !== null) readings.onChange = (gpu) => changed(cluster.nodeOfGpu(gpu));
    },
    quotaOf(job) {
      const project = scenario.jobs.project[job];
      const [pool] = scenario.poolLists[scenario.jobs.poolList[job]];
      const [within, over] = accounts.held(project, pool);
      const { name, deservedGpus } = scenario.projects[project];
      return {
        project: name,
        pool: scenario.pools[pool].name,
        deserved: deservedGpus[pool] ?? 0,
        held: Math.round((within + over) / GPU_UNITS),
      };
    },
  });
  handleServingEvents(serving);
  return serving;
}

/** What is kept of every deployment so far. */
export function figuresOf(serving: Serving, now: number): ServingFigures[] {
  settleServing(serving, now);
  return serving.deployed.map((one) => {
    const { spec, fleet, rate, counts } = one;
    const record = one.record as ServingRecord;
    let sketched = record;
    if (rate !== null) {
      // Latencies follow from how often each kind of minute was met; they are spread out here, for this look only.
      const spread = new ServingRecord(record.slo);
      rate.summarise(spread);
      for (const part of ['ttft', 'itl', 'e2e', 'token', 'queue'] as const) spread[part].merge(record[part]);
      const { ttft, itl, e2e, token, queue } = spread;
      sketched = Object.assign(Object.create(ServingRecord.prototype) as ServingRecord, record, {
        ...{ ttft, itl, e2e, token, queue },
      });
    }
    const { activeUs, heldUs, costMicroUsd } = one;
    const beside = {
      ...{ deployment: spec.name, fidelity: spec.fidelity, digest: fleet?.digest.hex() ?? '' },
      events: fleet === null ? 0 : one.pulled + fleet.total('plans') - fleet.total('cuts') + fleet.transfers,
      iterations: fleet?.total('iterations') ?? 0,
      preemptions: fleet?.total('preempted') ?? 0,
      gpus: now > 0 ? heldUs / now : 0,
      replicas: now > 0 ? activeUs / now : 0,
      ...{ spanUs: now, activeUs, gpuUs: heldUs, costMicroUsd: Math.round(costMicroUsd) },
      unfinished: Math.round(fleet?.present ?? rate?.backlog ?? 0),
      lives: { ...counts },
      traces: fleet?.traces ?? [],
      mostGpus: (spec.autoscaling?.max ?? spec.replicas) * one.gpusPerReplica,
      ...(spec.placement && { rule: spec.placement.rule }),
      ...(spec.verdict && { verdict: spec.verdict }),
    };
    return servingFigures(sketched, beside, spec.tokensPerSecond, spec.tenants);
  });
}
