import fc from 'fast-check';
import { expect, it } from 'vitest';
import { AFTER_CONDITIONS, JOB_CLASSES } from '../sim/scenario.ts';
import { type JobRow, jobsCsvHeader, jobsCsvLine, readJobsCsv, secondsText } from './jobs-csv.ts';
import { type Problem, problemLine } from './problem.ts';

const word = fc
  .string({ minLength: 1, maxLength: 8 })
  .filter((s) => s.trim() === s && !/[|:\r\n\p{Cc}]/u.test(s) && !s.startsWith('#'));
const us = fc.integer({ min: 0, max: 2 ** 45 });
const row: fc.Arbitrary<JobRow> = fc.record({
  id: word,
  project: fc.oneof(word, fc.constant('')),
  user: fc.oneof(word, fc.constant('')),
  class: fc.constantFrom(undefined, ...JOB_CLASSES),
  submitUs: us,
  durationUs: us,
  gpus: fc.integer({ min: 0, max: 5000 }),
  workers: fc.integer({ min: 0, max: 100 }),
  shareMilli: fc.integer({ min: 1, max: 1000 }),
  gpuMemoryMiB: fc.integer({ min: 0, max: 100_000 }),
  cpuMilli: fc.integer({ min: 0, max: 1e6 }),
  memoryMiB: fc.integer({ min: 0, max: 1e7 }),
  gpuModels: fc.array(
    word.filter((w) => !w.includes(',') && !w.includes('"')),
    { maxLength: 2 },
  ),
  limitUs: us,
  priority: fc.option(fc.integer({ min: -100, max: 1000 }), { nil: undefined }),
  partition: fc.oneof(word, fc.constant('')),
  qos: fc.oneof(word, fc.constant('')),
  after: fc.array(fc.record({ job: word, condition: fc.constantFrom(...AFTER_CONDITIONS) }), { maxLength: 2 }),
});

it('reads what it writes', () => {
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), (rows) => {
      const text = [jobsCsvHeader(), ...rows.map((r) => jobsCsvLine(r))].join('\n');
      const problems: Problem[] = [];
      const read = [...(readJobsCsv(text, 'f', (p) => problems.push(p))?.rows ?? [])].map((r) => r.row);
      expect(problems).toEqual([]);
      expect(read).toEqual(rows);
    }),
  );
});

it('names line and column of what is wrong, and goes on', () => {
  const problems: Problem[] = [];
  const text =
    '# a comment\n\ufeffjob_id,submit,duration,class\r\n'.replace('\ufeff', '') +
    'a,0,1,\r\nb,-1,2,\r\nc,1,NaN,\r\nd,1\r\ne,1,,\r\nf,1,1,trainin\r\ng,1,1e2,batch\r\n';
  const reader = readJobsCsv(text, 'jobs.csv', (p) => problems.push(p));
  expect([...(reader?.rows ?? [])].map((r) => [r.line, r.row.id, r.row.durationUs])).toEqual([
    [3, 'a', 1e6],
    [9, 'g', 100e6],
  ]);
  expect(problems.map(problemLine)).toEqual([
    "jobs.csv:4:2: found submit '-1', expected a number of seconds that is not negative",
    "jobs.csv:5:3: found duration 'NaN', expected a number of seconds that is not negative",
    'jobs.csv:6:1: found 2 cells, expected 4, as in the header',
    'jobs.csv:7:3: found no duration, expected a number of seconds that is not negative',
    "jobs.csv:8:4: found class 'trainin', expected one of training, interactive, inference, batch; did you mean 'training'?",
  ]);
});

it('writes seconds exactly', () => {
  expect([0, 1, 1_500_000, 10_000_010].map(secondsText)).toEqual(['0', '0.000001', '1.5', '10.00001']);
});

it("puts a ' before what a spreadsheet would run, and takes it off again", () => {
  const line = jobsCsvLine({ id: '=1+1', project: '-x', user: "'=a", submitUs: 0, durationUs: 1e6, priority: -5 }, [
    'job_id',
    'project',
    'user',
    'submit',
    'duration',
    'priority',
  ]);
  expect(line).toBe("'=1+1,'-x,''=a,0,1,-5");
  const rows = [...(readJobsCsv(`job_id,project,user,submit,duration,priority\n${line}\n`, 'f', () => {})?.rows ?? [])];
  expect(rows.map(({ row }) => [row.id, row.project, row.user, row.priority])).toEqual([['=1+1', '-x', "'=a", -5]]);
});
