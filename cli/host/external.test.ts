/** Schedulers in other languages, good and bad, as `simsup run` meets them. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { builtCli, PROJECT } from '../testing.ts';

const cli = builtCli('external');
const SCENARIO = `apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: pipe}
spec: {duration: until-done, policy: fifo}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - {name: a, gpuModel: H100-SXM5, nodes: 2, gpusPerNode: 8}
    - {name: b, gpuModel: H100-SXM5, nodes: 1, gpusPerNode: 4}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  teams:
    - {name: wide, pools: [a], sizes: [{gpus: 16, workers: 2}, {gpus: 4}], arrivals: {perDay: 2}, duration: {exponential: {mean: 4h}}}
    - {name: any, sizes: [{gpus: 1}, {gpus: 2}], arrivals: {perDay: 4}, duration: {exponential: {mean: 3h}}}
    - {name: parts, pools: [b], gpuShare: 0.5, arrivals: {perDay: 1}, duration: {exponential: {mean: 3h}}}
`;

function available(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
const python = available('python3', '--version');
const go = available('go', 'version');

/** Processes that have `mark` in their environment: how a program left behind is known. */
function left(mark: string): string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, 'latin1').includes(`SIMSUP_MARK=${mark}`);
    } catch {
      return false;
    }
  });
}

beforeAll(() => writeFileSync(cli.at('pipe.yaml'), SCENARIO));

describe('the examples decide as the built-in fifo does, job for job:', () => {
  async function jobsTable(...policy: string[]): Promise<string> {
    const { code, stderr } = await cli.run('run', 'pipe.yaml', '--jobs-csv', 'jobs.csv', ...policy);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    return readFileSync(cli.at('jobs.csv'), 'utf8');
  }

  it.skipIf(!python)(`in Python${python ? '' : ' (skipped: no python3 here)'}`, async () => {
    const program = `python3 ${join(PROJECT, 'docs/examples/external-scheduler.py')}`;
    const table = await jobsTable('--policy', 'fifo');
    expect(table.split('\n').length).toBeGreaterThan(100);
    expect(await jobsTable('--policy-program', program)).toBe(table);
  });

  it.skipIf(!go)(`in Go${go ? '' : ' (skipped: no go here)'}`, async () => {
    const source = join(PROJECT, 'docs/examples/external-scheduler-go/main.go');
    execFileSync('go', ['build', '-o', cli.at('scheduler'), source], { cwd: cli.folder });
    expect(await jobsTable('--policy-program', './scheduler')).toBe(await jobsTable('--policy', 'fifo'));
  });
});

describe('a program that does not play by the rules is named, with exit code 2 and nothing left behind:', () => {
  /** Answers the greeting, then `then` (shell). */
  const greeted = (then: string) => `read -r hello; echo '{}'; read -r question; ${then}`;
  const cases: [string, string, string][] = [
    ['hangs', greeted('sleep 1000'), 'gave no answer within 0.5 s (--time-limit changes that)'],
    ['hangs in a child of a child', greeted('(trap "" TERM HUP; sleep 1000 & wait)'), 'gave no answer within 0.5 s'],
    [
      'crashes',
      greeted('echo "out of luck" >&2; exit 3'),
      'ended with exit code 3 before it answered; it said: out of luck',
    ],
    ['is not there', 'exec /no/such/scheduler', 'ended with exit code 127 before it answered'],
    ['is killed', greeted('kill -9 $$'), 'before it answered'],
    ['answers what is not JSON', greeted('echo "{actions:"; cat'), 'its answer is not JSON: "{actions:"'],
    ['answers JSON of another kind', greeted('echo "[1]"; cat'), 'its answer: expected an object'],
    [
      'places what is not there',
      greeted(`echo '{"actions":[{"kind":"place","job":77777,"tasks":[]}]}'; cat`),
      'actions[0].job: found 77777',
    ],
    ['answers twice', greeted("printf '{}\\n{}\\n'; cat"), 'answers more than one line for each line it is sent'],
    ['never ends its answer', greeted("yes 0123456789 | tr -d '\\n'"), 'says more than 64 MiB in one answer'],
    ['speaks another protocol', `read -r hello; echo '{"protocol": 2}'; cat`, 'protocol: found 2, expected 1'],
  ];

  it.each(cases)('%s', async (name, script, message) => {
    const mark = name.replaceAll(' ', '-');
    writeFileSync(cli.at(`${mark}.sh`), script);
    const limit = name.startsWith('hangs') ? '500ms' : '20s';
    const running = cli.start(['run', 'pipe.yaml', '--policy-program', `sh ${mark}.sh`, '--time-limit', limit], {
      SIMSUP_MARK: mark,
    });
    const { code, stdout, stderr } = await running.outcome;
    expect(stderr).toContain(message);
    expect(stderr).toContain(`the program 'sh ${mark}.sh'`);
    expect([code, stdout]).toEqual([2, '']);
    // It was told to end before simsup did; the kernel may need a moment to clear up.
    for (let i = 0; i < 50 && left(mark).length > 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(left(mark)).toEqual([]);
  });
});
