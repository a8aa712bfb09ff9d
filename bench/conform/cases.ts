/**
 * A conformance case: a cluster state, the actions to run on it and what must hold afterwards, as JSON.
 *
 * The shape is that of the behaviour tables of Run:ai's open scheduler, turned into data: a file is an array of cases.
 * Whatever reads one here has been checked, so that a mistake is named by file, case and field. Fields it does not know are
 * left alone: the tables may say more than a policy needs.
 */
import { z } from 'zod';
import { ACTIONS } from '../../sim/policy/runai/config.ts';
import { TASK_STATUS } from '../../sim/policy/runai/state.ts';

const name = z.string().min(1).max(500);
/** No prototype's name as a key: tables are looked up by these. */
const key = name.refine((value) => !(value in {}), 'a name that JavaScript objects have already');
const amount = z.number().min(0).max(1e15);
/** −1 = unlimited. */
const bound = z.number().min(-1).max(1e15);
const count = z.number().int().min(0).max(1e6);

const node = z.object({
  gpus: z.number().int().min(0).max(1024),
  cpus: amount.optional(),
  memoryBytes: amount.optional(),
  maxTasks: count.optional(),
  gpuMemoryMiB: z.number().int().min(0).max(1e9).optional(),
  labels: z.record(z.string().max(500), z.string().max(500)).optional(),
  migStrategy: z.enum(['single', 'mixed']).optional(),
  migInstances: z.record(key, count).optional(),
});

const queue = z.object({
  name: key,
  /** '' = none. */
  parent: z.string().max(500).optional(),
  priority: z.number().optional(),
  deservedGpus: bound,
  gpuLimit: bound.optional(),
  gpuOverQuotaWeight: amount.optional(),
  deservedCpuMilli: bound.optional(),
  cpuMilliLimit: bound.optional(),
  deservedMemoryMB: bound.optional(),
  memoryLimitMB: bound.optional(),
  preemptMinRuntimeSeconds: amount.optional(),
  reclaimMinRuntimeSeconds: amount.optional(),
});

const wish = z.object({
  topology: key.optional(),
  name: key.optional(),
  required: z.string().max(500).nullish(),
  preferred: z.string().max(500).nullish(),
});

const podSet = z.object({ name: key, minAvailable: count, topology: wish.nullish() });

export interface SubGroupCase {
  name?: string;
  minSubGroups?: number | null;
  topology?: z.infer<typeof wish> | null;
  podSets?: z.infer<typeof podSet>[];
  subGroups?: SubGroupCase[];
}
const subGroup: z.ZodType<SubGroupCase> = z.lazy(() =>
  z.object({
    name: z.string().max(500).optional(),
    minSubGroups: count.nullish(),
    topology: wish.nullish(),
    podSets: z.array(podSet).max(1000).optional(),
    subGroups: z.array(subGroup).max(1000).optional(),
  }),
);

const task = z.object({
  state: z.enum(TASK_STATUS),
  node: z.string().max(500).nullish(),
  gpuGroups: z.array(z.string().max(500)).max(1024).optional(),
  priority: z.number().optional(),
  subGroup: z.string().max(500).optional(),
  gpus: amount.optional(),
  nodeAffinity: z.array(z.string().max(500)).max(10_000).optional(),
  podAffinityLabels: z.record(key, z.string().max(500)).optional(),
  podAffinityTopologyKey: z.string().max(500).optional(),
  podAntiAffinityTopologyKey: z.string().max(500).optional(),
  mig: z.record(key, count).optional(),
  legacyMig: z.boolean().optional(),
});

const job = z.object({
  name: key,
  queue: z.string().max(500),
  priority: z.number(),
  preemptibility: z
    .string()
    .regex(/^(non-?)?preemptible$/i, "expected 'preemptible' or 'non-preemptible'")
    .optional(),
  gpusPerTask: amount.optional(),
  gpuMemoryMiBPerTask: amount.optional(),
  gpuDevicesPerTask: count.max(1024).optional(),
  cpusPerTask: amount.optional(),
  memoryBytesPerTask: amount.optional(),
  bestEffort: z.boolean().optional(),
  ageMinutes: amount.optional(),
  staleSeconds: amount.optional(),
  stalenessGraceSeconds: z.number().min(-1e9).max(1e9).optional(),
  preemptionDelaySeconds: amount.optional(),
  deletedNotRequeued: z.boolean().optional(),
  subGroups: subGroup.nullish(),
  tasks: z.array(task).max(100_000),
});

const expected = z.object({
  status: z.enum(TASK_STATUS),
  node: z.string().max(500).optional(),
  gpusRequired: amount.optional(),
  gpusAccepted: amount.optional(),
  cpuMilli: amount.optional(),
  memoryBytes: amount.optional(),
  gpuGroups: z.array(z.string().max(500)).optional(),
  ignoreGpuGroups: z.boolean().optional(),
  fitError: z.boolean().optional(),
});

const conformanceCase = z.object({
  id: name,
  name: z.string().max(2000).optional(),
  actions: z.array(z.enum(ACTIONS)).min(1).max(20),
  mode: z.enum(['single', 'rounds']),
  tags: z.array(z.string().max(100)).optional(),
  nodes: z.record(key, node),
  topologies: z.array(z.object({ name: key, levels: z.array(key).min(1).max(20) })).optional(),
  queues: z.array(queue).max(20_000),
  departments: z.array(queue).max(20_000).optional(),
  noDefaultDepartment: z.boolean().optional(),
  schedulerConf: z
    .object({
      actions: z.string().optional(),
      plugins: z.array(z.object({ name, arguments: z.record(key, z.string().max(500)).optional() })).max(100),
    })
    .optional(),
  jobs: z.array(job).max(100_000),
  rounds: z
    .object({
      untilMatch: z.number().int().min(1).max(1000).optional(),
      afterMatch: z.number().int().min(0).max(1000).optional(),
      secondsBetween: amount.optional(),
    })
    .optional(),
  expect: z.object({
    jobs: z.record(key, expected).optional(),
    tasks: z.record(key, expected).optional(),
    nodes: z
      .record(key, z.object({ idleGpus: z.number().optional(), releasingGpus: z.number().optional() }))
      .optional(),
    maxBinds: count.optional(),
    maxEvictions: count.optional(),
    maxPipelines: count.optional(),
    limitsApply: z.boolean().optional(),
  }),
});

export type ConformanceCase = z.infer<typeof conformanceCase>;
export type JobCase = ConformanceCase['jobs'][number];
export type TaskCase = JobCase['tasks'][number];
export type Expected = z.infer<typeof expected>;

/** A file that cannot be run as conformance cases: a sentence with the file and the place in it. */
export class CaseError extends Error {
  override name = 'CaseError';
}

/** A case that is none: its id as far as there is one, and what is wrong, with file, case and field. */
export interface Unreadable {
  id: string;
  problem: string;
}

/** Reads a file's text; throws at the first case that is none. `file` is only named in errors. */
export function readCases(text: string, file: string): ConformanceCase[] {
  return readEach(text, file).map((one) => {
    if ('problem' in one) throw new CaseError(one.problem);
    return one;
  });
}

/** As `readCases`, but a case that is none does not hide the others. */
export function readEach(text: string, file: string): (ConformanceCase | Unreadable)[] {
  let data: unknown;
  try {
    data = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new CaseError(`${file}: not JSON (${(error as Error).message.slice(0, 200)})`);
  }
  if (!Array.isArray(data)) throw new CaseError(`${file}: found ${kindOf(data)}, expected an array of cases`);
  return data.map((one, at) => {
    const unreadable = (what: string): Unreadable => ({
      id: idOf(one, at),
      problem: `${file}: case ${idOf(one, at)}: ${what}`,
    });
    const result = conformanceCase.safeParse(one);
    if (!result.success) return unreadable(describe(result.error));
    try {
      checkReferences(result.data);
    } catch (error) {
      if (error instanceof CaseError) return unreadable(error.message);
      throw error;
    }
    return result.data;
  });
}

/** JSON that is no array: something else that lies in a folder of cases. */
export function isOtherJson(text: string): boolean {
  try {
    return !Array.isArray(JSON.parse(text.replace(/^\uFEFF/, '')));
  } catch {
    return false;
  }
}

const idOf = (one: unknown, at: number): string =>
  typeof one === 'object' && one !== null && 'id' in one ? String(one.id).slice(0, 200) : `number ${at + 1}`;

function describe(error: z.ZodError): string {
  const issue = error.issues[0];
  const where = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return `${where.replace(/^\./, '') || 'the case'}: ${issue.message.slice(0, 300)}`;
}

const kindOf = (data: unknown): string =>
  data === null ? 'null' : typeof data === 'object' ? 'an object' : `a ${typeof data}`;

/** Throws with what does not exist. A task may be on a node that is not there: the scheduler then sees it on none. */
function checkReferences(given: ConformanceCase): void {
  const fail = (what: string): never => {
    throw new CaseError(what);
  };
  const unique = (names: string[], what: string): Set<string> => {
    const seen = new Set<string>();
    for (const one of names) {
      if (seen.has(one)) fail(`${what} '${one}' is there twice`);
      seen.add(one);
    }
    return seen;
  };
  const departments = (given.departments ?? []).map((one) => one.name);
  const queues = unique([...given.queues.map((one) => one.name), ...departments], 'queue');
  const byDefault = given.departments === undefined && !given.noDefaultDepartment;
  if (byDefault) queues.add('default');
  const parents = new Map([...given.queues, ...(given.departments ?? [])].map((one) => [one.name, one.parent]));
  for (const [one, parent] of parents) {
    if (byDefault || !parent) continue;
    if (!queues.has(parent)) fail(`queue '${one}' is under '${parent}', which does not exist`);
    const above = new Set([one]);
    for (let at: string | undefined = parent; at; at = parents.get(at)) {
      if (above.has(at)) fail(`queue '${one}' is above itself`);
      above.add(at);
    }
  }
  unique(
    given.jobs.map((one) => one.name),
    'job',
  );
  for (const one of Object.keys(given.expect.jobs ?? {})) {
    if (!given.jobs.some((each) => each.name === one)) fail(`expect.jobs names '${one}', which does not exist`);
  }
  for (const one of Object.keys(given.expect.nodes ?? {})) {
    if (!(one in given.nodes)) fail(`expect.nodes names '${one}', which does not exist`);
  }
}
