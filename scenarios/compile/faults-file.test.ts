/** Faults from a file: what a run has written is what another run is given. */
import { expect, it } from 'vitest';
import { faultsCsv } from '../../reports/faults.ts';
import { simulate } from '../../sim/simulate.ts';
import { builtin, builtins } from '../builtin/index.ts';
import { readScenario } from '../read.ts';

const scenario = (file: string, cluster = 'pools: [{name: h100, gpuModel: H100-SXM5, nodes: 4}]') =>
  readScenario(
    `apiVersion: simsup.dev/v1\nkind: Cluster\nspec: {${cluster}}\n---\napiVersion: simsup.dev/v1\nkind: FaultModel\nspec: {traceFile: faults.csv}\n---\napiVersion: simsup.dev/v1\nkind: Workload\nspec: {jobs: [{id: j, gpus: 1}]}\n`,
    { readFile: () => file },
  );
const problem = (file: string) => {
  try {
    scenario(file);
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

it('takes times in seconds, a node, a GPU and a kind or an XID; comments, CRLF and quotes as in any CSV', () => {
  const { faults } = scenario(
    '\ufeff# ours\r\ntime,node,gpu,kind\r\n10.5,h100-1,7,xid-79\r\n\r\n3,"h100-0",,host-crash\r\n',
  );
  expect(faults?.processes).toEqual([]);
  expect(faults?.listed).toEqual([
    { atUs: 10.5e6, node: 1, gpu: 7, kind: 'xid-79' },
    { atUs: 3e6, node: 0, gpu: 0, kind: 'host-crash' },
  ]);
  expect(scenario('xid,node,time\n94,h100-2,0\n').faults?.listed).toEqual([
    { atUs: 0, node: 2, gpu: 0, kind: 'xid-94' },
  ]);
});

it('says what is wrong, and in which line', () => {
  for (const [file, expected] of [
    ['time,node,gpu,kind\n1,h100-9,0,xid-79', "faults.csv:2:1: found no node 'h100-9'"],
    ['time,node,gpu,kind\n1,h100-9,0,xid-79', "did you mean 'h100-0'?"],
    ['time,node,gpu,kind\n\nsoon,h100-1,0,xid-79', "faults.csv:3:1: found time 'soon', expected seconds"],
    ['time,node,gpu,kind\n-1,h100-1,0,xid-79', "time '-1'"],
    ['time,node,gpu,kind\n99999999999,h100-1,0,xid-79', "time '99999999999'"],
    ['time,node,gpu,kind\n1,h100-1,8,xid-79', "found GPU '8', expected a GPU of that node, 0 to 7"],
    ['time,node,gpu,kind\n1,h100-1,0,xid-97', "found no fault 'xid-97', expected a kind of the catalogue"],
    ['when,node\n', 'found columns when, node, expected columns time (seconds), node, gpu'],
    ['', 'found nothing, expected a line of columns'],
  ]) {
    expect(problem(file), file).toContain(expected);
  }
});

it('strikes again as in the run that wrote it, where faults are of single nodes', () => {
  const storm = (builtins.find(({ name }) => name === 'fault-storm') as (typeof builtins)[number]).text;
  const written = [...faultsCsv(simulate(builtin('fault-storm')))].join('');
  const again = storm.replace(
    / {2}# Rates are assumed[\s\S]*?(?=---\napiVersion: mission)/,
    '  traceFile: faults.csv\n',
  );
  const { faults, scenario: compiled } = simulate(readScenario(again, { readFile: () => written }));
  const struck = written.split('\n').filter((line) => line.includes(',true,'));
  expect(struck.length).toBeGreaterThan(50);
  expect(faults.length).toBe(struck.length);
  const cell = (line: string, i: number) => line.split(',')[i];
  faults.forEach(({ timeUs, kind, node }, i) => {
    expect([timeUs / 1e6, kind, compiled.nodes.names[node]]).toEqual([
      Number(cell(struck[i], 0)),
      cell(struck[i], 4),
      cell(struck[i], 6),
    ]);
  });
});
