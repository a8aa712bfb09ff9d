import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha256 } from './anonymise.ts';
import { jobsOf, roundTrip } from './testing.ts';

test('no name is left, the same salt gives the same names, times stay', async () => {
  const text =
    'job_id,user,vc,gpu_num,submit_time,duration\nsecret-job,alice,red,1,5,60\nsecret-two,alice,red,1,6,60\n';
  const options = { anonymiseSalt: 'x', nodes: 'vc,node num\nred,2\nblue,1\n' };
  const { imported: one, scenario } = await roundTrip('helios', text, options);
  const { imported: two } = await roundTrip('helios', text, options);
  expect(one.jobsCsv).toBe(two.jobsCsv);
  expect(one.jobsCsv + one.scenarioYaml).not.toMatch(/secret|alice|\bred\b/);
  expect(new Set(jobsOf(one.jobsCsv).map((j) => j.user)).size).toBe(1);
  expect(jobsOf(one.jobsCsv).map((j) => j.submit)).toEqual(['0', '1']);
  expect(scenario.jobs.count).toBe(2);
});

test('sha256 is SHA-256', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 200 }), (s) => {
      expect(sha256(s)).toBe(createHash('sha256').update(new TextEncoder().encode(s)).digest('hex'));
    }),
  );
});
