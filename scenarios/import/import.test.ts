import { existsSync, readFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { readJobsCsv } from '../jobs-csv.ts';
import { sha256 } from './anonymise.ts';
import { IMPORTERS, type ImportOptions, importText, UserError } from './import.ts';

/** Rows of the jobs file as objects, only the columns that are not blank. */
function jobsOf(csv: string): Record<string, string>[] {
  const [header, ...lines] = csv.trimEnd().split('\n').map((l) => l.split(','));
  return lines.map((cells) => Object.fromEntries(cells.map((c, i) => [header[i], c]).filter(([, c]) => c !== '')));
}
const PHILLY = 'timestamp,duration,num_gpus,gpu_time,cluster';
const philly = (...rows: string[]) => importText('philly', [PHILLY, ...rows].join('\n'));

describe('formats', () => {
  test('philly: time 0 is the first submission, virtual clusters are text and have pools of their own', async () => {
    const text = `${PHILLY}\n2017-10-09 07:01:55,66.0,1,66.0,103959\n2017-10-09 07:01:54,10.5,16,168,6214e9\n`;
    const got = await importText('philly', text, { nodes: 'vc,node num\n6214e9,64\n103959,8\n' });
    expect(jobsOf(got.jobsCsv)).toEqual([
      { job_id: 'philly-2', project: '103959', submit: '1', duration: '66', num_gpu: '1' },
      { job_id: 'philly-3', project: '6214e9', submit: '0', duration: '10.5', num_gpu: '16' },
    ]);
    expect(got.scenarioYaml).toContain('{name: "6214e9", gpuModel: "unknown", nodes: 64, gpusPerNode: 8}');
    expect(got.scenarioYaml).toContain('"103959": ["103959"]');
    expect(got.scenarioYaml).toContain('start: "2017-10-09T07:01:54Z"');
    // Out of order is told once, and mends nothing.
    expect(got.report).toMatchObject({ rows: 2, taken: 2, mended: 0, refused: 0, problemCount: 1 });
  });

  test('itp: columns in any order', async () => {
    const got = await importText('itp', 'num_gpu,deadline,duration,submission_time,job_id\n4,99,30,1000,a\n1,,5.25,1007,b\n');
    expect(jobsOf(got.jobsCsv)).toEqual([
      { job_id: 'a', project: 'itp', submit: '0', duration: '30', num_gpu: '4' },
      { job_id: 'b', project: 'itp', submit: '7', duration: '5.25', num_gpu: '1' },
    ]);
  });

  test('helios: the cluster log and the short list', async () => {
    const log = await importText('helios', 'job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue\nj1,u1,vcA,16,64,2,COMPLETED,2020-04-01 00:00:05,2020-04-01 00:00:06,2020-04-01 00:01:06,60,1\n');
    expect(jobsOf(log.jobsCsv)).toEqual([{ job_id: 'j1', project: 'vcA', user: 'u1', submit: '0', duration: '60', num_gpu: '16', workers: '2' }]);
    const list = await importText('helios', 'job_id,submit_time,duration,num_gpu\n0,691271,66,1\n');
    expect(list.report).toMatchObject({ rows: 1, taken: 1, problemCount: 0 });
  });

  test('openb: shares, allowed models, pods that were never scheduled', async () => {
    const got = await importText(
      'openb',
      'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n' +
        'p0,6000,12288,1,460,V100M16|V100M32,LS,Running,0,100,10\np1,8000,1024,0,0,,BE,Pending,5,50,\np2,1,1,8,1000,,LS,Failed,6,10,20\n',
      { nodes: 'sn,cpu_milli,memory_mib,gpu,model\nn0,64000,262144,8,V100M16\n' },
    );
    expect(jobsOf(got.jobsCsv)).toEqual([
      { job_id: 'p0', project: 'openb', submit: '0', duration: '90', num_gpu: '1', gpu_share: '460', cpu_milli: '6000', memory_mib: '12288', gpu_model: 'V100M16|V100M32', qos: 'LS' },
      { job_id: 'p1', project: 'openb', submit: '5', duration: '1', num_gpu: '0', cpu_milli: '8000', memory_mib: '1024', qos: 'BE' },
      { job_id: 'p2', project: 'openb', submit: '6', duration: '1', num_gpu: '8', cpu_milli: '1', memory_mib: '1', qos: 'LS' },
    ]);
    expect(got.report).toMatchObject({ rows: 3, taken: 3, mended: 2, problemCount: 2 });
    expect(got.nodesCsv).toContain('n0,64000,262144,8,V100M16');
    expect(got.scenarioYaml).toContain('nodesFile: "nodes.csv"');
  });

  test('openb without times is an arrival list: one problem for the same mend on every row', async () => {
    const got = await importText('openb', 'name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,1,1,1,1000\nb,1,1,2,1000\nc,1,1,1,500\n');
    expect(jobsOf(got.jobsCsv).map((j) => j.submit)).toEqual(['0', '1', '2']);
    expect(got.report).toMatchObject({ rows: 3, taken: 3, mended: 3, refused: 0, problemCount: 1 });
  });

  test('swf: processors, limits, unknown run times, the header', async () => {
    const head = '; UnixStartTime: 1027839845\n; MaxNodes: 4\n; MaxProcs: 8\n';
    const line = (id: number, run: number, cpu: number, status: number) => `${id} ${id * 10} 5 ${run} 4 ${cpu} -1 -1 3600 -1 ${status} 7 1 -1 2 1 -1 -1`;
    const got = await importText('swf', `${head}${line(1, 60, 59, 1)}\n${line(2, -1, 40, -1)}\n${line(3, 0, 0, 5)}\n1 2 3\n`);
    expect(jobsOf(got.jobsCsv).map((j) => [j.job_id, j.submit, j.duration, j.num_gpu, j.time_limit, j.user])).toEqual([
      ['1', '0', '60', '4', '3600', 'user-7'],
      ['2', '10', '40', '4', '3600', 'user-7'],
      ['3', '20', '1', '4', '3600', 'user-7'],
    ]);
    expect(got.report).toMatchObject({ rows: 4, taken: 3, refused: 1, mended: 3 });
    expect(got.report.problems.at(-1)).toEqual({ line: 7, what: 'refused: has 3 fields, a line of this format has 18' });
    expect(got.scenarioYaml).toContain('nodes: 4, gpusPerNode: 2');
    expect(got.scenarioYaml).toContain('start: "2002-07-28T07:04:15Z"');
  });

  test('sacct: TRES, elapsed, limits; job steps are refused, told once', async () => {
    const got = await importText(
      'sacct',
      'JobID|User|Account|Partition|QOS|Submit|Start|End|Elapsed|Timelimit|State|NNodes|AllocTRES|ReqTRES\n' +
        '7|ann|ml|gpu|normal|2026-01-01T00:00:00|2026-01-01T00:01:00|2026-01-02T00:01:00|1-00:00:00|2-00:00:00|COMPLETED|2|billing=16,cpu=32,gres/gpu:a100=16,gres/gpu=16,node=2|\n' +
        '7.batch||ml||||||1-00:00:00||COMPLETED|1|cpu=16|\n7.extern||ml||||||1-00:00:00||COMPLETED|1|cpu=16|\n' +
        '8|bob|ml|gpu|normal|2026-01-01T00:00:30|Unknown|Unknown|00:00:00|UNLIMITED|CANCELLED by 100|1||cpu=1,gres/gpu:h100=2\n',
    );
    expect(jobsOf(got.jobsCsv)).toEqual([
      { job_id: '7', project: 'ml', user: 'ann', submit: '0', duration: '86400', num_gpu: '16', workers: '2', time_limit: '172800', partition: 'gpu', qos: 'normal' },
      { job_id: '8', project: 'ml', user: 'bob', submit: '30', duration: '1', num_gpu: '2', workers: '1', partition: 'gpu', qos: 'normal' },
    ]);
    expect(got.report).toMatchObject({ rows: 4, taken: 2, refused: 2, mended: 1, problemCount: 2 });
  });

  test('csv: a column map, units, quoting', async () => {
    const got = await importText('csv', 'id,created,mins,gpus,team\n"a, ""x""",1700000000000,2,0.5,"nlp\nred"\n', {
      map: { job_id: 'id', submit: 'created', duration: 'mins', num_gpu: 'gpus', project: 'team' },
      units: { submit: 'ms', duration: 'min' },
    });
    expect(got.jobsCsv.split('\n')[1]).toBe('"a, ""x""",nlp-red,,0,120,1,,500,,,,,,,,');
  });

  test('a jobs file that import wrote imports again to the same', async () => {
    const first = await philly('2017-10-09 07:01:55,66.5,1,66.0,vc', '2017-10-09 07:01:56,1,2,2,vc');
    const again = await importText('csv', first.jobsCsv);
    expect(again.jobsCsv).toBe(first.jobsCsv);
  });
});

describe('dirt', () => {
  const good = '2017-10-09 07:01:55,66,1,66,a';
  test.each([
    ['zero duration', '2017-10-09 07:01:55,0,1,66,a', 'mended', /zero: taken as 1 s/],
    ['negative duration', '2017-10-09 07:01:55,-3,1,66,a', 'mended', /negative: taken as 1 s/],
    ['missing duration', '2017-10-09 07:01:55,,1,66,a', 'mended', /gpu_time ÷ num_gpus/],
    ['NaN duration', '2017-10-09 07:01:55,NaN,1,,a', 'mended', /missing: taken as 1 s/],
    ['endless duration', '2017-10-09 07:01:55,1e999,1,66,a', 'refused', /not a number/],
    ['no GPUs', '2017-10-09 07:01:55,5,0,66,a', 'taken', /0 GPUs/],
    ['negative GPUs', '2017-10-09 07:01:55,5,-1,66,a', 'refused', /not a number of GPUs/],
    ['too few fields', '2017-10-09 07:01:55,5', 'refused', /has 2 fields, the header has 5/],
    ['no such date', '2017-13-09 07:01:55,5,1,66,a', 'refused', /neither a number nor a date/],
    ['NUL bytes', '2017-10-09 07:01:55,5,1,66,a\0\0', 'mended', /NUL bytes: removed/],
    ['only NUL bytes', '\0\0\0', 'refused', /nothing but NUL/],
    ['an open quote', '2017-10-09 07:01:55,5,1,66,"a', 'refused', /quote is opened and not closed/],
    ['a long line', 'x'.repeat(3_000_000), 'refused', /longer than 1048576/],
    ['a formula', '2017-10-09 07:01:55,5,1,66,=1+1', 'mended', /no spreadsheet runs it/],
  ])('%s', async (_name, row, fate, what) => {
    const { report, jobsCsv } = await philly(good, row, good);
    expect(report).toMatchObject({ rows: 3, taken: fate === 'refused' ? 2 : 3, mended: fate === 'mended' ? 1 : 0, refused: fate === 'refused' ? 1 : 0, problemCount: 1 });
    expect(report.problems[0].line).toBe(3);
    expect(report.problems[0].what).toMatch(what);
    expect(jobsCsv.trimEnd().split('\n').length).toBe(1 + report.taken);
  });

  test('CRLF, a byte-order mark, blank lines and UTF-16 change nothing', async () => {
    const plain = await philly(good, good);
    const lines = `\ufeff${PHILLY}\r\n${good}\r\n\r\n${good}\r\n`;
    for (const input of [lines, new TextEncoder().encode(lines), new Uint8Array(Buffer.from(lines, 'utf16le'))]) {
      const { report } = await importText('philly', input);
      expect(report).toEqual(plain.report);
    }
  });

  test('an id that occurs again gets its line number', async () => {
    const { jobsCsv, report } = await importText('itp', 'job_id,submission_time,duration,num_gpu\na,0,1,1\na#3,0,1,1\na,0,1,1\nb,0,1,1\n');
    expect(jobsOf(jobsCsv).map((j) => j.job_id)).toEqual(['a', 'a#3', 'a#4', 'b']);
    expect(report).toMatchObject({ mended: 1, problemCount: 1 });
  });

  test('a job larger than the cluster is refused where the nodes are known', async () => {
    const { report } = await importText('itp', 'job_id,submission_time,duration,num_gpu\na,0,1,1\nb,0,1,99\n', { nodeCount: 2 });
    expect(report.problems).toEqual([{ line: 3, what: 'refused: asks for 99 GPUs, the cluster has 16' }]);
  });

  test('the wrong file: expected, found and nearest format', async () => {
    await expect(importText('itp', `${PHILLY}\n${good}\n`)).rejects.toThrow(/expected job_id,submission_time.*found.*timestamp.*looks like the format philly/s);
    await expect(importText('philly', '')).rejects.toThrow(/empty/);
    await expect(importText('phily', '')).rejects.toThrow(/did you mean 'philly'/);
    await expect(importText('philly', 'x'.repeat(10_000_000))).rejects.toThrow(/longer than/);
    expect((await philly()).report).toMatchObject({ rows: 0, taken: 0 });
  });
});

test('anonymise: no name is left, the same salt gives the same names, times stay', async () => {
  const text = 'job_id,user,vc,gpu_num,submit_time,duration\nsecret-job,alice,red,1,5,60\nsecret-two,alice,red,1,6,60\n';
  const one = await importText('helios', text, { anonymiseSalt: 'x' });
  const two = await importText('helios', text, { anonymiseSalt: 'x' });
  expect(one.jobsCsv).toBe(two.jobsCsv);
  expect(one.jobsCsv + one.scenarioYaml).not.toMatch(/secret|alice|"red"/);
  expect(new Set(jobsOf(one.jobsCsv).map((j) => j.user)).size).toBe(1);
  expect(jobsOf(one.jobsCsv).map((j) => j.submit)).toEqual(['0', '1']);
});

test('sha256 is SHA-256', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (s) => {
      expect(sha256(s)).toBe(createHash('sha256').update(new TextEncoder().encode(s)).digest('hex'));
    }),
  );
});

describe('any input gives a report that adds up, or a UserError', () => {
  const cell = fc.oneof(fc.constantFrom('', '1', '-1', '0', 'NaN', '1e999', '"', '"a"', 'a,b', '2017-10-09 07:01:55', '\0', '=1', '7.batch', '1-00:00:00', 'gres/gpu=2'), fc.string({ maxLength: 8 }));
  for (const importer of IMPORTERS) {
    it(importer.name, async () => {
      const header = importer.name === 'csv' ? 'job_id,submit,duration,num_gpu,project' : importer.name === 'swf' ? '; x' : importer.expects;
      const row = fc.array(cell, { maxLength: 18 }).map((cells) => cells.join(importer.delimiter));
      const lines = fc.array(row, { maxLength: 12 }).map((rows) => [header, ...rows].join('\n'));
      await fc.assert(
        fc.asyncProperty(fc.oneof(lines, fc.uint8Array({ maxLength: 200 })), async (input) => {
          try {
            const { report, jobsCsv } = await importText(importer.name, input);
            expect(report.rows).toBe(report.taken + report.refused);
            expect(report.mended).toBeLessThanOrEqual(report.taken);
            expect(report.problems.length).toBe(Math.min(100, report.problemCount));
            // Each job taken is one that the reader of the jobs file takes too.
            const wrong: unknown[] = [];
            expect([...(readJobsCsv(jobsCsv, 'jobs.csv', (p) => wrong.push(p))?.rows ?? [])].length).toBe(report.taken);
            expect(wrong).toEqual([]);
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
          }
        }),
        { numRuns: 150 },
      );
    });
  }
});

const TRACES = new URL('../../../shared/traces/', import.meta.url);
describe.skipIf(!existsSync(TRACES))('published traces', () => {
  const read = (name: string) => readFileSync(new URL(name, TRACES));
  const fate = async (format: string, file: string, options: ImportOptions = {}) => (await importText(format, read(file), options)).report;
  test('philly: all jobs of the eleven listed virtual clusters', async () => {
    const report = await fate('philly', 'philly-2017/philly.csv', { nodes: read('philly-2017/philly_vc_gpus.csv').toString() });
    expect(report).toMatchObject({ rows: 82_247, taken: 82_229, mended: 0, refused: 18, problemCount: 19 });
  });
  test('openb: every pod', async () => {
    const nodes = read('openb-2023/openb_node_list_gpu_node.csv').toString();
    expect(await fate('openb', 'openb-2023/openb_pod_list_default.csv', { nodes })).toMatchObject({ rows: 8152, taken: 8152, mended: 897 });
    expect(await fate('openb', 'openb-2023/openb_pod_list_multigpu20.csv', { nodes })).toMatchObject({ refused: 0, problemCount: 1 });
  });
  test('itp: every job', async () => {
    for (const [file, rows] of [['cluster01', 1595], ['cluster02', 5778], ['cluster05', 3629], ['195job', 195]] as const) {
      expect(await fate('itp', `itp-2021/${file}.csv`)).toMatchObject({ rows, taken: rows, refused: 0, problemCount: 0 });
    }
  });
  test('hpc2n: every job', async () => {
    expect(await fate('swf', 'hpc2n-2002/hpc2n.swf')).toMatchObject({ rows: 3170, taken: 3170, refused: 0 });
  });
});
