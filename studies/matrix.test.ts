import { describe, expect, it } from 'vitest';
import { documentCsv, documentHtml, documentMarkdown } from '../reports/document.ts';
import { readScenario } from '../scenarios/index.ts';
import { COMPARED_STACKS } from '../sim/policy/recovery/compared.ts';
import { HOUR_US, POLICIES } from '../sim/simulate.ts';
import type { Figures } from './compare.ts';
import { candidates, cellStudy, guideAdvice } from './matrix.ts';
import { type Cell, cellScenario, meanHours, servedGpus, WORKS } from './matrix-cell.ts';
import { matrixDocument, matrixText, matrixVerdict } from './matrix-report.ts';
import type { Task } from './pool.ts';

const OPTIONS = { gpuModel: 'H200-SXM5', price: 5.92, load: 0.77, days: 30 };
const cell = (gpus: number, teams: number, work: Cell['work']): Cell => ({ gpus, teams, work });

describe("the guide's advice", () => {
  it.each([
    [cell(8, 1, 'training'), 'k3s + GPU Operator'],
    [cell(8, 1, 'mixed'), 'Kubernetes + Kueue'],
    [cell(32, 2, 'training'), 'Slurm, or Kubernetes + KAI'],
    [cell(32, 3, 'mixed'), 'Mission Control'],
    [cell(128, 1, 'mixed'), 'Mission Control'],
    [cell(128, 3, 'training'), 'Slurm (training only is overkill)'],
    [cell(32, 1, 'mixed'), 'says nothing'],
    [cell(8, 3, 'mixed'), 'says nothing'],
  ])('%j: %s', (at, text) => {
    expect(guideAdvice(at).text).toBe(text);
  });
});

describe('a cell', () => {
  const compiled = (at: Cell, days = 90) =>
    readScenario(cellScenario(at, { ...OPTIONS, days }), { policies: POLICIES });

  it('is a scenario whose work asks for the stated load, in equal parts from all teams', () => {
    for (const gpus of [8, 32])
      for (const teams of [1, 3])
        for (const work of WORKS) {
          const { jobs, projects, nodes } = compiled(cell(gpus, teams, work));
          expect(nodes.gpus.reduce((sum, n) => sum + n, 0)).toBe(gpus);
          expect(projects.reduce((sum, p) => sum + p.deservedGpus[0], 0)).toBe(gpus);
          const asked = Array(teams).fill(0);
          for (let job = 0; job < jobs.count; job++) {
            // Notebooks and replicas: held by the clock, not by the load.
            if (jobs.class[job] === 1 || jobs.class[job] === 2) continue;
            let held = 0;
            for (let t = jobs.taskStart[job]; t < jobs.taskStart[job + 1]; t++) held += jobs.taskGpus[t];
            asked[jobs.project[job]] += (held * jobs.durationUs[job]) / HOUR_US;
          }
          const served = work === 'mixed' ? servedGpus(cell(gpus, teams, work)) : 0;
          const share = asked.reduce((a, b) => a + b, 0) / (gpus * 90 * 24) + served / gpus;
          // Long jobs make the mean of a quarter vary.
          expect(share).toBeGreaterThan(0.77 * 0.7);
          expect(share).toBeLessThan(0.77 * 1.35);
          expect(Math.min(...asked)).toBeGreaterThan(0);
        }
  });

  it('has gangs only where two of them fit', () => {
    const widest = (gpus: number) => {
      const { jobs } = compiled(cell(gpus, 1, 'training'), 30);
      return Math.max(
        ...jobs.ids.map((_, j) =>
          jobs.taskGpus.slice(jobs.taskStart[j], jobs.taskStart[j + 1]).reduce((a, b) => a + b, 0),
        ),
      );
    };
    expect([widest(8), widest(16), widest(128)]).toEqual([4, 8, 32]);
  });

  it('knows the mean of straight lines between quantiles', () => {
    expect(meanHours([0, 3600, 10_800])).toBeCloseTo((0.5 + 2) / 2, 12);
  });
});

/** A month of 32 GPUs at $5.92, of which a share was work; seeds differ by a point. */
const made =
  (share: Record<string, number>, gpus = 32) =>
  async (tasks: readonly Task[]): Promise<Figures[]> =>
    tasks.map(({ stack = '', seed }) => ({
      'simulated-hours': 720,
      'capacity-gpu-hours': gpus * 720,
      'work-usd': (share[stack] + Number(seed) / 100) * gpus * 720 * 5.92,
      'gpu-cost': gpus * 720 * 5.92,
      'fault-hours': 0,
    }));

const studied = (share: Record<string, number>, at = cell(32, 3, 'mixed'), gpus = at.gpus) =>
  cellStudy(made(share, gpus), {
    ...at,
    ...{ seeds: ['1', '2', '3'], confidence: 0.95, stacks: COMPARED_STACKS },
    ...{ subject: 'mission-control', baseline: 'vanilla-kubernetes' },
  });

const SHARES = { 'vanilla-kubernetes': 0.6, kueue: 0.62, slurm: 0.9, runai: 0.78, 'mission-control': 0.8 };

describe('the decision matrix', () => {
  it('names what gives most for its price, by how much, and what the guide says beside it', async () => {
    const found = await studied(SHARES);
    // Slurm serves nothing: it is no candidate for mixed work.
    expect(found.stacks.map(({ name }) => name)).not.toContain('slurm');
    expect(found.best).toBe('runai');
    // 20 points of $4,262.40 a GPU-month, less $369.86 of licence, less people: 4 h a month more and 48 h of set-up by 2 over 36 ½ months.
    const people = (100 * (4 + (48 * 2 * 720) / (3 * 8760))) / 32;
    expect(found.overBaseline.usd?.mean).toBeCloseTo(0.2 * 4262.4 - (4500 * 720) / 8760 - people, 6);
    expect(found.overBaseline.verdict).toBe('pays');
    expect(found.overBest).toMatchObject({ rival: 'runai', verdict: 'overkill' });
    expect(found.agrees).toBe(false);
  });

  it('counts how long the set-up takes to be earned back: people, and GPUs that are paid for while they wait', async () => {
    const { overBaseline } = await studied(SHARES);
    const perDay = (32 * (0.2 * 4262.4 - (4500 * 720) / 8760) - 400) / 30;
    const waitDays = (48 / 8 / 5) * 7;
    expect(overBaseline.earnsBackDays).toBeCloseTo(waitDays + (48 * 2 * 100 + waitDays * 24 * 32 * 5.92) / perDay, 6);
    expect((await studied({ ...SHARES, 'mission-control': 0.5 })).overBaseline.earnsBackDays).toBeNull();
  });

  it('keeps all stacks for training, and says no figure that is none in any form', async () => {
    expect(candidates(COMPARED_STACKS, cell(8, 1, 'training'))).toHaveLength(5);
    const cells = [
      await studied(SHARES),
      await studied(SHARES, cell(8, 1, 'training')),
      await studied(SHARES, cell(8, 1, 'mixed'), 0),
    ];
    const report = {
      ...{ ...OPTIONS, cells, stacks: COMPARED_STACKS, subject: 'mission-control', baseline: 'vanilla-kubernetes' },
      ...{ seeds: ['1', '2', '3'], confidence: 0.95, version: '1', command: 'c' },
    };
    const document = matrixDocument(report);
    for (const form of [matrixText(report), documentHtml(document), documentMarkdown(document), documentCsv(document)])
      expect(form).not.toMatch(/NaN|undefined|Infinity|null/);
    expect(matrixVerdict(report).join(' ')).toContain(
      'Mission Control pays in 2 of 3 cells (32 GPUs, 3 teams, mixed; 8 GPUs, 1 team, training)',
    );
  });
});
