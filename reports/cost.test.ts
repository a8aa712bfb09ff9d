import { describe, expect, it } from 'vitest';
import { readScenario } from '../scenarios/index.ts';
import { simulate } from '../sim/simulate.ts';
import { costOf } from './cost.ts';

const cost = (pools: string, duration: string) =>
  costOf(
    simulate(
      readScenario(`apiVersion: simsup.dev/v1
kind: Cluster
spec:
  controlPlane: {nodes: 0}
  pools: [${pools}]
---
apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: ${duration}}
`),
    ),
  );

describe('the cost', () => {
  const pool = (more: string) => `{name: p, gpuModel: H200, nodes: 2, gpusPerNode: 4, price: $5/h${more}}`;

  it('is every installed GPU-hour at its price, to the microsecond', () => {
    expect(cost(pool(''), '90m')).toMatchObject({ total: 60, byPool: [{ gpuHours: 12, usd: 60 }] });
  });

  it('counts time in whole billing increments', () => {
    const billed = (increment: string, duration: string) =>
      cost(pool(`, billingIncrement: ${increment}`), duration).byPool[0].gpuHours / 8;
    expect(billed('1h', '90m')).toBe(2);
    expect(billed('1h', '2h')).toBe(2);
    expect(billed('1m', '90m')).toBe(1.5);
    expect(billed('1m', '90m1ms')).toBeCloseTo(91 / 60, 9);
    expect(billed('1d', '1h')).toBe(24);
    expect(billed('0', '90m')).toBe(1.5);
  });

  it('does so for nodes without GPUs as well', () => {
    const login = '{name: login, nodes: 3, price: $1/h, billingIncrement: 1h}';
    expect(cost(`${pool('')}, ${login}`, '90m')).toMatchObject({ gpus: 60, fixed: 6, total: 66 });
  });
});
