import { describe, expect, it } from 'vitest';
import { COMPARED_STACKS } from '../../sim/policy/recovery/compared.ts';
import { POLICIES } from '../../sim/simulate.ts';
import { readScenario } from '../read.ts';

const JOB = '---\napiVersion: simsup.dev/v1\nkind: Workload\nspec: {jobs: [{id: j, gpus: 1}]}\n';
const stacks = (...docs: [name: string, spec: string][]) =>
  readScenario(
    docs
      .map(([name, spec]) => `apiVersion: simsup.dev/v1\nkind: Stack\nmetadata: {name: ${name}}\nspec: ${spec}\n`)
      .join('---\n') + JOB,
    { policies: POLICIES },
  ).stacks;
const named = (name: string) => COMPARED_STACKS.find((stack) => stack.name === name);

describe('a Stack', () => {
  it("starts from simsup's own of that name, or of the name it gives, and changes what it states", () => {
    expect(stacks(['slurm', '{}'])).toEqual([named('slurm')]);
    const [ours] = stacks([
      'ours',
      `{like: mission-control, telemetry: seed, faults: {exit: 3s, person: {takes: 5m}}, faultTolerance: none, wholeGpus: true,
        policy: {name: runai, args: {}}, operations: {setUpHours: 7, hourlyCost: $50/h}, licence: 100, servingPlacement: spread}`,
    ]) as [(typeof COMPARED_STACKS)[number]];
    const base = named('mission-control');
    expect(ours).toMatchObject({
      name: 'ours',
      title: 'ours',
      wholeGpus: true,
      telemetry: { exporterUs: 10e6, scrapeUs: 0 },
      settings: { exitUs: 3e6, hangUs: base?.settings.hangUs, person: { takesUs: 300e6, fromHour: 9 } },
      faultTolerance: 'none',
      servingPlacement: 'spread',
      operations: { setUpHours: 7, microUsdPerHour: 50e6, upkeepHoursPerMonth: base?.operations.upkeepHoursPerMonth },
      licenceMicroUsd: 100e6,
    });
  });

  it('says which stack, policy or argument there is not, and which is near', () => {
    for (const [docs, expected] of [
      [[['slrum', '{}']], /metadata\.name: found unknown stack 'slrum'.*did you mean 'slurm'\?/],
      [[['x', '{like: slrum}']], /spec\.like: found unknown stack 'slrum'.*did you mean 'slurm'\?/],
      [[['slurm', '{policy: runia}']], /spec\.policy: found unknown policy 'runia'.*did you mean 'runai'\?/],
      [
        [['slurm', '{policy: {name: slurm, args: {killWiat: 1}}}']],
        /args\.killWiat: found unknown argument.*did you mean 'killWait'\?/,
      ],
      [[['slurm', '{faults: {nodDown: 1s}}']], /unknown field 'nodDown'.*did you mean 'nodeDown'\?/],
      [
        [
          ['slurm', '{}'],
          ['slurm', '{}'],
        ],
        /a second stack 'slurm'/,
      ],
    ] as [[string, string][], RegExp][]) {
      expect(() => stacks(...docs), String(expected)).toThrow(expected);
    }
  });
});
