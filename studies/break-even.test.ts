import { describe, expect, it } from 'vitest';
import { documentCsv, documentHtml, documentMarkdown } from '../reports/document.ts';
import { ALTERNATIVES, usdPerGpuHour } from '../scenarios/catalogue/alternatives.ts';
import { readScenario } from '../scenarios/index.ts';
import { COMPARED_STACKS } from '../sim/policy/recovery/compared.ts';
import { HOUR_US, POLICIES, simulate } from '../sim/simulate.ts';
import { GPU_YEAR_HOURS, peopleUsd, TORNADO, uplift } from './break-even.ts';
import { breakEvenDocument, breakEvenText } from './break-even-report.ts';
import { breakEvenStudy, type StudyInput, wholeUsd } from './break-even-study.ts';
import type { Figures } from './compare.ts';
import { runTask, type Task, taskScenario } from './pool.ts';
import { categoryFigure } from './stack-figures.ts';

const [VANILLA] = COMPARED_STACKS;
const MISSION_CONTROL = COMPARED_STACKS[COMPARED_STACKS.length - 1];
const FREE = { ...VANILLA.operations, setUpHours: 0, upkeepHoursPerMonth: 0 };

/** 720 hours of `gpus` GPUs at `price` of which `share` was useful. */
const month = (share: number, gpus = 32, price = 5.92): Figures => ({
  'simulated-hours': 720,
  'capacity-gpu-hours': gpus * 720,
  'work-gpu-hours': share * gpus * 720,
  'work-usd': share * gpus * 720 * price,
  'useful-gpu-hours': share * gpus * 720,
  'useful-usd': share * gpus * 720 * price,
  'asked-gpu-hours': 0.9 * gpus * 720,
  'gpu-cost': gpus * 720 * price,
  'compute-cost': gpus * 720 * price,
  'fault-hours': 0,
  goodput: share,
  faults: 3,
});

const sides = (licence = 4500, baseline = VANILLA, subject = MISSION_CONTROL) => ({
  baseline: { ...baseline, operations: FREE },
  subject: { ...subject, operations: FREE },
  confidence: 0.95,
  licence,
});

describe('the simulated break-even', () => {
  it('is the published arithmetic where the simulation gives what it assumes', () => {
    const { usd, licenceWithoutPeople, netPerMonth } = uplift(sides(), [month(0.6)], [month(0.8)]);
    expect(usd?.mean).toBeCloseTo(27_279.36, 6);
    expect(licenceWithoutPeople?.mean).toBeCloseTo(10_371.84, 6);
    // 4,500 × 32 × 720 ÷ 8,760 h
    expect(netPerMonth?.mean).toBeCloseTo(27_279.36 - 11_835.616438, 5);
  });

  it.each([
    [8, 2.35],
    [512, 8.61],
  ])('breaks even at the licence it names: %i GPUs at $%f', (gpus, price) => {
    const before = [month(0.5, gpus, price), month(0.55, gpus, price)];
    const after = [month(0.7, gpus, price), month(0.61, gpus, price)];
    const even = uplift(sides(), before, after).licenceBreakEven;
    expect(uplift(sides(even?.mean), before, after).netPerMonth?.mean).toBeCloseTo(0, 6);
    // By hand: mean gain 13 points of a GPU-year at the price.
    expect(even?.mean).toBeCloseTo(0.13 * GPU_YEAR_HOURS * price, 6);
    expect(even?.low).toBeLessThan(even?.mean ?? 0);
  });

  it('counts people: set-up written off over its life, upkeep by the month, faults they see to', () => {
    const operations = {
      ...VANILLA.operations,
      setUpHours: 36,
      engineers: 2,
      upkeepHoursPerMonth: 10,
      microUsdPerHour: 1e8,
    };
    const stack = { ...VANILLA, operations: { ...operations, setUpLastsUs: 36 * 720 * HOUR_US } };
    // A month of 36 takes a 36th of 72 h; 10 h of upkeep; 1.5 h of faults.
    expect(peopleUsd(stack, { ...month(0.6), 'fault-hours': 1.5 })).toBeCloseTo(100 * (2 + 10 + 1.5), 9);
  });

  it('takes from the licence what the baseline pays already', () => {
    const licensed = { ...VANILLA, licenceMicroUsd: 1000e6 };
    const { netPerMonth } = uplift(sides(4500, licensed), [month(0.6)], [month(0.8)]);
    expect(netPerMonth?.mean).toBeCloseTo(27_279.36 - (3500 * 32 * 720) / 8760, 5);
  });
});

describe('alternatives', () => {
  it('each have a kind, a date and a source, and all kinds are there', () => {
    for (const { date, source } of ALTERNATIVES) {
      expect(date).toMatch(/^20\d\d(-\d\d){0,2}$/);
      expect(source.length).toBeGreaterThan(10);
    }
    expect(new Set(ALTERNATIVES.map(({ kind }) => kind))).toEqual(
      new Set(['on demand', 'reserved', 'spot', 'hyperscaler managed', 'owned']),
    );
  });

  it('count depreciation, power × PUE and colocation of what is owned', () => {
    const [colocated, own] = ALTERNATIVES.filter(({ kind }) => kind === 'owned').map(usdPerGpuHour);
    // $325,000 ÷ 8 GPUs ÷ 4 years; 10.2 kW ÷ 8 at $217.30 per kW and month of 730 h.
    expect(colocated).toBeCloseTo(325_000 / 8 / 35_040 + (1.275 * 217.3) / 730, 9);
    // 1.275 kW, 76 % drawn, PUE 1.54, 8.1 ¢.
    expect(own).toBeCloseTo(325_000 / 8 / 35_040 + 1.275 * 0.76 * 1.54 * 0.081, 9);
  });
});

// ── the study as a whole, on figures that are made up ─────────────────────────────────────────────────────────────

const input = (more: Partial<StudyInput> = {}): StudyInput => ({
  scenario: '<b>"mine"</b>',
  openEnded: false,
  meanPriceUsd: 5.92,
  gpus: 32,
  stacks: COMPARED_STACKS,
  baseline: 'vanilla-kubernetes',
  subject: 'mission-control',
  seeds: ['1', '2', '3'],
  confidence: 0.95,
  licence: 4500,
  assumed: [0.6, 0.8],
  sensitivity: true,
  ...more,
});

/** Every stack gets `share` of it done, a little more by seed. */
const made =
  (share: (task: Task) => number, gpus = 32, price = 5.92) =>
  async (tasks: readonly Task[]) =>
    tasks.map((task) => month(share(task) + Number(task.seed) / 1000, gpus, price));

const better = ({ stack }: Task) => (stack === 'mission-control' ? 0.8 : 0.6);

/** Every number in it, and where. */
function numbers(value: unknown, at = ''): [string, number][] {
  if (typeof value === 'number') return [[at, value]];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inside]) => numbers(inside, `${at}.${key}`));
}

async function studied(more: Partial<StudyInput>, run: (tasks: readonly Task[]) => Promise<Figures[]>) {
  const study = await breakEvenStudy(run, input(more));
  const report = {
    ...{ study, logs: [], stacks: COMPARED_STACKS, assumptions: ['=a(1)'], version: '1.0', command: 'npx simsup' },
    scenarioText: '</pre><script>alert(1)</script>',
  };
  const document = breakEvenDocument(report);
  const forms = [documentHtml(document), documentMarkdown(document), documentCsv(document), breakEvenText(report)];
  for (const [at, value] of numbers(study)) expect([at, Number.isFinite(value)]).toEqual([at, true]);
  for (const form of forms) expect(form).not.toMatch(/NaN|undefined|Infinity|\[object/);
  expect(forms[0]).not.toMatch(/<script|<b>"mine/);
  return { study, text: forms[3], html: forms[0], csv: forms[2] };
}

describe('the break-even study', () => {
  it('gives the verdict, a curve over licence prices with its interval, and a tornado of everything that may move it', async () => {
    const { study, html } = await studied({}, made(better));
    expect(study.verdict).toContain('Mission Control pays');
    expect(study.byLicence).toHaveLength(9);
    const [first, last] = [study.byLicence[0], study.byLicence[8]];
    expect(first.netPerMonth?.mean).toBeGreaterThan(last.netPerMonth?.mean ?? 0);
    expect(new Set(study.tornado.map(({ parameter }) => parameter))).toEqual(
      new Set(['utilisation', 'price of a GPU-hour', 'load', 'fault rate', 'teams', 'licence', 'telemetry']),
    );
    const widths = study.tornado.map(({ low, high }) =>
      Math.abs((high.netPerMonth?.mean ?? 0) - (low.netPerMonth?.mean ?? 0)),
    );
    expect(widths[0]).toBe(Math.max(...widths));
    // Five points of 32 GPUs × 720 h at $5.92.
    const bar = study.tornado.find(({ parameter }) => parameter === 'utilisation');
    expect((bar?.high.netPerMonth?.mean ?? 0) - (study.uplift.netPerMonth?.mean ?? 0)).toBeCloseTo(0.05 * 136_396.8, 4);
    expect(html).toContain('2026-06-05');
  });

  it('says where the simulation disagrees with what is assumed', async () => {
    const { study } = await studied(
      {},
      made(({ stack }) => (stack === 'mission-control' ? 0.45 : 0.42)),
    );
    expect(study.disagreement.reasons.join(' ')).toContain('Assumed: 60 % useful under vanilla Kubernetes');
    expect(study.disagreement.reasons.join(' ')).toContain('42.2 % → 45.2 %');
  });

  it('says plainly that it does not pay where it gives less', async () => {
    const { study, text } = await studied(
      {},
      made(({ stack }) => (stack === 'mission-control' ? 0.5 : 0.6)),
    );
    expect(study.pays).toBe(false);
    expect(text).toContain('does not pay here at any licence price');
  });

  it('says that nothing has a price, that there are no GPUs, that work never ends', async () => {
    const free = await studied({ meanPriceUsd: 0 }, made(better, 32, 0));
    expect(free.study.verdict).toContain('No GPU has a price');
    const none = await studied({ gpus: 0 }, made(better, 0));
    expect(none.study.verdict).toContain('The cluster has no GPUs');
    const stuck = await studied({}, async (tasks) =>
      (await made(better)(tasks)).map((f, i) => ({ ...f, stalled: tasks[i].stack === 'vanilla-kubernetes' ? 1 : 0 })),
    );
    expect(stuck.text).toContain('vanilla Kubernetes never finishes its work in 3 of 3 seeds');
  });

  it('does not claim to know from one seed, nor from an interval that holds both signs', async () => {
    expect((await studied({ seeds: ['1'] }, made(better))).text).toContain('One seed says nothing about chance');
    const noisy = ({ stack, seed }: Task) =>
      stack === 'mission-control' ? (seed === '1' ? 0.9 : 0.66) : seed === '3' ? 0.7 : 0.6;
    const { text } = await studied({}, made(noisy));
    expect(text).toContain('3 seeds do not settle it');
    expect(text).toContain('They do not even tell whether Mission Control gives more than its people cost');
  });

  it('says up to which price it pays for sure, and what the seeds differ in, where they do not settle the price asked', async () => {
    const uneven = ({ stack, seed }: Task) => (stack === 'mission-control' ? 0.6 + 0.01 * Number(seed) : 0.55);
    const { study, text } = await studied({ seeds: ['1', '2', '3', '4'], licence: 4000 }, async (tasks) =>
      (await made(uneven)(tasks)).map((figures, i) => ({
        ...figures,
        [categoryFigure('reserved')]: tasks[i].stack === 'mission-control' ? 0 : 100 * Number(tasks[i].seed),
      })),
    );
    const even = study.uplift.licenceBreakEven;
    expect(text).toContain(`Mission Control pays up to ${wholeUsd(even?.low ?? 0)} per GPU-year`);
    expect(text).toContain(`and no longer from ${wholeUsd(even?.high ?? 0)} on`);
    expect(study.swing).toBe(
      'From seed to seed the difference swings most with half-started gangs that hold GPUs (reserved): under vanilla Kubernetes 100 to 400 GPU-hours more than under Mission Control.',
    );
  });

  it('says of a change that makes no run another that nothing depends on it', async () => {
    const run = made(better);
    const blind = (tasks: readonly Task[]) =>
      run(tasks.map(({ vary, ...task }) => (vary?.telemetry ? task : { ...task, vary })));
    const { study, text, html } = await studied({}, async (tasks) =>
      (await blind(tasks)).map((figures, i) => ({
        ...figures,
        'digest-low': tasks[i].vary === undefined || tasks[i].vary?.telemetry ? 1 : 2,
      })),
    );
    expect(study.tornado.filter(({ idle }) => idle).map(({ parameter }) => parameter)).toEqual(['telemetry']);
    expect(text).toMatch(/telemetry +nothing: 30 s \+ 15 s or 10 s, the runs are the same, event for event/);
    expect(html).toContain('telemetry moves nothing here');
  });
});

// ── simulated ─────────────────────────────────────────────────────────────────────────────────────────────────────

const SMALL = `apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 1, price: $0.5/h}
  pools: [{name: p, gpuModel: H200, nodes: 3, gpusPerNode: 8, price: $3.17/h}]
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: d}
spec: {projects: [{name: a, deservedGpus: 16}, {name: b, deservedGpus: 8}]}
---
apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 3d, policy: runai}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {preset: none, processes: [{name: gpus, unit: gpu, mtbf: 200h, kinds: {xid-79: 1, xid-31: 2}}]}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  defaults: {startup: 3m, checkpointEvery: 30m, checkpointStall: 1s}
  teams:
    - {name: gangs, project: a, sizes: [{gpus: 16}, {gpus: 8}], arrivals: {perDay: 8}, duration: {exponential: {mean: 3h}}}
    - {name: notebooks, project: b, class: interactive, gpuShare: 0.5, arrivals: {perDay: 12}, duration: 4h}
    - {name: trials, project: b, arrivals: {perDay: 40}, duration: {exponential: {mean: 2h}}}
`;

const small = (task: Task) =>
  taskScenario(readScenario(SMALL, { policies: POLICIES, overrides: { seed: task.seed } }), task);

describe('money from a simulated run', () => {
  it('is what the ledger says: useful GPU-hours at the price, compute cost, and every category', () => {
    for (const stack of ['vanilla-kubernetes', 'slurm', 'mission-control']) {
      const scenario = small({ seed: '1', stack });
      const figures = runTask(scenario);
      const { entries } = simulate(scenario);
      const hours = (of: (category: string) => boolean) =>
        Number(entries.filter(({ category }) => of(category)).reduce((sum, { amount }) => sum + amount, 0n)) /
        (7000 * HOUR_US);
      const useful = hours((category) => category === 'productive' || category === 'serving');
      expect(useful).toBeGreaterThan(100);
      // One GPU model, at reference speed: a GPU-hour that is useful is a GPU-hour of work, but for what is at risk.
      expect(figures['useful-usd']).toBeCloseTo(useful * 3.17, 4);
      expect(figures['work-gpu-hours']).toBeCloseTo(useful, 2);
      expect(figures['work-usd']).toBeCloseTo(useful * 3.17, 1);
      expect(figures['compute-cost']).toBeCloseTo(24 * 72 * 3.17 + 72 * 0.5, 6);
      expect(figures['capacity-gpu-hours']).toBeCloseTo(
        hours(() => true),
        6,
      );
    }
  });

  it('values a service by the requests that met their targets, not by how long slow GPUs were busy with them', () => {
    const scenario = readScenario(
      `apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: h, gpuModel: H100-SXM5, nodes: 1, gpusPerNode: 8, price: $3.78/h}]}
---
apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 2h, policy: runai}
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata: {name: chat, annotations: {simsup.dev/gpus-per-replica: '4'}}
spec: {model: {name: llama-3.1-70b}, replicas: 1, slo: {targetTTFT: 200ms, p99Latency: 60ms, minThroughput: 100}}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {requests: [{deployment: chat, perSecond: 4, prompt: 1500, output: 300}]}
`,
      { policies: POLICIES },
    );
    const figures = runTask(taskScenario(scenario, { stack: 'runai' }));
    const attainment = figures.attainment ?? 0;
    expect(attainment).toBeGreaterThan(0.05);
    expect(attainment).toBeLessThan(1);
    // 4 GPUs for 2 hours, busy half of the time as services are.
    expect(figures['asked-gpu-hours']).toBeCloseTo(4, 9);
    expect(figures['work-gpu-hours']).toBeCloseTo(4 * attainment, 9);
    expect(figures['work-usd']).toBeCloseTo(4 * attainment * 3.78, 9);
  });

  it('compares stacks on the same candidate faults', () => {
    const candidates = (stack: string) =>
      simulate(small({ seed: '4', stack })).faults.map(({ timeUs, unit, kind }) => [timeUs, unit, kind]);
    const vanilla = candidates('vanilla-kubernetes');
    expect(vanilla.length).toBeGreaterThan(3);
    for (const other of ['kueue', 'slurm', 'runai', 'mission-control']) expect(candidates(other)).toEqual(vanilla);
  });

  it('has every variation of the tornado change the run', () => {
    const digest = (vary?: Task['vary']) => {
      const f = runTask(small({ seed: '1', stack: 'mission-control', vary }));
      return `${f['digest-high']}/${f['digest-low']}`;
    };
    const base = digest();
    for (const { low, high } of TORNADO)
      for (const [label, vary] of [low, high])
        if (vary.load === undefined && vary.telemetry !== 'shipped')
          expect([label, digest(vary) === base]).toEqual([label, false]);
  });
});
