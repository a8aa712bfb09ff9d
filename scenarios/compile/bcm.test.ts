import { describe, expect, it } from 'vitest';
import { HOUR_US } from '../../sim/scenario.ts';
import { POLICIES } from '../../sim/simulate.ts';
import { readScenario } from '../read.ts';
import { shellWords } from './bcm.ts';

const SPLIT = `apiVersion: simsup.dev/v1
kind: Simulation
spec: {policy: {name: split, args: {pools: {old: slurm-typical, new: runai}}}}
---
`;
const CLUSTER = `apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - {name: old, gpuModel: H100-SXM5, nodes: 4}
    - {name: new, gpuModel: H100-SXM5, nodes: 4}
---
apiVersion: mission-control.nvidia.com/v1
kind: MissionControlDepartment
metadata: {name: ai}
spec: {projects: [{name: llm-pretraining, deservedGpus: 64}]}
---
apiVersion: simsup.dev/v1
kind: Storage
spec: {fileSystems: [{name: dsx, path: /mnt/dsx}]}
---
apiVersion: simsup.dev/v1
kind: Workload
`;
/** The line of Mission Control's guide, as it stands there. */
const GUIDE =
  'bcm submit --scheduler runai --wrap "sbatch train.sh" --gpus 8 --project llm-pretraining --checkpoint-path /mnt/dsx/checkpoints/';
const files = (given: Record<string, string>) => (path: string) => {
  if (given[path] === undefined) throw new Error(`there is no ${path} beside the scenario`);
  return given[path];
};
const read = (
  spec: string,
  { beside = {}, simulation = SPLIT }: { beside?: Record<string, string>; simulation?: string } = {},
) => readScenario(`${simulation}${CLUSTER}spec: ${spec}\n`, { readFile: files(beside), policies: POLICIES });
const submitted = (spec: string, given: Parameters<typeof read>[1] = {}) => {
  const { jobs, projects, pools, poolLists, assumptions } = read(spec, given);
  const rows = Array.from({ length: jobs.count }, (_, j) => ({
    id: jobs.ids[j],
    project: projects[jobs.project[j]].name,
    workers: Array.from(jobs.taskGpus.slice(jobs.taskStart[j], jobs.taskStart[j + 1])),
    pools: poolLists[jobs.poolList[j]].map((pool) => pools[pool].name),
    submitUs: jobs.submitUs[j],
    durationUs: jobs.durationUs[j],
  }));
  return { rows, assumptions: assumptions.join(' ') };
};
const problem = (line: string, given: Parameters<typeof read>[1] = {}) => {
  try {
    read(`{jobs: [${JSON.stringify(line)}]}`, given);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe("a line for BCM's Slurm bridge", () => {
  it("is a job: the guide's own, with nothing beside it", () => {
    const { rows, assumptions } = submitted(`{jobs: [${JSON.stringify(GUIDE)}]}`);
    expect(rows).toEqual([
      { id: 'train', project: 'llm-pretraining', workers: [8], pools: ['new'], submitUs: 0, durationUs: HOUR_US },
    ]);
    expect(assumptions).toContain('there is no train.sh beside the scenario');
  });

  it('has what the header of its script says, then the options of its command, then its own', () => {
    const script =
      '#!/bin/bash\n#SBATCH --job-name=big --nodes=2 --gpus-per-node=8 --time=5:00:00\nsrun train\n#SBATCH --time=9:00:00\n';
    const beside = { 'train.sh': script };
    const [plain] = submitted(`{jobs: [${JSON.stringify(GUIDE.replace(' --gpus 8', ''))}]}`, { beside }).rows;
    expect(plain).toMatchObject({ id: 'big', workers: [8, 8], durationUs: 5 * HOUR_US });
    const wrapped = GUIDE.replace('sbatch train.sh', 'sbatch --time=2:00:00 --job-name=tune train.sh').replace(
      '8',
      '16',
    );
    expect(submitted(`{jobs: [${JSON.stringify(wrapped)}]}`, { beside }).rows[0]).toMatchObject({
      id: 'tune',
      workers: [8, 8],
      durationUs: 2 * HOUR_US,
    });
  });

  it('takes from fields beside it what it cannot say', () => {
    const { rows } = submitted(`{jobs: [{bcm: ${JSON.stringify(GUIDE)}, id: mine, submit: 9d, duration: 10h}]}`);
    expect(rows[0]).toMatchObject({ id: 'mine', submitUs: 9 * 24 * HOUR_US, durationUs: 10 * HOUR_US });
  });

  it('goes to the pools of its scheduler, or wherever there is only one', () => {
    const slurm = GUIDE.replace('runai', 'slurm');
    expect(submitted(`{jobs: [${JSON.stringify(slurm)}]}`).rows[0].pools).toEqual(['old']);
    const one = submitted(`{jobs: [${JSON.stringify(slurm)}]}`, { simulation: '' });
    expect(one.rows[0].pools).toEqual(['old', 'new']);
    expect(one.assumptions).toContain('--scheduler of bcm submit makes no difference');
    const kueue = SPLIT.replace('slurm-typical', 'kueue');
    expect(problem(slurm, { simulation: kueue })).toContain(
      "--scheduler: found 'slurm', expected a scheduler that has a node pool here",
    );
  });

  it('may stand in a shell script, over several lines, among other commands', () => {
    const script = `#!/bin/bash
module load slurm
#SIMSUP --duration=3h --submit=30m
bcm submit --scheduler runai \\
  --wrap 'sbatch --job-name=a x.sh' --gpus 4 \\
  --project llm-pretraining   # tonight
echo bcm submit is not run here
bcm submit --gpus=2 --project=llm-pretraining --wrap="sbatch --job-name=a x.sh" > log; bcm submit
`;
    const { rows } = submitted('{manifestFiles: [night.sh]}', { beside: { 'night.sh': script } });
    expect(rows.map(({ id, workers, submitUs, durationUs }) => [id, workers, submitUs, durationUs])).toEqual([
      ['a-2', [2], 0, HOUR_US],
      ['a', [4], HOUR_US / 2, 3 * HOUR_US],
    ]);
  });

  it('says what is wrong in it, at its line', () => {
    for (const [line, expected] of [
      [GUIDE.replace('--gpus 8', '--gpu 8'), 'spec.jobs[0]: --gpu: found an unknown flag'],
      [GUIDE.replace('--gpus 8', '--gpu 8'), "did you mean '--gpus'?"],
      [GUIDE.replace('--gpus 8', '--gpus eight'), '--gpus: found'],
      [GUIDE.replace(' --gpus 8', ''), 'found no --gpus, expected the number of GPUs'],
      [GUIDE.replace('--gpus 8', '--gpus 8 --gpus 9'), '--gpus: found --gpus a second time, expected each flag once'],
      [
        GUIDE.replace('runai', 'runia'),
        "--scheduler: found 'runia', expected one of runai, slurm; did you mean 'runai'?",
      ],
      [GUIDE.replace('--wrap "sbatch train.sh"', ''), 'found no --wrap'],
      [GUIDE.replace('train.sh"', 'train.sh'), 'found a quote without its end, expected quotes in pairs'],
      [GUIDE.replace('llm-pretraining', 'llm-pretrainin'), "--project: found unknown project 'llm-pretrainin'"],
      [GUIDE.replace('llm-pretraining', 'llm-pretrainin'), "did you mean 'llm-pretraining'?"],
      [GUIDE.replace('/mnt/dsx', '/mnt/nfs'), '--checkpoint-path: found'],
    ]) {
      expect(problem(line), line).toContain(expected);
      expect(problem(line), line).toMatch(/^scenario:\d+:\d+: /);
    }
    expect(problem('bcm sbmit x')).toContain('a line such as bcm submit --scheduler runai');
  });
});

describe('the words of a shell command', () => {
  it('are split as a shell splits them, up to the end of the command', () => {
    expect(shellWords(`a "b c" 'd "e"' f\\ g "h \\"i\\"" j''k #comment`)).toEqual([
      'a',
      'b c',
      'd "e"',
      'f g',
      'h "i"',
      'jk',
    ]);
    expect(shellWords('a; b')).toEqual(['a']);
    expect(shellWords('a --x="1|2" | b')).toEqual(['a', '--x=1|2']);
    expect(shellWords('a ""')).toEqual(['a', '']);
    expect(shellWords('a "b')).toBeUndefined();
  });
});
