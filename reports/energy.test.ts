import { describe, expect, it } from 'vitest';
import { type GpuModel, gpuModel } from '../scenarios/catalogue/gpus.ts';
import { nodePower } from '../scenarios/catalogue/power.ts';
import { readScenario } from '../scenarios/index.ts';
import { simulate } from '../sim/simulate.ts';
import { seconds, smallScenario } from '../sim/testing.ts';
import { energyOf } from './energy.ts';

describe('energyOf', () => {
  it('is 286 kWh for a day of one busy DGX H100 at PUE 1.54', () => {
    const power = nodePower(gpuModel('H100') as GpuModel);
    expect((power?.busyWatts ?? 0) * 8).toBeCloseTo(7752, 6);
    const scenario = smallScenario({
      nodes: [{ pool: 0, count: 1, gpus: 8 }],
      jobs: [{ durationUs: seconds(86_400), taskGpus: [8] }],
      overrides: {
        durationUs: seconds(86_400),
        energy: {
          pue: 1.54,
          gramsCo2PerKwh: 500,
          microUsdPerKwh: 100_000,
          pools: [{ busyWatts: 7750 / 8, idleWatts: 250, offWatts: 0, source: '' }],
          source: '',
        },
      },
    });
    const energy = energyOf(simulate(scenario));
    expect(energy?.kWh).toBeCloseTo(286.44, 2);
    expect(energy?.kgCo2).toBeCloseTo(143.22, 2);
    expect(energy?.usd).toBeCloseTo(28.64, 2);
    expect(energy?.meanKw).toBeCloseTo(11.935, 3);
  });

  it('counts GPUs that wait as idle and those taken away as off', () => {
    const pools = [{ busyWatts: 1000, idleWatts: 100, offWatts: 0, source: '' }];
    const scenario = smallScenario({
      nodes: [{ pool: 0, count: 2, gpus: 1 }],
      jobs: [{ durationUs: seconds(3600), taskGpus: [1] }],
      overrides: { durationUs: seconds(7200), energy: { pue: 1, gramsCo2PerKwh: 0, pools, source: '' } },
    });
    // One hour busy, three idle.
    expect(energyOf(simulate(scenario))?.nodeKWh).toEqual({ busy: 1, idle: 0.3, off: 0 });
    expect(energyOf(simulate(smallScenario({ jobs: [{ durationUs: 1 }] })))).toBeNull();
  });

  it('comes with figures and their sources where the scenario states none', () => {
    const text = `apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: a, gpuModel: B200, nodes: 1}, {name: b, gpuModel: unknown, nodes: 1}]}
---
apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 1h, policy: fifo}
---
apiVersion: simsup.dev/v1
kind: Energy
spec: {gramsCo2PerKwh: 20, pricePerKwh: $0.10, busyWatts: {unknown: 500}}
`;
    const { energy } = readScenario(text);
    expect(energy).toMatchObject({ pue: 1.54, gramsCo2PerKwh: 20, microUsdPerKwh: 100_000 });
    expect(energy?.pools[0]).toMatchObject({ busyWatts: (0.76 * 14_300) / 8, idleWatts: 375 });
    expect(energy?.pools[1]).toMatchObject({ busyWatts: 500, idleWatts: 0 });
    expect(energy?.source).toContain('Uptime');
  });
});
