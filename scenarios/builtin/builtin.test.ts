import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { simulate } from '../../sim/simulate.ts';
import { folderReader } from '../files.ts';
import { readScenario } from '../read.ts';
import { scenarioJsonSchema } from '../schema.ts';
import { starterScenario } from '../starter.ts';
import { builtin, builtins } from './index.ts';

describe('built-in scenarios', () => {
  it('hold what their sentences say', () => {
    const mission = builtin('mission-control');
    expect(mission.pools.map((p) => [p.name, p.gpuModel, p.priceMicroUsd])).toEqual([
      ['h200-training', 'H200-SXM5', 5_920_000],
      ['b200-inference', 'B200-SXM6', 8_610_000],
    ]);
    expect([...mission.nodes.gpus]).toEqual([8, 8, 8, 8, 8, 8]);
    expect(mission.fixedCosts).toEqual([{ name: 'control plane', microUsdPerHour: 500_000 }]);
    expect(mission.projects.map((p) => [p.name, p.deservedGpus, p.overQuotaWeight, p.maxOverQuotaGpus])).toEqual([
      ['llm-pretraining', [32, 0], 2, 16],
      ['inference-prod', [0, 16], 1, -1],
      ['research', [0, 0], 1, -1],
    ]);
    expect(builtin('small-team').nodes.gpus.reduce((a, b) => a + b, 0)).toBeLessThan(16);
    expect(builtin('philly-week').jobs.count).toBe(2328);
    expect(builtin('openb').nodes.count).toBe(1213);
    expect(builtin('openb').nodes.gpus.reduce((a, b) => a + b, 0)).toBe(6212);
    expect(builtin('itp').jobs.count).toBe(1000);
    expect(() => builtin('mision-control')).toThrow("did you mean 'mission-control'?");
  });

  it('are the same every time, and other with another seed', () => {
    const text = builtins[0].text;
    const jobs = (t: string) => {
      const { jobs: j } = readScenario(t);
      return { ids: j.ids, submit: j.submitUs, duration: j.durationUs, tasks: j.taskGpus };
    };
    expect(jobs(text)).toEqual(jobs(text));
    expect(jobs(text.replace('seed: 1', 'seed: 2')).submit).not.toEqual(jobs(text).submit);
  });

  it('ask for the load that mission-control states, over many seeds', () => {
    const hours = new Map<string, number>();
    const seeds = 40;
    for (let seed = 1; seed <= seeds; seed++) {
      const s = readScenario(builtins[0].text.replace('seed: 1', `seed: ${seed}`));
      for (let j = 0; j < s.jobs.count; j++) {
        if (s.jobs.durationUs[j] === Infinity) continue;
        let gpus = 0;
        for (let k = s.jobs.taskStart[j]; k < s.jobs.taskStart[j + 1]; k++) gpus += s.jobs.taskGpus[k];
        const name = s.projects[s.jobs.project[j]].name;
        const use = (gpus * s.jobs.durationUs[j] * s.jobs.shareMilli[j]) / 1000 / 3.6e9;
        hours.set(name, (hours.get(name) ?? 0) + use / seeds / (32 * 720));
      }
    }
    expect(hours.get('llm-pretraining')).toBeGreaterThan(0.58);
    expect(hours.get('llm-pretraining')).toBeLessThan(0.72);
    expect(hours.get('research')).toBeGreaterThan(0.22);
    expect(hours.get('research')).toBeLessThan(0.3);
  });

  it('leave room in the B200 pool, and teams without quota there borrow it', () => {
    const { entries, scenario } = simulate(builtin('mission-control'));
    const b200 = scenario.pools.findIndex((pool) => pool.gpuModel === 'B200-SXM6');
    const borrowed = entries.filter((e) => e.pool === b200 && e.overQuota && e.amount > 0n);
    expect(new Set(borrowed.map((e) => scenario.projects[e.project].name))).toEqual(
      new Set(['llm-pretraining', 'research']),
    );
    expect(scenario.assumptions.join(' ')).toMatch(/4 GPUs per replica of llama-4-maverick fp8 \(smallest/);
  });

  it('show research borrowing idle GPUs and giving them back', () => {
    const { jobs, scenario } = simulate(builtin('mission-control'));
    const research = scenario.projects.findIndex(({ name }) => name === 'research');
    let preempted = 0;
    jobs.preemptions.forEach((count, job) => {
      if (count > 0) expect(scenario.jobs.preemptible[job]).toBe(1);
      if (scenario.jobs.project[job] === research) preempted += count;
    });
    expect(preempted).toBeGreaterThan(0);
  });

  it('firmware-rollout updates every node, never with more than a tenth and a wave out of service, and loses no job', () => {
    const run = simulate(builtin('firmware-rollout'));
    const [row] = run.provisioning?.rollouts ?? [];
    expect(row).toMatchObject({ nodes: 32, done: 32, stopped: false });
    expect(row.mostUnavailable).toBeLessThanOrEqual(3);
    expect(row.waves).toBeGreaterThanOrEqual(8);
    expect(row.finishedUs).toBeGreaterThan(row.startedUs);
    // Jobs save themselves before they move.
    const lost = run.entries
      .filter(({ category }) => category === 'lost')
      .reduce((sum, { amount }) => sum + amount, 0n);
    expect(Number(lost)).toBeLessThan(0.001 * Number(run.capacity));
    expect(run.jobs.restarts.every((count) => count === 0)).toBe(true);
  });

  it('migrate-slurm moves all nodes in six waves, and leaves nobody behind on the old side', () => {
    const run = simulate(builtin('migrate-slurm'));
    const { changes = [], weeks = [] } = run.provisioning ?? {};
    expect(changes.map(({ done, nodes }) => [done, nodes])).toEqual(Array(6).fill([4, 4]));
    const gpus = (week: number, pool: number) => {
      const row = weeks.find((r) => r.week === week && r.pool === pool);
      return Number((row?.paid ?? 0n) / 7000n) / 3.6e9 / 168;
    };
    expect([gpus(0, 0), gpus(0, 1), gpus(7, 0), gpus(7, 1)]).toEqual([192, 32, 0, 224]);
    for (let week = 1; week < 7; week++) {
      expect(gpus(week, 0)).toBeLessThan(gpus(week - 1, 0));
      // A node is one side's or the other's at any time.
      expect(gpus(week, 0) + gpus(week, 1)).toBeCloseTo(224, 6);
    }
    const slurm = weeks.filter(({ pool }) => pool === 0);
    expect(slurm.every(({ submitted, waitsUs }) => waitsUs.length === submitted)).toBe(true);
    expect(slurm.some(({ waitsUs }) => (waitsUs.at(-1) ?? 0) > 3600e6)).toBe(true);
    // The lines for BCM's bridge are jobs of the side they name.
    const { ids, poolList } = run.scenario.jobs;
    const side = (id: string) => run.scenario.poolLists[poolList[ids.findIndex((name) => name.endsWith(id))]];
    expect([side('/tune'), side('/tune-70b'), side('/legacy')]).toEqual([[1], [1], [0]]);
  });

  it('kai-scale starts 4,000 jobs in the time the scheduler is measured to take: 6 min 38 s', () => {
    const { jobs } = simulate(builtin('kai-scale'));
    const last = jobs.firstStartUs.reduce((latest, us) => Math.max(latest, us), 0) / 1e6;
    expect(jobs.firstStartUs.every((us) => us >= 0)).toBe(true);
    expect(Math.abs(last - 398)).toBeLessThan(5);
  });

  it('and the starter pass the JSON Schema, which is one', () => {
    const schema = scenarioJsonSchema();
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    const check = z.fromJSONSchema(schema as never);
    for (const text of [...builtins.map((b) => b.text), starterScenario()]) {
      for (const doc of parseAllDocuments(text)) {
        const result = check.safeParse(doc.toJS());
        expect(result.success, JSON.stringify(result.error?.issues ?? '').slice(0, 500)).toBe(true);
      }
    }
    expect(check.safeParse({ apiVersion: 'simsup.dev/v1', kind: 'Cluster', spec: { polls: [] } }).success).toBe(false);
    expect(readScenario(starterScenario()).jobs.count).toBeGreaterThan(100);
  });
});

describe('files beside a scenario', () => {
  const base = mkdtempSync(join(tmpdir(), 'simsup-'));
  afterAll(() => rmSync(base, { recursive: true }));
  const folder = join(base, 'scenario');
  mkdirSync(join(folder, 'sub'), { recursive: true });
  mkdirSync(join(base, 'scenario-evil'));
  writeFileSync(join(folder, 'sub', 'jobs.csv'), '\ufeffsubmit,duration\r\n0,60\r\n1,60');
  writeFileSync(join(base, 'secret'), 'x');
  writeFileSync(join(base, 'scenario-evil', 'x'), 'x');
  symlinkSync(join(base, 'secret'), join(folder, 'link'));

  it('are read, those outside are not, by whatever way', () => {
    const read = folderReader(folder);
    const text = 'apiVersion: simsup.dev/v1\nkind: Workload\nspec: {jobsFile: sub/jobs.csv}\n';
    expect(readScenario(text, { readFile: read }).jobs.count).toBe(2);
    for (const path of ['../secret', 'link', join(base, 'secret'), '../scenario-evil/x', 'sub/../../secret']) {
      expect(() => read(path), path).toThrow(/is outside the scenario's folder; allow it with --allow-read DIR/);
    }
    expect(() => read('nothing')).toThrow('there is no nothing beside the scenario');
    expect(() => read('sub')).toThrow('sub is not a file');
    expect([...folderReader(folder, [base])('../secret')]).toEqual(['x']);
  });
});
