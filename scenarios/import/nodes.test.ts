import { expect, test } from 'vitest';
import { readNodes, renamePools } from './nodes.ts';

test.each([
  ['', /empty/],
  ['a,b\n1,2\n', /expected 'vc,node num' or 'sn,cpu_milli,memory_mib,gpu,model'/],
  ['vc,node num\na,1\na,2\n', /line 3: 'a' a second time/],
  ['vc,node num\n,1\n', /line 2: a virtual cluster has a name/],
  ['vc,node num\na,x\n', /line 2: 'x' is not a whole number/],
  ['vc,node num\na,1000000\n', /8000000 GPUs, a scenario at most 2000000/],
  ['vc,node num\na,1,2\n', /line 2: 3 fields, the header has 2/],
  ['sn,gpu,model\nn,8,T5\n', /line 2: unknown GPU model 'T5'.*did you mean 'T4'/],
  ['sn,gpu,model\nn,8,T4\nn,8,T4\n', /line 3: node 'n' a second time/],
  [`vc,node num\n${'x'.repeat(20_000)},1\n`, /line 2 is longer than 10,000/],
])('a list of nodes with a mistake: %#', (text, message) => {
  expect(() => readNodes(text, {})).toThrow(message);
});

test('CRLF, a byte-order mark, quotes, other names of columns', () => {
  const list = readNodes('\ufeffgpu_model,gpu_capacity_num,cpu_num,node_name\r\nT4,2,96,"n 1, #2"\r\n', {});
  expect(list).toMatchObject({ gpus: 2, csv: 'sn,cpu_milli,memory_mib,gpu,model\nn-1-2,96000,,2,T4\n' });
});

test('virtual clusters whose names would become the same are a mistake', () => {
  const list = readNodes('vc,node num\na b,1\na-b,1\n', {});
  expect(() => renamePools(list, (key) => key.replace(' ', '-'))).toThrow(/both be named 'a-b'/);
});
