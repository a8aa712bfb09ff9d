/** Scenario text → the compiled scenario, or one `ScenarioError` with everything that is wrong. */

import { DAY_US, type Scenario } from '../sim/scenario.ts';
import { compileCluster } from './compile/cluster.ts';
import { type JobDraft, newJobSink } from './compile/jobs.ts';
import { inferenceJobs, manifestJobs } from './compile/manifests.ts';
import { compileProjects } from './compile/projects.ts';
import { noFiles, type ReadFile } from './compile/read-file.ts';
import { isSbatch, readSbatch } from './compile/sbatch.ts';
import { addWorkload, type WorkloadContext, workloadsOf } from './compile/workload.ts';
import { defaultTeams } from './default-workload.ts';
import { type CheckedDocument, checkDocuments, documentsOf, newReport, type Report } from './documents.ts';
import { typed } from './fields.ts';
import { nameList, ScenarioError } from './problem.ts';
import { type Accepted, simulationKind } from './schema.ts';
import { quote } from './units.ts';
import { DEFAULT_LIMITS, type Limits } from './yaml.ts';

export interface ReadOptions {
  /** The file's name as errors show it. */
  file?: string;
  /** Reads the files that the scenario names (`nodesFile`, `jobsFile`, `manifestFiles`). */
  readFile?: ReadFile;
  /** Names of the policies there are; without them a policy's name is not checked. */
  policies?: readonly string[];
  limits?: Partial<Limits>;
  /** Instead of what the scenario says: these decide which jobs are generated. */
  overrides?: { seed?: string; durationUs?: number };
}

/** Reads a scenario. Throws `ScenarioError` and nothing else, whatever the text. */
export function readScenario(text: string, options: ReadOptions = {}): Scenario {
  const file = options.file ?? 'scenario';
  const report = newReport();
  try {
    const scenario = compile(text, file, options, report);
    if (report.problems.length > 0) throw new ScenarioError(report.problems);
    return scenario;
  } catch (error) {
    if (error instanceof ScenarioError) throw error;
    // What is thrown besides is a limit of the machine that ours did not foresee (memory, stack).
    const what = error instanceof Error ? error.message.split('\n')[0] : String(error);
    const place = { file, line: 0, column: 0, path: '' };
    throw new ScenarioError([
      ...report.problems,
      { ...place, found: `something that cannot be read (${what})`, expected: 'a scenario' },
    ]);
  }
}

/** The checked documents of a scenario, those included that this version does not simulate (`Study` …). */
export function readDocuments(text: string, options: ReadOptions = {}): CheckedDocument[] {
  const report = newReport();
  const docs = checkDocuments(text, options.file ?? 'scenario', report, { ...DEFAULT_LIMITS, ...options.limits });
  if (report.problems.length > 0) throw new ScenarioError(report.problems);
  return docs;
}

const NOT_YET: Record<string, string> = {
  FaultModel: 'faults are not simulated in this version; its FaultModel is kept but has no effect',
  Storage: 'storage is not simulated in this version; its Storage is kept but has no effect',
  Provisioning: 'provisioning is not simulated in this version; its Provisioning is kept but has no effect',
  FaultTolerancePolicy: 'faults are not simulated in this version; its FaultTolerancePolicy is kept but has no effect',
  Study: 'studies are not run by this version; its Study is kept but has no effect',
};

function compile(text: string, file: string, options: ReadOptions, report: Report): Scenario {
  const script = isSbatch(text, file) && text.length <= DEFAULT_LIMITS.size;
  const docs = script ? [] : checkDocuments(text, file, report, { ...DEFAULT_LIMITS, ...options.limits });
  const scripted = script ? readSbatch(text, file, report.add) : [];
  if (docs.length === 0 && scripted.length === 0 && report.problems.length === 0) {
    report.add({
      file,
      line: 0,
      column: 0,
      path: '',
      found: 'an empty file',
      expected: 'at least one document, such as kind: Simulation',
    });
  }
  if (report.problems.length > 0) throw new ScenarioError(report.problems);

  const assumptions: string[] = [];
  const assume = (sentence: string) => {
    if (!assumptions.includes(sentence)) assumptions.push(sentence);
  };
  const readFile = options.readFile ?? noFiles;
  const simulation = readSimulation(docs, options, report, assume);
  const spec = { ...simulation.spec };
  if (options.overrides?.seed !== undefined) spec.seed = options.overrides.seed;
  if (options.overrides?.durationUs !== undefined) spec.duration = options.overrides.durationUs;
  const durationUs = spec.duration === 'until-done' ? Infinity : spec.duration;
  const cluster = compileCluster(docs, readFile, report, assumptions);
  if (report.problems.length > 0) throw new ScenarioError(report.problems);
  const projects = compileProjects(docs, cluster, report, assumptions);
  if (report.problems.length > 0) throw new ScenarioError(report.problems);

  const workloads = workloadsOf(docs);
  const trainer = documentsOf(docs, 'trainer')[0]?.data.trainer.checkpoint_callback_params;
  const checkpointSteps = trainer?.every_n_train_steps ?? 0;
  if (checkpointSteps > 0) {
    assume(
      `Training jobs without an interval of their own write a checkpoint every ${checkpointSteps} steps (trainer settings), a step being 6 s unless stepTime says otherwise.`,
    );
  }
  const sink = newJobSink({
    cluster,
    projects,
    checkpointSteps,
    skipTooLarge: workloads.some((w) => w.data.spec.whenTooLarge === 'skip'),
    assume,
  });
  const context: WorkloadContext = {
    file,
    sink,
    readFile,
    report,
    seed: spec.seed,
    horizonUs: durationUs === Infinity ? 30 * DAY_US : durationUs,
    startEpochSeconds: spec.start,
    utcOffsetMinutes: spec.utcOffset,
    assume,
  };
  const direct: JobDraft[] = [
    ...scripted,
    ...manifestJobs(docs, report, assume),
    ...inferenceJobs(docs, cluster, durationUs === Infinity, report, assume),
  ];
  for (const draft of direct) sink.add(draft);
  workloads.forEach((w, i) => {
    addWorkload(w, i, context);
  });
  if (workloads.length === 0 && direct.every((d) => d.class === 'inference')) {
    assume(defaultTeams(cluster, projects, context));
  }
  const jobs = sink.finish();
  if (jobs.tooLarge > 0)
    assume(`${jobs.tooLarge} jobs that fit none of their pools were left out (whenTooLarge: skip).`);
  for (const kind of Object.keys(NOT_YET)) {
    if (docs.some((d) => d.kind === kind)) assume(`Of this scenario, ${NOT_YET[kind]}.`);
  }
  if (jobs.jobs.count === 0 && report.problems.length === 0 && jobs.tooLarge > 0) {
    report.add({ file, line: 0, column: 0, path: '', found: 'no job that fits the cluster', expected: 'at least one' });
  }
  return {
    name: simulation.name || file.replace(/^.*\//, '').replace(/\.[^.]*$/, ''),
    title: spec.title,
    seed: spec.seed,
    startEpochSeconds: spec.start,
    utcOffsetMinutes: spec.utcOffset,
    durationUs,
    warmUpUs: spec.warmUp,
    policy: simulation.policy,
    pools: cluster.pools,
    nodes: cluster.nodes,
    migLayouts: cluster.migLayouts,
    migProfiles: jobs.migProfiles,
    departments: projects.departments,
    projects: projects.projects,
    users: jobs.users,
    jobs: jobs.jobs,
    poolLists: jobs.poolLists,
    speedProfiles: jobs.speedProfiles,
    fixedCosts: cluster.fixedCosts,
    // Several pools may rest on the same one.
    assumptions: [...new Set(assumptions)],
  };
}

interface ReadSimulation {
  name: string;
  spec: Accepted['Simulation']['spec'];
  policy: Scenario['policy'];
}

function readSimulation(
  docs: readonly CheckedDocument[],
  options: ReadOptions,
  report: Report,
  assume: (s: string) => void,
): ReadSimulation {
  const all = documentsOf(docs, 'Simulation');
  for (const extra of all.slice(1))
    report.at(extra.source, ['kind'], 'a second Simulation', 'one Simulation in a scenario');
  const data = all[0]?.data ?? simulationKind.parse({ apiVersion: 'simsup.dev/v1', kind: 'Simulation', spec: {} });
  const { policy, duration, warmUp, stack } = data.spec;
  const choice =
    typeof policy === 'string'
      ? { name: policy, args: {} }
      : { name: policy.name, args: typed(policy.args) as Record<string, unknown> };
  if (all.length > 0) {
    const { source } = all[0];
    if (options.policies !== undefined && !options.policies.includes(choice.name)) {
      const path = typeof policy === 'string' ? ['spec', 'policy'] : ['spec', 'policy', 'name'];
      const near = { name: choice.name, among: options.policies };
      report.at(source, path, `unknown policy ${quote(choice.name)}`, `one of ${nameList(options.policies, 40)}`, near);
    }
    if (duration !== 'until-done' && duration <= 0)
      report.at(source, ['spec', 'duration'], 'no time at all', 'a duration above 0');
    if (duration !== 'until-done' && warmUp >= duration && duration > 0) {
      report.at(source, ['spec', 'warmUp'], 'a warm-up as long as the simulation', 'less than its duration');
    }
  }
  if (stack !== undefined)
    assume(`Stack ${stack}: what a stack adds beyond its policy is not simulated in this version.`);
  return { name: data.metadata.name ?? '', spec: data.spec, policy: choice };
}
