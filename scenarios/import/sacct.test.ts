import { expect, test } from 'vitest';
import { importText } from './import.ts';
import { jobsOf, roundTrip } from './testing.ts';

const HEADER = 'JobID|User|Account|Partition|QOS|Submit|Start|End|Elapsed|Timelimit|State|NNodes|AllocTRES|ReqTRES';

test('TRES, elapsed, limits; job steps are refused, told once', async () => {
  const { imported, scenario, run } = await roundTrip(
    'sacct',
    `${HEADER}\n7|ann|ml|gpu|normal|2026-01-01T00:00:00|2026-01-01T00:01:00|2026-01-02T00:01:00|1-00:00:00|2-00:00:00|COMPLETED|2|billing=16,cpu=32,gres/gpu:a100=16,gres/gpu=16,node=2|\n` +
      '7.batch||ml||||||1-00:00:00||COMPLETED|1|cpu=16|\n7.extern||ml||||||1-00:00:00||COMPLETED|1|cpu=16|\n' +
      '8|bob|ml|gpu|normal|2026-01-01T00:00:30|Unknown|Unknown|00:00:00|UNLIMITED|CANCELLED by 100|1||cpu=1,gres/gpu:h100=2\n',
  );
  expect(jobsOf(imported.jobsCsv)).toEqual([
    {
      job_id: '7',
      project: 'ml',
      user: 'ann',
      submit: '0',
      duration: '86400',
      num_gpu: '16',
      workers: '2',
      time_limit: '172800',
      partition: 'gpu',
      qos: 'normal',
    },
    {
      job_id: '8',
      project: 'ml',
      user: 'bob',
      submit: '30',
      duration: '1',
      num_gpu: '2',
      workers: '1',
      partition: 'gpu',
      qos: 'normal',
    },
  ]);
  expect(imported.report).toMatchObject({ rows: 4, taken: 2, refused: 2, mended: 1, problemCount: 2 });
  expect(scenario.users).toEqual(['ann', 'bob']);
  expect(scenario.jobs.qos.get(1)).toBe('normal');
  expect(run.jobs.endUs.every((t) => t > 0)).toBe(true);
});

test.each([
  ['2-00:00:00', 0, 172_800],
  ['UNLIMITED', 0, undefined],
  ['Partition_Limit', 0, undefined],
  ['', 0, undefined],
  ['soon', 1, undefined],
  ['999999-00:00:00', 1, undefined],
])('Timelimit %j: %i mended', async (limit, mended, seconds) => {
  const row = `7|ann|ml|gpu|normal|2026-01-01T00:00:00|||00:01:00|${limit}|COMPLETED|1|gres/gpu=1|`;
  const { report, jobsCsv } = await importText('sacct', `${HEADER}\n${row}\n`);
  expect(report).toMatchObject({ taken: 1, mended });
  expect(jobsOf(jobsCsv)[0].time_limit).toBe(seconds === undefined ? undefined : String(seconds));
  if (mended > 0)
    expect(report.problems[0].what).toMatch(/^Timelimit '.*' is not D-HH:MM:SS of at most 100 years: left out/);
});
