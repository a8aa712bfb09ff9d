/** The scenarios that come with simsup, without the logs that some of them name: small enough for a page to load first. */
import { FAULT_STORM } from './fault-storm.ts';
import { FIRMWARE_ROLLOUT } from './firmware-rollout.ts';
import { ITP } from './itp.ts';
import { KAI_SCALE } from './kai-scale.ts';
import { LEMON_NODES } from './lemon-nodes.ts';
import { LLAMA3_405B } from './llama3-405b.ts';
import { MIGRATE_SLURM } from './migrate-slurm.ts';
import { MISSION_CONTROL } from './mission-control.ts';
import { OPENB } from './openb.ts';
import { PHILLY_WEEK } from './philly-week.ts';
import { RSC } from './rsc.ts';
import { SERVE_AND_TRAIN } from './serve-and-train.ts';
import { SERVE_AZURE } from './serve-azure.ts';
import { SLO_PLACEMENT } from './slo-placement.ts';
import { SMALL_TEAM } from './small-team.ts';
import { SPOT_TRAINING } from './spot-training.ts';

export interface BuiltinText {
  name: string;
  /** What it shows, in one sentence. */
  sentence: string;
  text: string;
}

export const builtinTexts: readonly BuiltinText[] = [
  {
    name: 'mission-control',
    sentence:
      'Three teams share 32 H200 and 16 B200 for a month; one has no quota and lives on what is idle (the default).',
    text: MISSION_CONTROL,
  },
  {
    name: 'small-team',
    sentence: 'One team on one node of 8 H100: too small for Mission Control.',
    text: SMALL_TEAM,
  },
  {
    name: 'philly-week',
    sentence: 'A week of real training jobs in eight virtual clusters of Microsoft Philly (2017).',
    text: PHILLY_WEEK,
  },
  {
    name: 'openb',
    sentence: "Real pods that share GPUs on Alibaba's 1,213 nodes of seven GPU models (2023).",
    text: OPENB,
  },
  {
    name: 'itp',
    sentence: 'Gangs of 64 GPUs among hundreds of single-GPU jobs, from Microsoft ITP (2021).',
    text: ITP,
  },
  {
    name: 'kai-scale',
    sentence: "The scale test of Run:ai's open scheduler: 4,000 jobs of one GPU at once on 500 nodes.",
    text: KAI_SCALE,
  },
  {
    name: 'spot-training',
    sentence: 'Training on spot H200 that are taken away with two minutes of notice, inference on B200 on demand.',
    text: SPOT_TRAINING,
  },
  {
    name: 'firmware-rollout',
    sentence: 'A firmware roll-out in waves over 32 busy nodes of 8 H100.',
    text: FIRMWARE_ROLLOUT,
  },
  {
    name: 'migrate-slurm',
    sentence: 'From Slurm to Run:ai in weekly waves of nodes, both schedulers live, users following.',
    text: MIGRATE_SLURM,
  },
  {
    name: 'fault-storm',
    sentence: "A week of faults in bursts on 128 H100, under the guide's FaultTolerancePolicy.",
    text: FAULT_STORM,
  },
  {
    name: 'lemon-nodes',
    sentence: 'Four weeks of big gangs on 128 nodes, of which a few have most of the faults.',
    text: LEMON_NODES,
  },
  {
    name: 'rsc',
    sentence: "Two weeks on 16,000 A100 that fail as often as those of Meta's RSC-1.",
    text: RSC,
  },
  {
    name: 'llama3-405b',
    sentence: 'One job on 16,384 H100 for 54 days, interrupted as often as the training of Llama 3 405B.',
    text: LLAMA3_405B,
  },
  {
    name: 'serve-azure',
    sentence: 'Ten minutes of real chat requests (Azure, 2023) on four replicas of a 70B model.',
    text: SERVE_AZURE,
  },
  {
    name: 'serve-and-train',
    sentence: 'A chat service lends its GPUs to training at night and takes them back in the morning.',
    text: SERVE_AND_TRAIN,
  },
  {
    name: 'slo-placement',
    sentence:
      "The guide's four serving profiles under its own placement rules: which can meet their targets, and where.",
    text: SLO_PLACEMENT,
  },
];
