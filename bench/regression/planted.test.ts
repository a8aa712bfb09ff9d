/** Schedulers with planted bugs, through the bench and the search. */
import { describe, expect, it } from 'vitest';
import { memoryReader, readScenario } from '../../scenarios/index.ts';
import { simulate } from '../../sim/simulate.ts';
import { judgeSuite, runSide, type Side } from './bench.ts';
import type { BenchCase } from './cases.ts';
import { DEFAULT_CONFIG } from './config.ts';
import { hunt } from './fuzz.ts';
import { halves, offByOne, oneTooMany, policyNamed, sideOf } from './testing.ts';

/** Two nodes that everybody wants for half a day: small enough for Run:ai's policy to be quick. */
const CONTEST: BenchCase = {
  name: 'contest',
  about: 'a test',
  files: {},
  text: `
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: contest}
spec: {duration: 12h, policy: runai}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec: {controlPlane: {nodes: 0}, pools: [{name: a, gpuModel: H100-SXM5, nodes: 2, gpusPerNode: 8}]}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: d}
spec:
  projects:
    - {name: owner, deservedGpus: 9}
    - {name: capped, deservedGpus: 2, maxOverQuotaGpus: 3}
    - {name: gangs, deservedGpus: 5}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  defaults: {checkpointEvery: 10m, checkpointStall: 0s}
  teams:
    - {name: owner, project: owner, sizes: [{gpus: 1}, {gpus: 3}], arrivals: {perDay: 90}, duration: {lognormal: {median: 50m, sigma: 0.6}, max: 4h}}
    - {name: flood, project: capped, together: 6, arrivals: {perDay: 30}, duration: {lognormal: {median: 40m, sigma: 0.6}, max: 4h}}
    - {name: gangs, project: gangs, sizes: [{gpus: 4, workers: 2}, {gpus: 12, workers: 2}], arrivals: {perDay: 20}, duration: {lognormal: {median: 1h, sigma: 0.6}, max: 4h}}
`,
};
async function benched(baseline: Side, change: Side, seeds = ['1', '2']) {
  const suite = { cases: [CONTEST], seeds };
  const [before, after] = [await runSide(suite, baseline), await runSide(suite, change)];
  return judgeSuite(suite, DEFAULT_CONFIG, before.result, after.result);
}

describe('the bench catches', () => {
  it('a gang placed by halves', async () => {
    const report = await benched(sideOf(policyNamed('fifo-backfill')), sideOf(halves));
    expect(report.verdict).toBe('regression');
    expect(report.fails.join('\n')).toMatch(/breaks gang-halves \d+ times, the baseline never.*has 1 of 2 workers/);
    expect(report.cases[0].parting).toMatchObject({ baseline: [{ kind: 'place' }], change: [{ kind: 'place' }] });
  });

  it('a quota that is off by one, with both sides’ words on the first decision that differs', async () => {
    const report = await benched(sideOf(policyNamed('runai')), sideOf(offByOne()));
    expect(report.fails.join('\n')).toMatch(/breaks quota-exceeded .*capped borrows 4 GPUs at .*, may borrow 3/);
    const { parting } = report.cases[0];
    expect(parting?.change[0]).toMatchObject({ kind: 'place', job: expect.stringMatching(/^flood/) });
    expect(parting?.said[0]).toMatchObject({ side: 'baseline', reason: expect.stringContaining('at its limit') });
  });

  it('a reclaim too many', async () => {
    const report = await benched(sideOf(policyNamed('runai')), sideOf(oneTooMany), ['1', '2', '3', '4', '5']);
    expect(report.fails.join('\n')).toMatch(/running jobs stopped [\d.]+ % higher/);
    expect(report.cases[0].parting).toMatchObject({ baseline: [], change: [{ kind: 'preempt' }] });
  });

  it('nothing in a policy beside itself', async () => {
    const report = await benched(sideOf(policyNamed('runai')), sideOf(policyNamed('runai')));
    expect(report).toMatchObject({ verdict: 'fine', fails: [], cases: [{ same: true, parting: null }] });
  });
});

describe('the search finds, and shrinks to a few jobs that a run reproduces,', () => {
  const search = { runs: 25, seed: 1 };
  const jobsOf = (text: string) => text.match(/\{id: j\d+/g)?.length;

  it('a gang placed by halves', async () => {
    const [found] = await hunt(sideOf(policyNamed('fifo-backfill')), sideOf(halves), { runs: 20, seed: 1 });
    expect(found.kind).toMatch(/gang-halves|unfinished/);
    expect(jobsOf(found.case.text)).toBe(1);
    const scenario = readScenario(found.case.text, { readFile: memoryReader({}) });
    const run = (factory: typeof halves) =>
      simulate({ ...scenario, policy: { name: factory.name, args: {} } }, { policy: factory });
    expect(run(halves).jobs.endUs[0]).toBe(-1);
    expect(run(policyNamed('fifo-backfill')).jobs.endUs[0]).toBeGreaterThan(0);
  });

  it('a quota that is off by one', async () => {
    const found = await hunt(sideOf(policyNamed('runai')), sideOf(offByOne()), search);
    const quota = found.find(({ kind }) => kind === 'quota-exceeded');
    expect(jobsOf(quota?.case.text ?? '')).toBeLessThanOrEqual(2);
    expect(quota?.case.text).toContain('# Found by simsup bench --fuzz');
  });

  it('the same again from the same seed, and nothing in a policy beside itself', async () => {
    const [one, other] = [1, 2].map(() =>
      hunt(sideOf(policyNamed('fifo-backfill')), sideOf(halves), { runs: 5, seed: 7 }),
    );
    expect(await one).toEqual(await other);
    expect(await hunt(sideOf(policyNamed('fifo')), sideOf(policyNamed('fifo')), { runs: 20, seed: 1 })).toEqual([]);
  });
});
