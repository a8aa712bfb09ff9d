import { describe, expect, it } from 'vitest';
import { readScenario } from '../scenarios/index.ts';
import { openStream } from '../sim/engine/random.ts';
import { exponential, lognormalFromMedian } from '../sim/engine/samplers.ts';
import { DAY_US, HOUR_US, MINUTE_US, SECOND_US } from '../sim/simulate.ts';
import { checkpointJob, costsOf, studyCheckpoints } from './checkpoint.ts';
import { checkpointHtml, checkpointJson, checkpointText } from './checkpoint-report.ts';
import { dalyEfficiency, dalyInterval } from './daly.ts';
import { nodeFaultsOf } from './interruptions.ts';

const effort = { accuracy: 0.004, mostRuns: 40, failures: 60 };
const costs = { stallUs: 2 * MINUTE_US, behindUs: 0, restartUs: 5 * MINUTE_US, mtbfUs: 6 * HOUR_US };

describe('studyCheckpoints', () => {
  it("finds an interval as good as Daly's, and shows what another one costs", () => {
    const study = studyCheckpoints(costs, 3 * HOUR_US, '1', effort);
    const at = (us: number) => dalyEfficiency(us, costs.stallUs, costs.mtbfUs, costs.restartUs);
    const best = at(dalyInterval(costs.stallUs, costs.mtbfUs));
    expect(at(study.best.intervalUs)).toBeGreaterThan(best * 0.995);
    expect(study.best.mean).toBeGreaterThanOrEqual(study.young.mean);
    expect(study.present?.mean).toBeLessThan(study.best.mean - 0.05);
    expect(study.goodFromUs).toBeLessThan(study.best.intervalUs);
    expect(study.goodToUs).toBeGreaterThan(study.best.intervalUs);
    // The whole curve, within what chance leaves.
    for (const p of study.points) {
      expect(Math.abs(p.mean - (p.daly ?? 0))).toBeLessThan(0.005 + 5 * p.error);
    }
    expect(studyCheckpoints(costs, 3 * HOUR_US, '1', effort)).toEqual(study);
  });

  it('writes as often as the storage lets it where the stall is nothing', () => {
    // A second of stall, ten minutes until the checkpoint is complete: more often than that only waits.
    const study = studyCheckpoints({ ...costs, stallUs: SECOND_US, behindUs: 10 * MINUTE_US }, 0, '1', effort);
    expect(study.best.intervalUs).toBeGreaterThan(3 * MINUTE_US);
    expect(study.best.intervalUs).toBeLessThan(30 * MINUTE_US);
    expect(study.points.every((p) => p.daly === null)).toBe(true);
  });
});

const text = `apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 10d, policy: fifo}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: a, gpuModel: H100, nodes: 8}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  jobs:
    - {id: small, gpus: 8, duration: 1d}
    - {id: large, gpus: 64, duration: 5d, checkpointSize: 320GB, checkpointEvery: 2h, startup: 3m}
    - {id: behind, gpus: 16, duration: 1d, checkpointSize: 80GB, checkpointMode: async, checkpointEvery: 1h}
`;

describe("a scenario's job", () => {
  const scenario = readScenario(text);

  it('is the one named, or the largest', () => {
    expect(scenario.jobs.ids[checkpointJob(scenario, undefined) as number]).toBe('large');
    expect(scenario.jobs.ids[checkpointJob(scenario, 'small') as number]).toBe('small');
    expect(checkpointJob(scenario, 'none')).toBe("there is no job 'none' in scenario");
  });

  it('has its costs from its size and its storage, its failures from its nodes', () => {
    // 8 nodes × 4 GB/s would be 32 GB/s, the file system of one unit takes 20; it gives 40.
    const large = costsOf(scenario, checkpointJob(scenario, 'large') as number, 0.005);
    expect(large).toMatchObject({ gpus: 64, nodes: 8, stallUs: 16 * SECOND_US, behindUs: 0, presentUs: 2 * HOUR_US });
    expect(large.restartUs).toBe(3 * MINUTE_US + 8 * SECOND_US);
    expect(large.mtbfUs).toBe(25 * DAY_US);
    const behind = costsOf(scenario, checkpointJob(scenario, 'behind') as number, 0.005);
    expect(behind).toMatchObject({ stallUs: SECOND_US, behindUs: 10 * SECOND_US });
    expect(nodeFaultsOf(scenario, 0)).toBeUndefined();
  });

  it('takes as long to come back as the stack takes to notice, on average over what breaks', () => {
    const model = `---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {processes: [{name: p, unit: node, mtbf: 100d, kinds: {software: 1, hang: 1, xid-79: 2, straggler: 4}}]}
`;
    const of = (stack: string, more = '') => {
      const broken = readScenario(text.replace('policy: fifo', `policy: fifo, stack: ${stack}`) + model + more);
      const job = checkpointJob(broken, 'large') as number;
      // A straggler interrupts nobody.
      expect(nodeFaultsOf(broken, job)).toBeCloseTo(0.005, 12);
      return costsOf(broken, job, 0.005);
    };
    // Half of them are deaths noticed after 10 s as they are, a quarter hangs of 10 min, a quarter deaths of another kind.
    const plain = of('runai');
    expect(plain.noticeUs).toBe(SECOND_US * ((3 * 10 + 600) / 4));
    expect(plain.restartUs).toBe(3 * MINUTE_US + 8 * SECOND_US + plain.noticeUs);
    expect(of('slurm').noticeUs).toBe(plain.noticeUs + 121 * SECOND_US);
    expect(of('kubernetes').noticeUs).toBe(plain.noticeUs + 30 * MINUTE_US);
    const policy = `---
apiVersion: mission-control.nvidia.com/v1
kind: FaultTolerancePolicy
metadata: {name: ft}
spec: {trigger: {dcgmEventCodes: ["XID 79"]}, action: {type: CheckpointAndReschedule, rescheduleDelay: 60s}}
`;
    // XID 79 by telemetry that is 22.5 s old on average, and 60 s of delay.
    expect(of('mission-control', policy).noticeUs).toBe(SECOND_US * ((10 + 600 + 2 * 82.5) / 4));
  });

  it('has one fixed restart time that costs as much as many different ones', () => {
    const spread = text.replace('startup: 3m', 'startup: {lognormal: {median: 3m, sigma: 1.5}, max: 2h}');
    const broken = readScenario(spread);
    const job = checkpointJob(broken, 'large') as number;
    const mtbfUs = 30 * MINUTE_US;
    const { restartUs, varies } = costsOf(broken, job, 0.005, { mtbfUs });
    expect(varies).toBe(true);
    // A restart is tried until one is over before the next failure: counted, over many.
    const stream = openStream('restarts', 'test');
    let all = 0;
    const restarts = 200_000;
    for (let n = 0; n < restarts; n++) {
      for (;;) {
        const takes = 8 * SECOND_US + Math.min(2 * HOUR_US, lognormalFromMedian(stream, 3 * MINUTE_US, 1.5));
        const failsAfter = exponential(stream, mtbfUs);
        all += Math.min(takes, failsAfter);
        if (takes <= failsAfter) break;
      }
    }
    const fixed = mtbfUs * (Math.exp(restartUs / mtbfUs) - 1);
    expect(Math.abs(all / restarts / fixed - 1)).toBeLessThan(0.01);
    // Where nothing fails meanwhile, it is the mean.
    const rare = costsOf(broken, job, 0.005, { mtbfUs: 1e6 * HOUR_US }).restartUs;
    expect(rare).toBeGreaterThan(restartUs);
    expect(costsOf(readScenario(text), 1, 0.005).varies).toBe(false);
  });

  it('is reported as text, JSON and a page', () => {
    const job = checkpointJob(scenario, 'large') as number;
    const own = costsOf(scenario, job, 5);
    const study = studyCheckpoints(own, own.presentUs, '1', effort);
    const report = { scenario: 'a <b>', job: 'large', costs: own, mtbfFrom: 'as given', study, target: 0.9 };
    const shown = checkpointText(report);
    expect(shown).toContain('simulated best');
    expect(shown).toContain('as it is now');
    expect(Math.max(...shown.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(checkpointHtml({ ...report, job: '<script>' })).not.toContain('<script>');
    const json = checkpointJson(report);
    expect(json.curve.length).toBe(study.points.length);
    expect(json.best.efficiency).toBe(study.best.mean);
    expect(json.target.efficiency).toBe(0.9);
    expect(shown).toContain('useful for 90 % of its time');
  });
});
