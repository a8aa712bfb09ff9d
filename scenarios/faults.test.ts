import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DAY_US, HOUR_US, simulate } from '../sim/simulate.ts';
import { FOLLOW_ONS } from '../sim/world/faults/follow-ons.ts';
import { FAULT_KINDS } from '../sim/world/faults/kinds.ts';
import { builtin } from './builtin/index.ts';
import { FAULT_MODELS } from './catalogue/fault-models.ts';
import { readScenario } from './read.ts';

const CLUSTER = `apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: h100, gpuModel: H100-SXM5, nodes: 4, gpusPerNode: 8}]}
`;
const model = (spec: string) => `${CLUSTER}---\napiVersion: simsup.dev/v1\nkind: FaultModel\nspec: ${spec}\n`;
const problems = (text: string) => {
  try {
    readScenario(text);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe('a FaultModel', () => {
  it('is nothing where there is none, and the default preset where it says nothing', () => {
    expect(readScenario(CLUSTER).faults).toBeUndefined();
    expect(readScenario(CLUSTER).recovery).toBeUndefined();
    const { faults, recovery, assumptions } = readScenario(model('{}'));
    expect(faults?.lemons).toEqual({ share: 0.015, factor: 15 });
    // Nodes that are no lemons fail less often, so that the mean stays.
    expect(faults?.processes[0].meanUs).toBeCloseTo(200 * DAY_US * 1.21, -3);
    expect(recovery?.stack.name).toBe('runai');
    expect(assumptions.join(' ')).toContain('5 faults per 1,000 node-days');
  });

  it('takes processes, hazards, bursts, lists and repair as they are written', () => {
    const { faults } = readScenario(
      model(`
  rateFactor: 2
  processes:
    - {name: memory, unit: gpu, mtbf: 50000h, hazard: {weibull: {shape: 0.7}}, kinds: {xid-94: 14, xid-95: 19}}
    - {name: power, unit: node, pools: h100, mtbf: 100d, kinds: {host-crash: 1}, burst: {probability: 0.2, among: cluster}}
  trace: [{at: 3h, node: h100-2, gpu: 5, kind: xid-79}]
  repair: {reboot: {median: 5m}, crews: 7}`),
    );
    expect(faults?.processes).toMatchObject([
      {
        name: 'memory',
        unit: 'gpu',
        meanUs: 25_000 * HOUR_US,
        hazard: { type: 'weibull', shape: 0.7 },
        mix: [
          { kind: 'xid-94', weight: 14 },
          { kind: 'xid-95', weight: 19 },
        ],
      },
      { name: 'power', pools: [0], burst: { probability: 0.2, count: 3, among: 'cluster' } },
    ]);
    expect(faults?.listed).toMatchObject([{ atUs: 3 * HOUR_US, scope: 'node', nodes: [2], gpu: 5, kind: 'xid-79' }]);
    expect(faults?.repair).toMatchObject({ reboot: { medianUs: 300e6, sigma: 0.4, success: 0.9 }, crews: 7 });
  });

  it('strikes at the moments that are listed', () => {
    const scenario = readScenario(model('{trace: [{at: 3h, node: h100-2, gpu: 5, kind: xid-79}]}'), {
      overrides: { durationUs: DAY_US },
    });
    const { faults } = simulate(scenario);
    expect(faults).toMatchObject([{ timeUs: 3 * HOUR_US, unit: 'h100-2', gpu: 5, xid: 79, effective: true }]);
  });

  it('is refused with the place and the nearest name', () => {
    expect(problems(model('{preset: llama}'))).toContain("did you mean 'llama3'?");
    expect(problems(model('{processes: [{name: a, unit: gpu, mtbf: 1h, kinds: {xid-97: 1}}]}'))).toMatch(
      /no fault 'xid-97'.*did you mean 'xid-79'/,
    );
    expect(problems(model('{processes: [{name: a, unit: gpu, mtbf: 1h, kinds: {}}]}'))).toContain(
      'no kind with a weight',
    );
    expect(problems(model('{processes: [{name: a, unit: gpu, pools: h10, mtbf: 1h, kinds: {xid-79: 1}}]}'))).toContain(
      "did you mean 'h100'?",
    );
    expect(problems(model('{trace: [{at: 1h, node: h100-9, kind: xid-79}]}'))).toContain("no node 'h100-9'");
    expect(problems(model('{trace: [{at: 1h, node: h100-1, gpu: 8, kind: xid-79}]}'))).toContain('0 to 7');
    expect(problems(`${model('{}')}---\napiVersion: simsup.dev/v1\nkind: FaultModel\nspec: {}\n`)).toContain(
      'a second',
    );
  });

  it('shows how a hazard is written that was given without its fields', () => {
    const hazard = (text: string) =>
      problems(model(`{processes: [{name: a, unit: gpu, mtbf: 1h, hazard: ${text}, kinds: {xid-79: 1}}]}`));
    expect(hazard('weibull')).toBe(
      "scenario:7:59: spec.processes[0].hazard: found 'weibull', expected its fields with it, such as {weibull: {shape: 0.7}}",
    );
    for (const name of ['lognormal', 'bathtub', 'recorded']) {
      // What is shown can be taken as it is.
      const [, example] = /such as (.*)$/.exec(hazard(name)) ?? [];
      expect(hazard(example), name).toBe('');
    }
    expect(hazard('weibul')).toContain("found 'weibul', expected exponential, {weibull: {shape: 0.7}}, {lognormal");
    expect(hazard('{weibull: {}}')).toContain('found no shape, expected a number from 0.1 to 20');
  });

  it('says the rates that the scenario has, where they are not those of the preset', () => {
    const about = (spec: string) =>
      readScenario(model(spec)).assumptions.find((text) => text.startsWith('Fault model'));
    expect(about('{preset: rsc-1}')).toContain('; lemons: 1.2 % of the nodes fail 15 times as often as the others.');
    expect(about('{preset: rsc-1, lemons: {share: 0.03, factor: 10}, rateFactor: 2}')).toContain(
      '; rates times 2; lemons: 3 % of the nodes fail 10 times as often as the others (the preset has: 1.2 % of the nodes fail 15 times',
    );
    expect(about('{preset: rsc-1, lemons: {share: 0}}')).toContain('; lemons: none (the preset has: 1.2 %');
    expect(about('{preset: llama3}')).not.toContain('lemons');
  });

  it('strikes whatever is listed by its name, and says which names there are', () => {
    const racks = `apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: h100, gpuModel: H100-SXM5, nodes: 4, nodesPerRack: 2, nodesPerNvlinkDomain: 2}]}
`;
    const listing = (trace: string, cluster = racks) =>
      `${cluster}---\napiVersion: simsup.dev/v1\nkind: FaultModel\nspec: {trace: [${trace}]}\n`;
    const { faults } = readScenario(
      listing(
        '{at: 1h, rack: rack-1, kind: rack-power}, {at: 2h, nvlink: nvlink-0, gpu: 3, kind: xid-74}, {at: 3h, network: leaf-1, kind: switch-outage}, {at: 4h, storage: storage, kind: storage-outage}',
      ),
    );
    expect(faults?.listed).toMatchObject([
      { scope: 'rack', nodes: [2, 3] },
      { scope: 'nvlink', nodes: [0, 1], gpu: 3 },
      { scope: 'network', nodes: [2, 3] },
      { scope: 'storage', nodes: [0, 1, 2, 3] },
    ]);
    expect(problems(listing('{at: 1h, rack: rack-2, kind: rack-power}'))).toContain(
      "found no rack 'rack-2', expected one of rack-0, rack-1; did you mean 'rack-0'?",
    );
    expect(problems(listing('{at: 1h, rack: rack-0, kind: rack-power}', CLUSTER))).toContain('a rack; there is none');
    expect(problems(listing('{at: 1h, rack: rack-0, kind: xid-79}'))).toContain('found xid-79 of a whole rack');
    expect(problems(listing('{at: 1h, kind: xid-79}'))).toContain(
      'found a fault of nothing, expected one of node, nvlink',
    );
    expect(problems(listing('{at: 1h, node: h100-1, rack: rack-0, kind: host-crash}'))).toContain(
      'found node and rack',
    );
  });
});

describe('a stack', () => {
  const stack = (spec: string) =>
    readScenario(`${model('{}')}---\napiVersion: simsup.dev/v1\nkind: Simulation\nspec: ${spec}\n`).recovery;

  it('goes with the policy, can be named, and each of its values can be changed', () => {
    expect(stack('{policy: kubernetes}')?.stack.name).toBe('kubernetes');
    expect(stack('{policy: kubernetes}')?.stackOfPolicy).toBe(true);
    expect(stack('{policy: kubernetes, stack: kubernetes}')?.stackOfPolicy).toBeUndefined();
    expect(stack('{policy: fifo, stack: slurm}')?.stack).toMatchObject({ name: 'slurm', nodeDownUs: 300e6 });
    const changed = stack(
      '{stack: {name: slurm, nodeDown: 60s, close: by-person, person: {takes: 1h, weekends: true}}}',
    );
    expect(changed?.stack).toMatchObject({
      nodeDownUs: 60e6,
      closeUs: -1,
      hangUs: 600e6,
      person: { takesUs: HOUR_US, fromHour: 9, toHour: 17, weekends: true },
    });
  });

  it('sees telemetry as old as it is said to be', () => {
    expect(stack('{}')?.telemetry).toEqual({ exporterUs: 30e6, scrapeUs: 15e6 });
    expect(stack('{telemetry: seed}')?.telemetry).toEqual({ exporterUs: 10e6, scrapeUs: 0 });
    expect(stack('{telemetry: {exporter: 5s}}')?.telemetry).toEqual({ exporterUs: 5e6, scrapeUs: 15e6 });
    expect(stack('{spares: {h100: 1}}')?.spares).toEqual([1]);
  });
});

describe('docs/faults.md', () => {
  const page = readFileSync(new URL('../docs/faults.md', import.meta.url), 'utf8');
  const row = (...cells: string[]) => `| ${cells.join(' | ')} |\n`;

  it('has every kind of fault as the simulation has it', () => {
    const who = { app: 'one job on the GPU', gpu: 'all jobs on the GPU', node: 'all jobs there', none: 'nobody' };
    const spanning = 'jobs there that span nodes';
    const slowed: Record<string, string> = { straggler: who.gpu, 'slow-link': spanning };
    const which = {
      ...{ crash: 'dies', silent: 'dies, and the node says nothing', hang: 'hangs, GPUs look busy' },
      ...{ idle: 'stands still, GPUs idle', slow: 'is slower', corrupt: 'computes wrong results' },
      ...{ pause: 'stands still and goes on', none: '–' },
    };
    const needs = {
      ...{ none: '–', restart: 'a new start', 'gpu-reset': 'GPU reset', reboot: 'reboot' },
      ...{ service: 'service', rma: 'replacement' },
    };
    for (const { name, meaning, victims, symptom, repair, dcgm } of FAULT_KINDS) {
      const struck = slowed[name] ?? { ...who, spanning }[victims];
      expect(page).toContain(row(`\`${name}\``, meaning, struck, which[symptom], needs[repair], dcgm || '–'));
    }
    expect(page.match(/^\| `[a-z0-9-]+` \| .* \| .* \| .* \| .* \| (FAIL|WARN|–) \|$/gm)?.length).toBe(
      FAULT_KINDS.length,
    );
  });

  it('has what comes with an XID, and how often', () => {
    for (const { after, oneOf } of FOLLOW_ONS) {
      const shares = oneOf.map(({ share }) => (share === 1 ? 'always' : `${Math.round(100 * share)} %`)).join(', ');
      expect(page).toContain(`| ${after.join(', ')} | ${oneOf.map(({ xid }) => xid).join(', else ')} | ${shares} |`);
    }
  });
});

describe('the presets', () => {
  it('name only faults of the catalogue, and state a rate above zero', () => {
    const names = FAULT_KINDS.map((kind) => kind.name);
    for (const [name, { processes }] of Object.entries(FAULT_MODELS)) {
      expect(processes.length > 0, name).toBe(name !== 'none');
      for (const { mix, meanUs } of processes) {
        expect(meanUs).toBeGreaterThan(0);
        for (const { kind } of mix) expect(names).toContain(kind);
      }
    }
  });

  it('have their built-in scenarios strike, and Llama 3 lose about a quarter at an hour between checkpoints', () => {
    const storm = simulate(builtin('fault-storm'));
    expect(new Set(storm.faults.filter((row) => row.effective).map((row) => row.kind)).size).toBeGreaterThan(6);
    const llama = simulate(builtin('llama3-405b'));
    const productive = llama.entries.filter(({ category }) => category === 'productive');
    const hours = Number(productive.reduce((sum, { amount }) => sum + amount, 0n)) / 7000 / HOUR_US;
    const share = hours / (16_384 * 54 * 24);
    expect(share).toBeGreaterThan(0.7);
    expect(share).toBeLessThan(0.8);
    expect(llama.jobs.restarts[0]).toBeGreaterThan(340);
  });
});
