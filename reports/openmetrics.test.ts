import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtin } from '../scenarios/builtin/index.ts';
import { ALLOCATED, HOUR_US, Simulation } from '../sim/simulate.ts';
import { labelText, METRIC_FAMILIES, MetricStore, meter, type Reading, scrapeText, stepFor } from './openmetrics.ts';
import { playback } from './openmetrics-playback.ts';

const STEP_US = 600e6;

/** A day of a built-in scenario as `run --metrics` writes it, and what was read at each step. */
function recorded(name: string, us = 24 * HOUR_US) {
  const simulation = new Simulation(builtin(name, { overrides: { durationUs: us } }));
  const read = meter(simulation);
  const store = new MetricStore();
  const steps: Reading[][] = [];
  for (let at = 0; at <= us; at += STEP_US) {
    simulation.run(at);
    steps.push(read());
    store.add(steps[steps.length - 1]);
  }
  const text = [...store.write(simulation.scenario.startEpochSeconds, STEP_US)].join('');
  return { simulation, steps, text };
}

/** As the specification has it: name and labels with escaped values, a number, perhaps a timestamp. */
const LINE =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*(?:\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\})?) (-?\d+(?:\.\d+)?)(?: (\d+(?:\.\d+)?))?$/;

/** The rules of OpenMetrics that a text file can break. */
function problemsOf(text: string, timestamps: boolean): string[] {
  const problems: string[] = [];
  const lines = text.split('\n');
  if (lines.pop() !== '' || lines.pop() !== '# EOF') problems.push('does not end in # EOF and a line feed');
  const closed = new Set<string>();
  let family = '';
  const last = new Map<string, number>();
  let series = '';
  const left = new Set<string>();
  for (const line of lines) {
    const type = /^# TYPE (\S+) gauge$/.exec(line)?.[1];
    if (type !== undefined) {
      if (closed.has(type)) problems.push(`family ${type} twice`);
      closed.add(type);
      family = type;
    } else if (line.startsWith('#')) {
      if (!line.startsWith(`# HELP ${family} `)) problems.push(`stray ${line}`);
    } else {
      const [, name, , at] = LINE.exec(line) ?? ['', line];
      if (name === line) problems.push(`bad ${line}`);
      if (!line.startsWith(`${family}{`) && !line.startsWith(`${family} `))
        problems.push(`outside its family: ${line}`);
      if (name !== series && left.has(name)) problems.push(`series in pieces: ${name}`);
      series = name;
      left.add(name);
      if (timestamps !== (at !== undefined)) problems.push(`timestamp: ${line}`);
      if (timestamps && !(Number(at) > (last.get(name) ?? -1))) problems.push(`time goes back: ${line}`);
      last.set(name, Number(at));
    }
  }
  return problems;
}

describe('a day as OpenMetrics', () => {
  const { simulation, steps, text } = recorded('mission-control');
  const { scenario } = simulation;

  it('keeps the rules of the format, in the file and in a scrape', () => {
    expect(problemsOf(text, true)).toEqual([]);
    expect(problemsOf(scrapeText(steps[10]), false)).toEqual([]);
    expect(text).toContain(` ${scenario.startEpochSeconds}\n`);
    expect(text).toContain(` ${scenario.startEpochSeconds + 24 * 3600}\n`);
  });

  it("answers the dashboard panel's queries", () => {
    const at = (name: string, has: string) =>
      steps[steps.length - 1].filter((r) => r.name === name && r.labels.includes(has));
    // avg by (project_name) (runai_project_gpu_utilization{cluster='…'})
    const projects = at('runai_project_gpu_utilization', 'cluster="mission-control"');
    expect(projects.length).toBeGreaterThan(0);
    expect(projects.every(({ labels }) => /project_name="[^"]+"/.test(labels))).toBe(true);
    // avg by (modelName) (DCGM_FI_DEV_GPU_UTIL{namespace='inference-prod'})
    const gpus = at('DCGM_FI_DEV_GPU_UTIL', 'namespace="inference-prod"');
    expect(gpus.length).toBe(8);
    expect(gpus.every(({ labels }) => labels.includes('modelName="B200-SXM6"'))).toBe(true);
    for (const { value } of [...projects, ...gpus]) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(100);
    }
  });

  it("has each GPU's power by its own model: an H200 draws 95 to 532 W, a B200 140 to 760 W", () => {
    const watts = (model: string) =>
      steps.flatMap((readings) =>
        readings
          .filter(({ name, labels }) => name === 'DCGM_FI_DEV_POWER_USAGE' && labels.includes(`modelName="${model}"`))
          .map(({ value }) => value),
      );
    expect([Math.min(...watts('H200-SXM5')), Math.max(...watts('H200-SXM5'))]).toEqual([95, 532]);
    const b200 = watts('B200-SXM6');
    expect(Math.min(...b200)).toBeGreaterThanOrEqual(140);
    expect(Math.max(...b200)).toBeGreaterThan(532);
    expect(Math.max(...b200)).toBeLessThanOrEqual(760);
  });

  it('shows every GPU and node at every step', () => {
    const count = scenario.nodes.gpus.reduce((sum, n) => sum + n, 0);
    for (const readings of steps) {
      expect(readings.filter(({ name }) => name === 'DCGM_FI_DEV_GPU_UTIL').length).toBe(count);
      const nodes = readings.filter(({ name }) => name === 'simsup_nodes');
      expect(nodes.reduce((sum, { value }) => sum + value, 0)).toBe(scenario.nodes.count);
    }
  });

  it('agrees with the ledger about how many GPUs were held', () => {
    const held = steps
      .slice(0, -1)
      .map((r) =>
        r.filter(({ name }) => name === 'runai_project_allocated_gpus').reduce((s, { value }) => s + value, 0),
      );
    const run = simulation.result();
    const booked = run.entries
      .filter(({ category }) => ALLOCATED.includes(category))
      .reduce((sum, { amount }) => sum + Number(amount) / 7000, 0);
    const mean = held.reduce((sum, gpus) => sum + gpus, 0) / held.length;
    expect(mean / (booked / run.simulatedUs)).toBeGreaterThan(0.93);
    expect(mean / (booked / run.simulatedUs)).toBeLessThan(1.07);
  });

  it('is played back as it was read, series by series', () => {
    const played = playback(text);
    expect(played.durationUs).toBe(24 * HOUR_US);
    const key = ({ name, labels, value }: Omit<Reading, 'name'> & { name: string }) => `${name}${labels} ${value}`;
    for (const step of [0, 1, 37, steps.length - 1]) {
      const now = played.at(step * STEP_US).map(key);
      expect(now).toEqual(expect.arrayContaining(steps[step].map(key)));
    }
  });
});

it('an XID stays, as the exporter has it', () => {
  const { steps, simulation } = recorded('fault-storm', 3 * 24 * HOUR_US);
  const xids = steps.map((r) => r.filter(({ name }) => name === 'DCGM_FI_DEV_XID_ERRORS').length);
  expect(xids[xids.length - 1]).toBeGreaterThan(0);
  for (let i = 1; i < xids.length; i++) expect(xids[i]).toBeGreaterThanOrEqual(xids[i - 1]);
  const codes = new Set(simulation.result().faults.map(({ xid }) => xid));
  for (const { name, value } of steps[steps.length - 1])
    if (name === 'DCGM_FI_DEV_XID_ERRORS') expect(codes).toContain(value);
});

it('any name can be a label', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 100 }), (name, value) => {
      const readings = [{ name: METRIC_FAMILIES[0].name, labels: labelText({ a: name, b: 'x' }), value }];
      expect(problemsOf(scrapeText(readings), false)).toEqual([]);
      const store = new MetricStore();
      store.add(readings);
      expect(playback([...store.write(1e9, 15e6)].join('')).at(0)).toEqual(readings);
    }),
  );
});

it('fractions of seconds are written exactly', () => {
  const store = new MetricStore();
  for (let i = 0; i < 3; i++) store.add([{ name: 'simsup_nodes', labels: '', value: 1 }]);
  const stamps = [...store.write(1_780_272_000, 250_000)].join('').match(/ \d+\.?\d*$/gm);
  expect(stamps).toEqual([' 1780272000', ' 1780272000.25', ' 1780272000.5']);
});

it('steps are shorter for small clusters, and at most five minutes', () => {
  expect(stepFor(8, HOUR_US)).toBe(15e6);
  expect(stepFor(100_000, 365 * 24 * HOUR_US)).toBe(300e6);
});

it.each([
  ['nothing', '', 'cut short'],
  ['no readings', '# EOF\n', 'no reading'],
  ['cut short', 'a 1 2\n', 'cut short'],
  ['no timestamp', 'a{b="c"} 1\n# EOF\n', 'line 1'],
  ['backwards', 'a 1 2\na 1 1\n# EOF\n', 'line 2'],
  ['another format', '<html>\n', 'line 1'],
])('a file that holds %s is refused with the place', (_, text, said) => {
  expect(() => playback(text)).toThrow(said);
});
