/**
 * How often things break and for how long they are away, against the published figures and closed forms: faults are drawn
 * in a simulated cluster and counted. n faults tell a mean time between them to ±3/√n.
 */
import { FAULT_MODELS, LLAMA3 } from '../../scenarios/catalogue/fault-models.ts';
import { plainScenario } from '../../sim/plain.ts';
import { stackNamed, TELEMETRY } from '../../sim/policy/recovery/stacks.ts';
import {
  DAY_US,
  type FaultSettings,
  HOUR_US,
  nodeColumns,
  type Run,
  type Scenario,
  simulate,
} from '../../sim/simulate.ts';
import { NO_FAULTS } from '../../sim/world/faults/faults.ts';
import { type Claim, type ClaimGroup, commandFor, type Effort } from './claim.ts';

interface Fleet {
  nodes: number;
  hours: number;
  faults: Partial<FaultSettings>;
  seed?: string;
}

/** Nothing runs on it: what breaks breaks all the same. */
function fleet({ nodes, hours, faults, seed = '1' }: Fleet): Run {
  const scenario: Scenario = plainScenario({
    name: 'fleet',
    seed,
    nodes: nodeColumns([{ pool: 0, count: nodes, gpus: 8 }]),
    durationUs: Math.round(hours * HOUR_US),
    faults: { ...NO_FAULTS, ...faults },
    recovery: { stack: stackNamed('mission-control'), telemetry: TELEMETRY.shipped, spares: [] },
  });
  return simulate(scenario);
}

/** Faults that need no repair, so that every unit is there all the time. */
const steady = (unit: 'gpu' | 'node', meanUs: number): Partial<FaultSettings> => ({
  processes: [
    { name: unit, unit, meanUs, hazard: { type: 'exponential' }, mix: [{ kind: 'software', cause: '', weight: 1 }] },
  ],
});

function claim(id: string, source: string, unit: string, expected: number, got: number, tolerance: number): Claim {
  return {
    id: `reliability/${id}`,
    group: 'reliability',
    source,
    expected,
    got,
    tolerance,
    pass: Math.abs(got - expected) <= tolerance,
    command: commandFor('reliability'),
    unit,
  };
}

/** Mean time to failure of a job on all of the GPUs. */
function mttf(
  id: string,
  source: string,
  gpus: number,
  perUnit: [unit: 'gpu' | 'node', meanUs: number],
  hours: number,
  quick: boolean,
): Claim {
  // `hours`: what is expected, as published; long enough for so many faults.
  const wanted = quick ? 300 : 3000;
  const run = fleet({ nodes: gpus / 8, hours: hours * wanted, faults: steady(...perUnit) });
  const n = run.faults.length;
  return claim(id, source, 'hours', hours, (hours * wanted) / n, (3 / Math.sqrt(n)) * hours);
}

const RSC = 'arXiv 2410.21680';
const rate = (perNodeDay: number): ['node', number] => ['node', DAY_US / perNodeDay];

function llamaClaims(quick: boolean): Claim[] {
  const runs = quick ? 5 : 40;
  const source = 'arXiv 2407.21783, table 5: 419 unexpected interruptions in 54 days of 16,384 GPUs';
  let all = 0;
  const causes = new Map<string, number>();
  for (let seed = 0; seed < runs; seed++) {
    const { processes } = FAULT_MODELS.llama3;
    const run = fleet({
      nodes: LLAMA3.gpus / 8,
      hours: LLAMA3.us / HOUR_US,
      faults: { processes },
      seed: `llama ${seed}`,
    });
    all += run.faults.length;
    for (const { cause } of run.faults) causes.set(cause, (causes.get(cause) ?? 0) + 1);
  }
  const counted = (id: string, what: string, expected: number, got: number) =>
    claim(`llama3 ${id}`, `${source}${what}`, 'faults', expected, got / runs, 3 * Math.sqrt(expected / runs));
  const hours = (runs * 54 * 24) / all;
  return [
    counted('interruptions', '', 419, all),
    claim('llama3 MTBF', source, 'hours', 3.0931, hours, (3 / Math.sqrt(all)) * 3.0931),
    ...FAULT_MODELS.llama3.processes[0].mix
      .filter(({ weight }) => weight >= 17)
      .map(({ cause, weight }) => counted(cause, `, ${cause}`, weight, causes.get(cause) ?? 0)),
  ];
}

/** Row 14: nodes that fail every 312 h on average and are away for 2.2 h on average. */
function availability(quick: boolean): Claim {
  const nodes = 500;
  const hours = quick ? 1500 : 25_000;
  const run = fleet({
    nodes,
    hours,
    faults: {
      processes: [
        {
          name: 'node',
          unit: 'node',
          meanUs: 312 * HOUR_US,
          hazard: { type: 'exponential' },
          mix: [{ kind: 'host-crash', cause: '', weight: 1 }],
        },
      ],
      repair: {
        ...NO_FAULTS.repair,
        service: { medianUs: 2.2 * HOUR_US * Math.exp(-0.5), sigma: 1, success: 1 },
        serviceCheckUs: 0,
        crews: 0,
        repeatWithinUs: 0,
      },
    },
  });
  const away = run.entries.filter(({ category }) => category === 'unhealthy');
  const got = Number(away.reduce((sum, { amount }) => sum + amount, 0n)) / Number(run.capacity);
  const n = run.faults.filter((row) => row.effective).length;
  // Relative variance of a mean over n cycles: exponential up time (1) and lognormal down time of σ = 1 (e − 1).
  const tolerance = 3 * 0.007 * Math.sqrt(Math.E / n);
  return claim(
    'unavailable at MTBF 312 h, MTTR 2.2 h',
    'arXiv 2503.11901 (Delta H100): 2.2 ÷ 314.2',
    'of the time',
    2.2 / 314.2,
    got,
    tolerance,
  );
}

/** Row 16: chance that 1,024 GPUs see no fault in a day. */
function quietDays(quick: boolean): Claim {
  const days = quick ? 500 : 5000;
  const run = fleet({ nodes: 128, hours: days * 24, faults: steady('gpu', 50_677 * HOUR_US) });
  const struck = new Set(run.faults.map(({ timeUs }) => Math.floor(timeUs / DAY_US)));
  const p = Math.exp((-1024 * 24) / 50_677);
  const tolerance = 3 * Math.sqrt((p * (1 - p)) / days);
  return claim(
    'no fault of 1,024 GPUs in 24 h',
    'exp(−1,024 · 24 h / 50,677 h)',
    'of the days',
    p,
    1 - struck.size / days,
    tolerance,
  );
}

/** Row 18 and its like: units that fail before a tenth of their mean life. */
function earlyLife(
  name: string,
  hazard: FaultSettings['processes'][number]['hazard'],
  p: number,
  quick: boolean,
): Claim {
  const nodes = quick ? 250 : 5000;
  const meanUs = 1000 * HOUR_US;
  const run = fleet({
    nodes,
    hours: 100,
    faults: {
      processes: [{ name: 'gpu', unit: 'gpu', meanUs, hazard, mix: [{ kind: 'software', cause: '', weight: 1 }] }],
    },
  });
  const units = nodes * 8;
  const failed = new Set(run.faults.map(({ unit }) => unit)).size / units;
  return claim(
    `fail in a tenth of their mean life: ${name}`,
    'the distribution function at 0.1',
    'of the units',
    p,
    failed,
    3 * Math.sqrt((p * (1 - p)) / units),
  );
}

/** 1.5 % of the nodes with 15 times the rate have 0.015 · 15 ÷ 1.21 of the faults. */
function lemons(quick: boolean): Claim[] {
  const nodes = quick ? 2000 : 20_000;
  const { processes, lemons: settings = { share: 0, factor: 1 } } = FAULT_MODELS.default;
  const calmer = 1 + settings.share * (settings.factor - 1);
  const hours = 24 * 200;
  const run = fleet({
    nodes,
    hours,
    faults: { ...steady('node', processes[0].meanUs * calmer), lemons: settings },
  });
  const perNode = new Map<number, number>();
  for (const { node } of run.faults) perNode.set(node, (perNode.get(node) ?? 0) + 1);
  const n = run.faults.length;
  const expected = (nodes * hours) / 24 / 200;
  // Counts are over-dispersed: the number of lemons varies too.
  const spread = 3 * Math.sqrt(expected + nodes * settings.share * ((settings.factor * 200) / (200 * calmer)) ** 2);
  return [
    claim('faults of a fleet with lemons', 'its mean rate: 5 per 1,000 node-days', 'faults', expected, n, spread),
    claim(
      'nodes with four faults or more in 200 days',
      'Poisson mixture',
      'of the nodes',
      mixture(4, settings, calmer),
      [...perNode.values()].filter((k) => k >= 4).length / nodes,
      3 * Math.sqrt(mixture(4, settings, calmer) / nodes),
    ),
  ];
}

/** P(N ≥ k) where a lemon has mean 15/1.21 and any other node 1/1.21. */
function mixture(k: number, { share, factor }: { share: number; factor: number }, calmer: number): number {
  const atLeast = (mean: number) => {
    let term = Math.exp(-mean);
    let below = 0;
    for (let i = 0; i < k; i++) {
      below += term;
      term *= mean / (i + 1);
    }
    return 1 - below;
  };
  return share * atLeast(factor / calmer) + (1 - share) * atLeast(1 / calmer);
}

export const reliability: ClaimGroup = {
  name: 'reliability',
  about: 'how often fleets of a published failure rate are interrupted, by what, and how long nodes are away',
  run({ quick }: Effort): Claim[] {
    const perGpu: ['gpu', number] = ['gpu', 50_700 * HOUR_US];
    return [
      mttf('MTTF of 16,384 GPUs at 50,700 GPU-hours', 'arithmetic: 50,700 ÷ 16,384', 16_384, perGpu, 3.0945, quick),
      mttf('MTTF of 1,024 GPUs at 50,700 GPU-hours', 'arithmetic: 50,700 ÷ 1,024', 1024, perGpu, 49.512, quick),
      ...llamaClaims(quick),
      mttf('MTTF of 4,096 GPUs at RSC-1 rate', RSC, 4096, rate(6.5e-3), 7.21, quick),
      mttf('MTTF of 8,192 GPUs at RSC-1 rate', RSC, 8192, rate(6.5e-3), 3.606, quick),
      mttf('MTTF of 16,384 GPUs at RSC-1 rate', RSC, 16_384, rate(6.5e-3), 1.803, quick),
      mttf('MTTF of 131,072 GPUs at RSC-1 rate', RSC, 131_072, rate(6.5e-3), 0.2254, quick),
      mttf('MTTF of 16,384 GPUs at RSC-2 rate', RSC, 16_384, rate(2.34e-3), 5.008, quick),
      availability(quick),
      quietDays(quick),
      earlyLife('Weibull, shape 0.7', { type: 'weibull', shape: 0.7 }, 0.21, quick),
      earlyLife('exponential', { type: 'exponential' }, 1 - Math.exp(-0.1), quick),
      ...lemons(quick),
    ];
  },
};
