/**
 * The stacks that are compared, as data: which scheduler decides, what becomes of shares of a GPU and of faults, and what
 * it takes to run it. docs/reports.md gives the source of each value; hours and wages are assumptions.
 */
import {
  type ComparedStack,
  DAY_US,
  type FaultToleranceSettings,
  MINUTE_US,
  type OperationsEffort,
  SECOND_US,
} from '../../scenario.ts';
import { stackNamed } from './stacks.ts';

/** No source: a loaded wage of $100 an hour, written off over the three years of a usual contract. */
const PEOPLE: Pick<OperationsEffort, 'microUsdPerHour' | 'setUpLastsUs' | 'engineers'> = {
  microUsdPerHour: 100_000_000,
  setUpLastsUs: 3 * 365 * DAY_US,
  engineers: 2,
};

/** NVIDIA AI Enterprise, list price of a subscription (NVIDIA, Q3 FY24 call). Run:ai alone has no public list price. */
const NVAIE_MICRO_USD = 4_500_000_000;

export const COMPARED_STACKS: readonly ComparedStack[] = [
  {
    name: 'vanilla-kubernetes',
    title: 'vanilla Kubernetes',
    policy: { name: 'kubernetes', args: {} },
    wholeGpus: true,
    settings: stackNamed('kubernetes'),
    faultTolerance: 'none',
    servingPlacement: 'spread',
    operations: { ...PEOPLE, setUpHours: 16, upkeepHoursPerMonth: 16 },
    licenceMicroUsd: 0,
  },
  {
    name: 'kueue',
    title: 'Kubernetes + Kueue',
    policy: { name: 'kueue', args: {} },
    wholeGpus: true,
    settings: stackNamed('kueue'),
    faultTolerance: 'none',
    servingPlacement: 'spread',
    operations: { ...PEOPLE, setUpHours: 20, upkeepHoursPerMonth: 18 },
    licenceMicroUsd: 0,
  },
  {
    name: 'slurm',
    title: 'Slurm',
    policy: { name: 'slurm-typical', args: {} },
    wholeGpus: true,
    // Slurm's policies keep a requeued job waiting themselves.
    settings: { ...stackNamed('slurm'), requeueDelayUs: 0 },
    faultTolerance: 'none',
    servingPlacement: 'none',
    operations: { ...PEOPLE, setUpHours: 20, upkeepHoursPerMonth: 16 },
    licenceMicroUsd: 0,
  },
  {
    name: 'runai',
    title: 'Run:ai alone',
    policy: { name: 'runai', args: {} },
    wholeGpus: false,
    settings: stackNamed('runai'),
    faultTolerance: 'none',
    servingPlacement: 'bin-pack',
    operations: { ...PEOPLE, setUpHours: 24, upkeepHoursPerMonth: 18 },
    licenceMicroUsd: 0,
  },
  {
    name: 'mission-control',
    title: 'Mission Control',
    policy: { name: 'runai', args: {} },
    wholeGpus: false,
    settings: stackNamed('mission-control'),
    faultTolerance: 'scenario',
    servingPlacement: 'slo-aware',
    // "A week at least" (the guide), on top of Run:ai's.
    operations: { ...PEOPLE, setUpHours: 24 + 40, upkeepHoursPerMonth: 20 },
    licenceMicroUsd: NVAIE_MICRO_USD,
  },
];

/** The guide's manifest (`training-ft-policy`), for a scenario that brings none. */
export const GUIDE_FAULT_TOLERANCE: FaultToleranceSettings = {
  name: 'training-ft-policy',
  eventCodes: [79, 94, 95],
  utilizationDropThreshold: 0.05,
  utilizationField: 'DCGM_FI_DEV_GPU_UTIL',
  utilizationWindowUs: 5 * MINUTE_US,
  action: 'CheckpointAndReschedule',
  maxRescheduleAttempts: 3,
  rescheduleDelayUs: 60 * SECOND_US,
  checkpointPath: '/mnt/dsx/checkpoints/',
};

/** Names that people also use. */
export const STACK_ALIASES: Readonly<Record<string, string>> = {
  kubernetes: 'vanilla-kubernetes',
  vanilla: 'vanilla-kubernetes',
  'run:ai': 'runai',
};

export const comparedStackNames = (): string[] => COMPARED_STACKS.map(({ name }) => name);
