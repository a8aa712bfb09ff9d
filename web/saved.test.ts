import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resultFiles } from '../cli/host/result-files.ts';
import { summarise } from '../reports/summary.ts';
import { readScenario } from '../scenarios/read.ts';
import { Lives, POLICIES, Recorder, Simulation } from '../sim/simulate.ts';
import { lookupOf } from './lookup.ts';
import { RunModel } from './model.ts';
import { savedRun } from './saved.ts';

const SCENARIO = `apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: two-days}
spec: {seed: 1, duration: 2d, policy: runai}
---
apiVersion: simsup.dev/v1
kind: Cluster
spec:
  pools:
    - {name: blue, gpuModel: H100-SXM5, nodes: 2, gpusPerNode: 8, price: $3/h}
---
apiVersion: simsup.dev/v1
kind: FaultModel
spec: {rateFactor: 500}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  teams:
    - {name: red, sizes: [{gpus: 4}], arrivals: {perDay: 12}, duration: {quantiles: [1h, 6h]}}
    - {name: green, sizes: [{gpus: 1}], arrivals: {perDay: 40}, duration: {quantiles: [10m, 4h]}}
`;

function written() {
  const scenario = readScenario(SCENARIO, { file: 'two-days.yaml', policies: POLICIES });
  const keep = { lives: new Lives(scenario), recorder: new Recorder() };
  const simulation = new Simulation(scenario, keep);
  simulation.run();
  const run = simulation.result();
  const file = (recorder?: Recorder) =>
    [...(resultFiles(run, summarise(run, 0), keep.lives, recorder)['run.json']() as Iterable<string>)].join('');
  return { run, whole: file(keep.recorder), sums: file() };
}
const { run, whole, sums } = written();
type Json = Record<string, unknown>;
const parsed = (text: string) => JSON.parse(text) as Json;
const columnsOf = (value: Json) => value.columns as Record<string, Json>;

test('a run that the command line wrote is read back whole', () => {
  const columns = savedRun(parsed(whole));
  expect(columns?.summary.digest).toBe(run.digest);
  expect(columns?.jobs.count).toBe(run.scenario.jobs.count);
  expect([...(columns?.jobs.endUs ?? [])]).toEqual([...run.jobs.endUs]);
  expect(columns?.recorded?.holds.count).toBeGreaterThan(20);
  expect(columns?.faults.count).toBe(run.faults.filter(({ effective }) => effective).length);
});

test('of a run with its sums alone, those are read', () => {
  const columns = savedRun(parsed(sums));
  expect(columns?.summary.digest).toBe(run.digest);
  expect(columns?.nodes.count).toBe(0);
  expect(columns?.recorded?.series.count).toBeGreaterThan(100);
});

test('what is no run is none, and half a run is refused with what it lacks', () => {
  expect([null, 1, 'run', [], {}, { digest: 1, ledger: {} }].map(savedRun)).toEqual(Array(6).fill(null));
  expect(() => savedRun({ digest: '1', ledger: {} })).toThrow("found a run without 'jobs'");
  expect(() => savedRun({ ...parsed(sums), queues: [1] })).toThrow("whose 'queues' is no list of rows");
  expect(() => savedRun({ ...parsed(sums), simulatedSeconds: 1e300 })).toThrow("without 'simulatedSeconds'");
});

test('columns that were cut or changed are refused before anything is drawn', () => {
  const changed = (change: (columns: Record<string, Json>) => void) => () => {
    const value = parsed(whole);
    change(columnsOf(value));
    savedRun(value);
  };
  const i32 = (...values: number[]) => ({
    array: 'Int32Array',
    data: Buffer.from(Int32Array.from(values).buffer).toString('base64'),
  });
  expect(changed((columns) => delete columns.nodes.pool)).toThrow('found undefined in columns.nodes.pool');
  expect(changed((columns) => Object.assign(columns.nodes, { pool: 'here' }))).toThrow('found string in columns.nodes');
  expect(changed((columns) => Object.assign(columns.nodes, { pool: i32(0, 7) }))).toThrow('found a pool');
  expect(changed((columns) => Object.assign(columns.nodes, { gpuStart: i32(0, 8, 2 ** 31 - 1) }))).toThrow('a GPU');
  expect(changed((columns) => Object.assign(columns.nodes, { gpuCount: 1e9 }))).toThrow('found a GPU');
  expect(changed((columns) => Object.assign(columns.jobs, { gpus: i32(1) }))).toThrow('found a job');
  expect(changed((columns) => Object.assign(columns.holdsOfNode, { from: i32(0, 0, 0) }))).toThrow('Int32Array');
});

test('whatever is changed in a file, it is refused with a sentence or can be looked at', () => {
  const value = parsed(whole);
  // Every place in it that can be put something else into.
  const places: [Json, string][] = [];
  const visit = (inner: unknown, depth: number) => {
    if (typeof inner !== 'object' || inner === null || depth > 5) return;
    for (const key of Object.keys(inner).slice(0, 30)) {
      places.push([inner as Json, key]);
      visit((inner as Json)[key], depth + 1);
    }
  };
  visit(value, 0);
  const other = fc.oneof(
    fc.constantFrom(null, [], {}, -1, 2 ** 40, 1e308, '', '<img src=x onerror=alert(1)>', true),
    fc.record(
      {
        array: fc.constantFrom('Int32Array', 'Float64Array', 'Uint32Array', 'Object'),
        data: fc.constantFrom('', 'AAAA', 'AAAAAAAAAAA=', '//////////8=', '!'),
      },
      { noNullPrototype: true },
    ),
  );
  fc.assert(
    fc.property(fc.nat(places.length - 1), other, fc.nat(), (at, something, us) => {
      const [owner, key] = places[at];
      const before = owner[key];
      owner[key] = something;
      try {
        const columns = savedRun(value);
        if (columns !== null) {
          const model = new RunModel(1, { columns, lookup: lookupOf(columns) });
          model.heldAt(us * 1e6, (hold) => model.jobName(model.recorded.holds.values[0][hold]));
          model.nextEvent('any', us);
          model.eventCounts();
          model.categorySeries(0);
          for (let n = 0; n < columns.nodes.count; n++) model.nodeStateAt(n, us);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        // Not what the language says of a mistake of ours.
        expect((error as Error).message).toMatch(/^found /);
      } finally {
        owner[key] = before;
      }
    }),
    { numRuns: 400 },
  );
});
