/** Scenario text → the compiled scenario, or one `ScenarioError` with everything that is wrong. */

import type { PolicyFactory } from '../sim/policy/policy.ts';
import { DAY_US, type Scenario, SECOND_US } from '../sim/scenario.ts';
import { compileCluster } from './compile/cluster.ts';
import type { JobDraft } from './compile/draft.ts';
import { compileFaults } from './compile/faults.ts';
import { newJobSink } from './compile/jobs.ts';
import { compileKueue } from './compile/kueue.ts';
import { manifestJobs } from './compile/manifests.ts';
import { compileProjects } from './compile/projects.ts';
import { compileProvisioning } from './compile/provisioning.ts';
import { noFiles, type ReadFile } from './compile/read-file.ts';
import { compileRecovery } from './compile/recovery.ts';
import { deploymentPlans, inferenceJobs } from './compile/replicas.ts';
import { isSbatch } from './compile/sbatch.ts';
import { schedulersOf } from './compile/schedulers.ts';
import { readScript } from './compile/script.ts';
import { compileServing } from './compile/serving.ts';
import { compileSlurm } from './compile/slurm.ts';
import { compileStacks } from './compile/stacks.ts';
import { compileStorage } from './compile/storage.ts';
import { compileEnergy, compileNetwork, compileSpot } from './compile/surroundings.ts';
import { addWorkload, type WorkloadContext, workloadsOf } from './compile/workload.ts';
import { defaultTeams } from './default-workload.ts';
import { type CheckedDocument, checkDocuments, documentsOf, newReport, type Report } from './documents.ts';
import { typed } from './fields.ts';
import { readPolicyArgs } from './policy-args.ts';
import { nameList, pathText, ScenarioError } from './problem.ts';
import { type Accepted, simulationKind } from './schema.ts';
import { offsetsOf, offsetText, type UtcOffset } from './time-zone.ts';
import { looksBinary, quote } from './units.ts';
import { DEFAULT_LIMITS, type Limits, type SourceDocument } from './yaml.ts';

export interface ReadOptions {
  /** The file's name as errors show it. */
  file?: string;
  /** Reads the files that the scenario names (`nodesFile`, `jobsFile`, `manifestFiles`). */
  readFile?: ReadFile;
  /** The policies there are; without them a policy's name and arguments are not checked. */
  policies?: readonly Pick<PolicyFactory, 'name' | 'args'>[];
  limits?: Partial<Limits>;
  /** Instead of what the scenario says: these decide which jobs are generated. */
  overrides?: { seed?: string; durationUs?: number; scale?: number };
}

/** Reads a scenario. Throws `ScenarioError` and nothing else, whatever the text (.ci/fuzz). */
export function readScenario(text: string, options: ReadOptions = {}): Scenario {
  return guarded(options, (file, report) => compile(text, file, options, report));
}

/** The same from documents that are checked already. */
export function compileScenario(docs: readonly CheckedDocument[], options: ReadOptions = {}): Scenario {
  return guarded(options, (file, report) => compileDocuments(docs, [], file, options, report));
}

function guarded(options: ReadOptions, make: (file: string, report: Report) => Scenario): Scenario {
  const file = options.file ?? 'scenario';
  const report = newReport();
  try {
    const scenario = make(file, report);
    if (report.problems.length > 0) throw new ScenarioError(report.problems);
    return scenario;
  } catch (error) {
    // Limits of the machine that ours did not foresee (memory, stack) are RangeErrors; anything else is a defect.
    if (!(error instanceof RangeError)) throw error;
    const what = error.message.split('\n')[0];
    const place = { file, line: 0, column: 0, path: '' };
    throw new ScenarioError([
      ...report.problems,
      { ...place, found: `something that cannot be read (${what})`, expected: 'a scenario' },
    ]);
  }
}

/** The checked documents of a scenario, those included that a run has no use for (`Study`). */
export function readDocuments(text: string, options: ReadOptions = {}): CheckedDocument[] {
  const report = newReport();
  const docs = checkDocuments(text, options.file ?? 'scenario', report, { ...DEFAULT_LIMITS, ...options.limits });
  if (report.problems.length > 0) throw new ScenarioError(report.problems);
  return docs;
}

function compile(text: string, file: string, options: ReadOptions, report: Report): Scenario {
  const script = isSbatch(text, file) && text.length <= DEFAULT_LIMITS.size && !looksBinary(text);
  const docs = script ? [] : checkDocuments(text, file, report, { ...DEFAULT_LIMITS, ...options.limits });
  const said: string[] = [];
  const assume = (sentence: string) => said.push(sentence);
  const context = { readFile: options.readFile ?? noFiles, schedulers: () => undefined, add: report.add, assume };
  const scripted = script ? readScript(text, file, context) : [];
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
  return compileDocuments(docs, scripted, file, options, report, said);
}

function compileDocuments(
  docs: readonly CheckedDocument[],
  scripted: readonly JobDraft[],
  file: string,
  options: ReadOptions,
  report: Report,
  said: readonly string[] = [],
): Scenario {
  const assumptions: string[] = [...new Set(said)];
  const assume = (sentence: string) => {
    if (!assumptions.includes(sentence)) assumptions.push(sentence);
  };
  const readFile = options.readFile ?? noFiles;
  const simulation = readSimulation(docs, options, report);
  const spec = { ...simulation.spec };
  if (options.overrides?.seed !== undefined) spec.seed = options.overrides.seed;
  if (options.overrides?.durationUs !== undefined) spec.duration = options.overrides.durationUs;
  const durationUs = spec.duration === 'until-done' ? Infinity : spec.duration;
  const horizonUs = durationUs === Infinity ? 30 * DAY_US : durationUs;
  const utcOffsets = utcOffsetsOf(spec, horizonUs, assume);
  const cluster = compileCluster(docs, readFile, report, assumptions);
  if (report.problems.length > 0) throw new ScenarioError(report.problems);
  const provisioning = compileProvisioning(docs, cluster, horizonUs, report, assume);
  const schedulers = schedulersOf(simulation.policy, docs, cluster.pools, report);
  if (report.problems.length > 0) throw new ScenarioError(report.problems);
  const projects = compileProjects(docs, cluster, report, assumptions);
  if (report.problems.length > 0) throw new ScenarioError(report.problems);
  const kueue = compileKueue(docs, cluster, projects.index, report);
  const slurm = compileSlurm(docs, report);
  const network = compileNetwork(docs, report);
  const energy = compileEnergy(docs, cluster, report);
  const spot = compileSpot(docs, cluster.pools, assume);
  if (report.problems.length > 0) throw new ScenarioError(report.problems);

  const workloads = scaled(workloadsOf(docs), options.overrides?.scale ?? 1);
  const trainer = documentsOf(docs, 'trainer')[0]?.data.trainer.checkpoint_callback_params;
  const checkpointSteps = trainer?.every_n_train_steps ?? 0;
  if (checkpointSteps > 0) {
    assume(
      `Training jobs without an interval of their own write a checkpoint every ${checkpointSteps} steps (trainer settings), a step being 6 s unless stepTime says otherwise.`,
    );
  }
  const storage = compileStorage(docs, cluster, trainer?.save_top_k ?? 0, report, assume);
  if (report.problems.length > 0) throw new ScenarioError(report.problems);
  const sink = newJobSink({
    storage,
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
    horizonUs,
    startEpochSeconds: spec.start,
    utcOffsets,
    pools: cluster.pools.map((pool) => pool.name),
    schedulers,
    assume,
  };
  const deployments = deploymentPlans(docs, cluster, report, assume);
  const direct: JobDraft[] = [
    ...scripted,
    ...manifestJobs(docs, report, assume),
    ...inferenceJobs(deployments, cluster, durationUs === Infinity, report, assume),
  ];
  for (const draft of direct) sink.add(draft);
  workloads.forEach((w, i) => {
    addWorkload(w, i, context);
  });
  if (workloads.length === 0 && direct.every((d) => d.class === 'inference')) {
    assume(defaultTeams(cluster, projects, context, options.overrides?.scale ?? 1));
  }
  const jobs = sink.finish();
  const settings = storage.settings();
  const site = { ...cluster, ...(settings && { storage: settings }) };
  const faults = compileFaults(docs, site, report, assume, readFile);
  const recovery = compileRecovery(docs, cluster, spec, simulation.policy.name, faults !== undefined, report, assume);
  const stacks = compileStacks(docs, options.policies, report);
  const serving = compileServing({
    ...{ docs, deployments, cluster, jobs: jobs.jobs, poolLists: jobs.poolLists, readFile, report, durationUs, assume },
    ...{ missionControl: recovery?.stack.name === 'mission-control', seed: spec.seed },
    ...{ startEpochSeconds: spec.start, utcOffsetMinutes: utcOffsets[0].minutes },
  });
  if (jobs.tooLarge > 0)
    assume(`${jobs.tooLarge} jobs that fit none of their pools were left out (whenTooLarge: skip).`);
  if (jobs.jobs.limitUs.some((us) => us > 0)) {
    assume(
      'Requested time limits end jobs under policies that enforce them (slurm, slurm-typical) and under no others.',
    );
  }
  if (jobs.jobs.count === 0 && report.problems.length === 0 && jobs.tooLarge > 0) {
    report.add({ file, line: 0, column: 0, path: '', found: 'no job that fits the cluster', expected: 'at least one' });
  }
  return {
    name: simulation.name || file.replace(/^.*\//, '').replace(/\.[^.]*$/, ''),
    title: spec.title,
    seed: spec.seed,
    startEpochSeconds: spec.start,
    utcOffsetMinutes: utcOffsets[0].minutes,
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
    ...(kueue === undefined ? {} : { kueue }),
    ...(slurm === undefined ? {} : { slurm }),
    ...(faults && { faults }),
    ...(recovery && { recovery }),
    ...(stacks.length > 0 && { stacks }),
    ...(settings === undefined ? {} : { storage: settings }),
    ...(network === undefined ? {} : { network }),
    ...(spot === undefined ? {} : { spot }),
    ...(provisioning && { provisioning: provisioning.settings(faults?.repair) }),
    energy,
    ...(serving === undefined ? {} : { serving }),
    // Several pools may rest on the same one.
    assumptions: [...new Set(assumptions)],
  };
}

/** At so many times the load that the scenario states. */
function scaled(workloads: ReturnType<typeof workloadsOf>, factor: number): ReturnType<typeof workloadsOf> {
  if (factor === 1) return workloads;
  return workloads.map((w) => ({
    ...w,
    data: { ...w.data, spec: { ...w.data.spec, scale: w.data.spec.scale * factor } },
  }));
}

interface ReadSimulation {
  name: string;
  spec: Accepted['Simulation']['spec'];
  policy: Scenario['policy'];
}

function readSimulation(docs: readonly CheckedDocument[], options: ReadOptions, report: Report): ReadSimulation {
  const all = documentsOf(docs, 'Simulation');
  for (const extra of all.slice(1))
    report.at(extra.source, ['kind'], 'a second Simulation', 'one Simulation in a scenario');
  const data = all[0]?.data ?? simulationKind.parse({ apiVersion: 'simsup.dev/v1', kind: 'Simulation', spec: {} });
  const { policy, duration, warmUp, utcOffset, timeZone } = data.spec;
  const name = typeof policy === 'string' ? policy : policy.name;
  const written = typeof policy === 'string' ? {} : policy.args;
  const known = options.policies?.find((p) => p.name === name);
  const choice = { name, args: typed(written) as Record<string, unknown> };
  if (all.length > 0) {
    const { source } = all[0];
    if (known !== undefined) choice.args = policyArgs(known, written, source, report);
    else if (options.policies !== undefined) {
      const path = typeof policy === 'string' ? ['spec', 'policy'] : ['spec', 'policy', 'name'];
      const names = options.policies.map((p) => p.name);
      report.at(source, path, `unknown policy ${quote(name)}`, `one of ${nameList(names, 40)}`, { name, among: names });
    }
    if (timeZone !== undefined && utcOffset !== undefined)
      report.at(source, ['spec', 'utcOffset'], 'an offset beside a timeZone', 'one or the other');
    if (duration !== 'until-done' && duration <= 0)
      report.at(source, ['spec', 'duration'], 'no time at all', 'a duration above 0');
    if (duration !== 'until-done' && warmUp >= duration && duration > 0) {
      report.at(source, ['spec', 'warmUp'], 'a warm-up as long as the simulation', 'less than its duration');
    }
  }
  return { name: data.metadata.name ?? '', spec: data.spec, policy: choice };
}

/** The arguments as the policy takes them; what is wrong is reported at the argument's line. */
function policyArgs(
  policy: Pick<PolicyFactory, 'name' | 'args'>,
  written: Record<string, unknown>,
  source: SourceDocument,
  report: Report,
): Record<string, unknown> {
  const { args, problems } = readPolicyArgs(policy, written);
  for (const { name, unknown, found, expected, nearest } of problems) {
    const path = ['spec', 'policy', 'args', name];
    const place = {
      file: source.file,
      ...source.locate(path, unknown),
      path: pathText(unknown ? path.slice(0, -1) : path),
    };
    report.add({
      ...place,
      found,
      expected: unknown ? `for ${policy.name} ${expected}` : expected,
      ...(nearest && { nearest }),
    });
  }
  return args;
}

/** What the clock on the wall shows against UTC, from the start on. */
function utcOffsetsOf(
  { timeZone, utcOffset, start }: Accepted['Simulation']['spec'],
  horizonUs: number,
  assume: (s: string) => void,
): UtcOffset[] {
  if (timeZone === undefined) return [{ fromUs: 0, minutes: utcOffset ?? 0 }];
  const offsets = offsetsOf(timeZone, start, horizonUs);
  const changes = offsets.slice(1).map(({ fromUs, minutes }) => {
    const date = new Date((start + fromUs / SECOND_US) * 1000).toISOString().slice(0, 10);
    return `, ${offsetText(minutes)} from ${date}`;
  });
  const also = changes.length === 0 ? '' : ' Teams keep to the local clock; the ledger counts hours from the start.';
  assume(`Time zone ${timeZone}: ${offsetText(offsets[0].minutes)} at the start${changes.join('')}.${also}`);
  return offsets;
}
