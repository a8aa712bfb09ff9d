import { describe, expect, it } from 'vitest';
import { readScenario, ScenarioError } from '../scenarios/index.ts';
import { COMPARED_STACKS } from '../sim/policy/recovery/compared.ts';
import { POLICIES } from '../sim/simulate.ts';
import { stackAssumptions, stackOf, stacksOf, underStack } from './stacks.ts';

const read = (more = '') =>
  readScenario(
    `apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 1d}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {project: p, jobs: [{gpus: 1, gpuShare: 0.3, use: 50%}, {gpus: 8}]}
${more}`,
    { policies: POLICIES },
  );

const document = (spec: string, name = 'mission-control') => `---
apiVersion: simsup.dev/v1
kind: Stack
metadata: {name: ${name}}
spec: ${spec}
`;

describe('the stacks that are compared', () => {
  it('add what the design says, each to the one before it', () => {
    const rows = COMPARED_STACKS.map((s) => ({
      name: s.name,
      policy: s.policy.name,
      sharesGpus: !s.wholeGpus,
      nodeDown: s.settings.nodeDownUs / 1e6,
      hang: s.settings.hangUs / 60e6,
      gang: s.settings.gang,
      repairBy: s.settings.repairBy,
      events: s.settings.events,
      faultTolerance: s.faultTolerance,
      serving: s.servingPlacement,
      setUp: s.operations.setUpHours,
      licence: s.licenceMicroUsd / 1e6,
    }));
    const by = (values: object[]) => rows.map((row, i) => ({ ...row, ...values[i] }));
    expect(rows).toEqual(
      by([
        {
          name: 'vanilla-kubernetes',
          policy: 'kubernetes',
          sharesGpus: false,
          nodeDown: 340,
          hang: 10,
          gang: 'person',
          repairBy: 'person',
          events: false,
          faultTolerance: 'none',
          serving: 'spread',
          licence: 0,
        },
        {
          name: 'kueue',
          policy: 'kueue',
          sharesGpus: false,
          nodeDown: 340,
          hang: 10,
          gang: 'requeue',
          repairBy: 'person',
          events: false,
          faultTolerance: 'none',
          serving: 'spread',
          licence: 0,
        },
        {
          name: 'slurm',
          policy: 'slurm-typical',
          sharesGpus: false,
          nodeDown: 300,
          hang: 10,
          gang: 'requeue',
          repairBy: 'person',
          events: false,
          faultTolerance: 'none',
          serving: 'none',
          licence: 0,
        },
        {
          name: 'runai',
          policy: 'runai',
          sharesGpus: true,
          nodeDown: 340,
          hang: 10,
          gang: 'requeue',
          repairBy: 'person',
          events: false,
          faultTolerance: 'none',
          serving: 'bin-pack',
          licence: 0,
        },
        {
          name: 'mission-control',
          policy: 'runai',
          sharesGpus: true,
          nodeDown: 340,
          hang: 10,
          gang: 'requeue',
          repairBy: 'machine',
          events: true,
          faultTolerance: 'scenario',
          serving: 'slo-aware',
          licence: 4500,
        },
      ]),
    );
    // A week of set-up on top of Run:ai's.
    expect(rows[4].setUp - rows[3].setUp).toBe(40);
  });

  it('take every value from a Stack document', () => {
    const { stacks } = read(
      document(
        '{policy: kueue, wholeGpus: true, faultTolerance: none, servingPlacement: spread, licence: 9000.5, telemetry: seed, faults: {exit: 7s, nodeDown: 8s, hang: 9m, gang: person, repairBy: person, events: false}, operations: {setUpHours: 1, engineers: 5, upkeepHoursPerMonth: 2, hourlyCost: $55/h, setUpLasts: 30d}}',
      ),
    );
    expect(stacks?.[0]).toMatchObject({
      name: 'mission-control',
      policy: { name: 'kueue' },
      wholeGpus: true,
      faultTolerance: 'none',
      servingPlacement: 'spread',
      licenceMicroUsd: 9_000_500_000,
      telemetry: { exporterUs: 10e6, scrapeUs: 0 },
      settings: { exitUs: 7e6, nodeDownUs: 8e6, hangUs: 540e6, gang: 'person', repairBy: 'person', events: false },
      operations: {
        setUpHours: 1,
        engineers: 5,
        upkeepHoursPerMonth: 2,
        microUsdPerHour: 55e6,
        setUpLastsUs: 30 * 86_400e6,
      },
    });
  });

  it("are simsup's own but for those that a scenario states, by name", () => {
    const scenario = read(document('{like: runai, licence: 1200}', 'our-offer') + document('{licence: 1}'));
    expect(stacksOf(scenario).map(({ name }) => name)).toEqual([
      ...COMPARED_STACKS.map(({ name }) => name),
      'our-offer',
    ]);
    expect(stackOf(scenario, 'mission-control').licenceMicroUsd).toBe(1e6);
    expect(stackOf(scenario, 'our-offer')).toMatchObject({ policy: { name: 'runai' }, licenceMicroUsd: 1200e6 });
    expect(stackOf(scenario, 'vanilla').name).toBe('vanilla-kubernetes');
    expect(() => stackOf(scenario, 'mission-controll')).toThrow("did you mean 'mission-control'?");
  });

  it('refuse a stack of no known kind, and a policy that there is not', () => {
    expect(() => read(document('{licence: 1}', 'other'))).toThrow(ScenarioError);
    expect(() => read(document('{policy: nothing}'))).toThrow("unknown policy 'nothing'");
  });

  it('round a part of a GPU up to a whole one, used as much as the part was, where GPUs are not shared', () => {
    const scenario = read();
    const { jobs } = underStack(scenario, stackOf(scenario, 'vanilla-kubernetes'));
    expect([jobs.shareMilli[0], jobs.useMilli[0]]).toEqual([1000, 150]);
    expect(underStack(scenario, stackOf(scenario, 'runai')).jobs.shareMilli[0]).toBe(300);
  });

  it('say what is taken for granted', () => {
    expect(stackAssumptions(read(), COMPARED_STACKS).join(' ')).toMatch(/no FaultModel.*no FaultTolerancePolicy/);
  });
});
