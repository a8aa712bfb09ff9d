/**
 * The decision matrix, computed: in each cell of size × teams × work every stack does the same work on the same faults, and
 * what it gives for its price decides. The guide's advice stands beside it.
 */
import type { ComparedStack } from '../sim/simulate.ts';
import { type Estimate, estimate, GPU_YEAR_HOURS, MONTH_HOURS, peopleUsd, tasksOf } from './break-even.ts';
import type { Figures } from './compare.ts';
import type { Cell } from './matrix-cell.ts';
import type { Task } from './pool.ts';

export interface CellInput extends Cell {
  seeds: readonly string[];
  confidence: number;
  stacks: readonly ComparedStack[];
  /** The stack about which it is asked whether it is overkill, and what the guide sets it against. */
  subject: string;
  baseline: string;
}

export interface CellStack {
  name: string;
  title: string;
  /** Work's worth less licence less people, $ per GPU and month of 720 h; and their parts. */
  net: Estimate;
  work: Estimate;
  people: Estimate;
  licence: Estimate;
}

/** `overkill`: the other gives more for its price, and the seeds are sure of it. */
export type Verdict = 'pays' | 'overkill' | 'cannot tell';

export interface CellResult extends Cell {
  stacks: CellStack[];
  best: string;
  /** By how much the best leads the next, $ per GPU-month, seed by seed. */
  lead: Estimate;
  next: string;
  /** The subject against the baseline, and against the best other. */
  overBaseline: Margin;
  overBest: Margin;
  advice: Advice;
  /** Whether the guide names the best, or a stack that the seeds cannot tell from it; null = it says nothing. */
  agrees: boolean | null;
}

export interface Margin {
  rival: string;
  /** $ per GPU-month, seed by seed. */
  usd: Estimate;
  verdict: Verdict;
  /**
   * Days until the subject's longer set-up is earned back: the hours of people, and GPUs that are paid for while they wait.
   * null = never.
   */
  earnsBackDays: number | null;
}

export interface Advice {
  text: string;
  /** Names of stacks that are meant. */
  stacks: readonly string[];
}

/** The guide's decision matrix, and its list of when Mission Control is overkill. */
export function guideAdvice({ gpus, teams, work }: Cell): Advice {
  const mixed = work === 'mixed';
  if (gpus < 16) {
    if (teams > 1) return SAYS_NOTHING;
    return mixed
      ? { text: 'Kubernetes + Kueue', stacks: ['kueue'] }
      : { text: 'k3s + GPU Operator', stacks: ['vanilla-kubernetes'] };
  }
  if (mixed && (gpus > 64 || teams >= 3)) return { text: 'Mission Control', stacks: ['mission-control'] };
  if (mixed) return SAYS_NOTHING;
  if (gpus <= 64 && teams <= 2) return { text: 'Slurm, or Kubernetes + KAI', stacks: ['slurm', 'runai'] };
  return { text: 'Slurm (training only is overkill)', stacks: ['slurm'] };
}

const SAYS_NOTHING: Advice = { text: 'says nothing', stacks: [] };

/** Stacks that can do a cell's work: Slurm serves nothing. */
export const candidates = (stacks: readonly ComparedStack[], { work }: Cell): ComparedStack[] =>
  stacks.filter(({ servingPlacement }) => work === 'training' || servingPlacement !== 'none');

/** `run` simulates tasks of the cell's scenario. */
export async function cellStudy(
  run: (tasks: readonly Task[]) => Promise<Figures[]>,
  input: CellInput,
): Promise<CellResult> {
  const { gpus, teams, work, seeds, confidence, subject, baseline } = input;
  const stacks = candidates(input.stacks, input);
  const all = await run(
    tasksOf(
      stacks.map(({ name }) => name),
      seeds,
    ),
  );
  const runs = stacks.map((_, i) => all.slice(i * seeds.length, (i + 1) * seeds.length));
  const nets = stacks.map((stack, i) => runs[i].map((r) => parts(stack, r).net));
  const mean = (values: readonly (number | null)[]) =>
    values.reduce<number>((sum, v) => sum + (v ?? 0), 0) / values.length;
  const order = stacks.map((_, i) => i).sort((a, b) => mean(nets[b]) - mean(nets[a]) || a - b);
  const s = stacks.findIndex(({ name }) => name === subject);
  const rival = order.find((i) => i !== s) as number;
  const paired = (a: number, b: number) =>
    estimate(
      seeds.map((_, k) => minus(nets[a][k], nets[b][k])),
      confidence,
    );
  const margin = (other: number): Margin => {
    const usd = paired(s, other);
    return {
      rival: stacks[other].name,
      usd,
      verdict: verdictOf(usd),
      earnsBackDays: earnsBack(stacks[s], stacks[other], gpus, runs[s], runs[other]),
    };
  };
  const advice = guideAdvice(input);
  const close = stacks.filter((_, i) => i === order[0] || !surely(paired(order[0], i)));
  return {
    ...{ gpus, teams, work },
    stacks: stacks.map((stack, i) => {
      const over = (of: (p: Parts) => number | null) =>
        estimate(
          runs[i].map((r) => of(parts(stack, r))),
          confidence,
        );
      return {
        name: stack.name,
        title: stack.title,
        net: over(({ net }) => net),
        work: over((p) => p.work),
        people: over((p) => p.people),
        licence: over((p) => p.licence),
      };
    }),
    best: stacks[order[0]].name,
    next: stacks[order[1]].name,
    lead: paired(order[0], order[1]),
    overBaseline: margin(stacks.findIndex(({ name }) => name === baseline)),
    overBest: margin(rival),
    advice,
    agrees: advice.stacks.length === 0 ? null : close.some(({ name }) => advice.stacks.includes(name)),
  };
}

interface Parts {
  work: number | null;
  people: number | null;
  licence: number | null;
  net: number | null;
}

/** $ per GPU and month of one run. The GPUs themselves cost the same under every stack. */
function parts(stack: ComparedStack, run: Figures): Parts {
  const gpuMonths = (run['capacity-gpu-hours'] ?? 0) / MONTH_HOURS;
  if (gpuMonths <= 0) return { work: null, people: null, licence: null, net: null };
  const work = (run['work-usd'] ?? 0) / gpuMonths;
  const people = peopleUsd(stack, run) / gpuMonths;
  const licence = (stack.licenceMicroUsd / 1e6) * (MONTH_HOURS / GPU_YEAR_HOURS);
  return { work, people, licence, net: work - people - licence };
}

const minus = (a: number | null, b: number | null) => (a === null || b === null ? null : a - b);
const surely = (e: Estimate) => e !== null && e.low !== null && e.high !== null && (e.low > 0 || e.high < 0);

function verdictOf(margin: Estimate): Verdict {
  if (margin === null || margin.low === null || margin.high === null) return 'cannot tell';
  return margin.low > 0 ? 'pays' : margin.high < 0 ? 'overkill' : 'cannot tell';
}

/** A working day of 8 hours, five of them in seven. */
const SET_UP_DAYS_PER_HOUR = 7 / 5 / 8;
const MONTH_DAYS = MONTH_HOURS / 24;

/** The subject's set-up counts in full here, and no longer by the month. */
function earnsBack(
  subject: ComparedStack,
  rival: ComparedStack,
  gpus: number,
  after: readonly Figures[],
  before: readonly Figures[],
): number | null {
  const without = (stack: ComparedStack): ComparedStack => ({
    ...stack,
    operations: { ...stack.operations, setUpHours: 0 },
  });
  const mean = (stack: ComparedStack, runs: readonly Figures[]) =>
    runs.reduce((sum, r) => sum + (parts(without(stack), r).net ?? 0), 0) / runs.length;
  const perDay = (gpus * (mean(subject, after) - mean(rival, before))) / MONTH_DAYS;
  const hours = subject.operations.setUpHours - rival.operations.setUpHours;
  const wage = subject.operations.microUsdPerHour / 1e6;
  const capacity = after.reduce((sum, r) => sum + (r['capacity-gpu-hours'] ?? 0), 0);
  const price = capacity > 0 ? after.reduce((sum, r) => sum + (r['gpu-cost'] ?? 0), 0) / capacity : 0;
  const waitDays = Math.max(0, hours) * SET_UP_DAYS_PER_HOUR;
  const setUp = Math.max(0, hours) * subject.operations.engineers * wage + waitDays * 24 * gpus * price;
  return perDay > 0 ? waitDays + setUp / perDay : null;
}
