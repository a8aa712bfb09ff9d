/** What all formats share: dirt, the report that adds up, and a scenario that reads back with every job taken. */

import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { IMPORTERS, type ImportOptions, importText, UserError } from './import.ts';
import { jobsOf, readBack } from './testing.ts';

const PHILLY = 'timestamp,duration,num_gpus,gpu_time,cluster';
const philly = (...rows: string[]) => importText('philly', [PHILLY, ...rows].join('\n') + '\n');
const good = '2017-10-09 07:01:55,66,1,66,a';

describe('dirt', () => {
  test.each([
    ['zero duration', '2017-10-09 07:01:55,0,1,66,a', 'mended', /zero: taken as 1 s/],
    ['negative duration', '2017-10-09 07:01:55,-3,1,66,a', 'mended', /negative: taken as 1 s/],
    ['missing duration', '2017-10-09 07:01:55,,1,66,a', 'mended', /gpu_time ÷ num_gpus/],
    ['NaN duration', '2017-10-09 07:01:55,NaN,1,,a', 'mended', /missing: taken as 1 s/],
    ['endless duration', '2017-10-09 07:01:55,1e999,1,66,a', 'refused', /not a number/],
    ['no GPUs', '2017-10-09 07:01:55,5,0,66,a', 'taken', /0 GPUs/],
    ['negative GPUs', '2017-10-09 07:01:55,5,-1,66,a', 'refused', /not a number of GPUs/],
    ['too few fields', '2017-10-09 07:01:55,5', 'refused', /has 2 fields, the header has 5$/],
    ['no such date', '2017-13-09 07:01:55,5,1,66,a', 'refused', /neither a number nor a date/],
    ['a date far away', '9999-01-01 00:00:00,5,1,66,a', 'refused', /after the year 2255/],
    ['NUL bytes', '2017-10-09 07:01:55,5,1,66,a\0\0', 'mended', /NUL bytes: removed/],
    ['only NUL bytes', '\0\0\0', 'refused', /nothing but NUL/],
    ['U+FFFD', '2017-10-09 07:01:55,5,1,66,a\ufffd', 'mended', /no UTF-8 text: replaced/],
    ['an open quote', '2017-10-09 07:01:55,5,1,66,"a', 'refused', /quote is opened and not closed/],
    ['a long line', 'x'.repeat(3_000_000), 'refused', /longer than 1048576/],
    ['control characters', '2017-10-09 07:01:55,5,1,66,\x01a\x02b', 'mended', /control characters/],
    ['a long name', `2017-10-09 07:01:55,5,1,66,${'v'.repeat(300)}`, 'refused', /300 characters long/],
  ])('%s', async (_name, row, fate, what) => {
    const got = await philly(good, row, good);
    const { report } = got;
    expect(report).toMatchObject({
      rows: 3,
      taken: fate === 'refused' ? 2 : 3,
      mended: fate === 'mended' ? 1 : 0,
      refused: fate === 'refused' ? 1 : 0,
    });
    expect(report.problems[0].line).toBe(3);
    expect(report.problems[0].what).toMatch(what);
    expect(readBack(got).jobs.count).toBe(report.taken);
  });

  test('a name that a spreadsheet would run is no problem: it is written behind a quote and read without', async () => {
    const got = await importText('itp', 'job_id,submission_time,duration,num_gpu\n=1+1,0,1,1\n');
    expect(got.report.problemCount).toBe(0);
    expect(got.jobsCsv).toContain("'=1+1");
    expect(readBack(got).jobs.ids).toEqual(['=1+1']);
  });

  test('bytes that are not UTF-8 are told by line, also within a quoted record of several lines', async () => {
    const bytes = Uint8Array.from(
      Buffer.from(`${PHILLY}\n${good}\n2017-10-09 07:01:55,5,1,66,"a\nb\xff"\n${good}\n`, 'latin1'),
    );
    const { report } = await importText('philly', bytes);
    expect(report).toMatchObject({ rows: 3, taken: 3, mended: 1, refused: 0 });
    expect(report.problems[0]).toEqual({ line: 3, what: 'holds bytes that are no UTF-8 text: replaced by U+FFFD' });
  });

  test('a last line cut short says so; one that lacks only its end is fine', async () => {
    const cut = await importText('philly', `${PHILLY}\n${good}\n2017-10-09 07:0`);
    expect(cut.report.problems).toEqual([
      { line: 3, what: 'refused: has 1 fields, the header has 5 (the file ends inside this line)' },
    ]);
    const quote = await importText('philly', `${PHILLY}\n${good}\n2017-10-09 07:00:00,1,1,1,"a`);
    expect(quote.report.problems).toEqual([
      { line: 3, what: 'refused: a quote is opened and not closed (the file ends inside this line)' },
    ]);
    const whole = await importText('philly', `${PHILLY}\n${good}\n${good}`);
    expect(whole.report).toMatchObject({ rows: 2, taken: 2, problemCount: 0 });
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
    const { jobsCsv, report } = await importText(
      'itp',
      'job_id,submission_time,duration,num_gpu\na,0,1,1\na#3,0,1,1\na,0,1,1\nb,0,1,1\n',
    );
    expect(jobsOf(jobsCsv).map((j) => j.job_id)).toEqual(['a', 'a#3', 'a#4', 'b']);
    expect(report).toMatchObject({ mended: 1, problemCount: 1 });
  });

  test('the wrong file: expected, found and nearest format', async () => {
    await expect(importText('itp', `${PHILLY}\n${good}\n`)).rejects.toThrow(
      /expected job_id,submission_time.*found.*timestamp.*looks like the format philly/s,
    );
    await expect(importText('philly', '')).rejects.toThrow(/empty/);
    await expect(importText('phily', '')).rejects.toThrow(/did you mean 'philly'/);
    await expect(importText('philly', 'x'.repeat(10_000_000))).rejects.toThrow(/longer than/);
    await expect(
      importText('itp', 'job_id,submission_time,duration,num_gpu\na,0,1e9,2000000\nb,0,1e9,2000000\n'),
    ).rejects.toThrow(/a scenario has at most 2000000/);
    expect((await philly()).report).toMatchObject({ rows: 0, taken: 0 });
  });
});

describe('any input gives a report that adds up and a scenario with every job taken, or a UserError', () => {
  const cell = fc.oneof(
    fc.constantFrom(
      '',
      '1',
      '-1',
      '0',
      '8',
      '12',
      '500',
      'NaN',
      '1e999',
      '"',
      '"a"',
      'a,b',
      '2017-10-09 07:01:55',
      '\0',
      '=1',
      "'=1",
      '7.batch',
      '1-00:00:00',
      'gres/gpu=2',
      'T4',
      'T4|A10',
      '40000',
    ),
    fc.string({ maxLength: 8 }),
  );
  const options: fc.Arbitrary<ImportOptions> = fc.constantFrom<ImportOptions>(
    {},
    { nodeCount: 2 },
    { gpusPerNode: 4, gpuModel: 'H100-SXM5' },
    { nodes: 'vc,node num\n1,2\na,1\n8,3\n' },
    { nodes: 'sn,cpu_milli,memory_mib,gpu,model\nn0,64000,262144,8,T4\nn1,600,300,2,A10\nn2,64000,,0,\n' },
    { anonymiseSalt: 'x' },
  );
  for (const importer of IMPORTERS) {
    it(importer.name, async () => {
      const all =
        'job_id,submit,duration,num_gpu,project,pool,user,gpu_share,gpu_memory_mib,cpu_milli,memory_mib,gpu_model,time_limit,priority';
      const header = importer.name === 'csv' ? all : importer.name === 'swf' ? '; x' : importer.expects;
      const width = importer.fields ?? header.split(importer.delimiter).length;
      const wild = fc.array(cell, { maxLength: 18 });
      const right = fc.array(cell, { minLength: width, maxLength: width });
      const row = fc.oneof(wild, right, right).map((cells) => cells.join(importer.delimiter));
      const lines = fc.array(row, { maxLength: 12 }).map((rows) => [header, ...rows].join('\n'));
      const input = fc.oneof(
        { weight: 5, arbitrary: lines },
        { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }) },
      );
      await fc.assert(
        fc.asyncProperty(input, options, async (text, how) => {
          try {
            const got = await importText(importer.name, text, how);
            const { report } = got;
            expect(report.rows).toBe(report.taken + report.refused);
            expect(report.mended).toBeLessThanOrEqual(report.taken);
            expect(report.problems.length).toBe(Math.min(100, report.problemCount));
            if (report.taken > 0) expect(readBack(got).jobs.count).toBe(report.taken);
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
          }
        }),
        { numRuns: 200 },
      );
    });
  }
});
