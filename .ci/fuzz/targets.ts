/** Everything that reads what others have written: real inputs for each, how they are changed, and what it may say to them. */
import { CommanderError } from 'commander';
import { deflateSync, gzipSync, strToU8, zipSync } from 'fflate';
import { parseAllDocuments, stringify } from 'yaml';
import { BAD_INPUTS } from '../../cli/bad-inputs.ts';
import { policyArgs } from '../../cli/host/policy.ts';
import { program } from '../../cli/program.ts';
import { playback } from '../../reports/openmetrics-playback.ts';
import { packed } from '../../reports/packed.ts';
import { runColumns } from '../../reports/run-columns.ts';
import { summarise } from '../../reports/summary.ts';
import { builtin, builtins, memoryReader } from '../../scenarios/builtin/index.ts';
import { importText, UserError } from '../../scenarios/import/import.ts';
import { ScenarioError } from '../../scenarios/problem.ts';
import { readScenario } from '../../scenarios/read.ts';
import { readSnapshot } from '../../scenarios/snapshot/read.ts';
import { bytesOf, kubectlJson, smallCluster, snapshotJson } from '../../scenarios/snapshot/testing.ts';
import { compileStudy, studyDocument } from '../../scenarios/study.ts';
import { openVariants } from '../../scenarios/variants.ts';
import type { Stream } from '../../sim/engine/random.ts';
import { externalPolicy } from '../../sim/policy/external.ts';
import { checkedArgs } from '../../sim/policy/policy.ts';
import { ForeignPolicyError, HOUR_US, POLICIES, PolicyArgumentError, Recorder, simulate } from '../../sim/simulate.ts';
import { openFiles } from '../../web/open.ts';
import { fragmentOf, sharedOf } from '../../web/share.ts';
import { mutatedBytes, mutatedJson, mutatedText } from './mutate.ts';

export interface Target {
  name: string;
  /** Inputs in the bounded run of the test command; a few tenths of a second. */
  few: number;
  /** One input and how it is read; whatever that throws must be in `says`. */
  make(stream: Stream): { input: unknown; read: () => unknown };
  says: readonly (abstract new (...args: never[]) => Error)[];
}

const pick = <T>(from: readonly T[], stream: Stream): T => from[stream.integer(from.length)];

/** A scenario's duration does not matter to its reader, and short ones have few jobs to make. */
const SHORT = { overrides: { durationUs: HOUR_US } };

const SBATCH = `#!/bin/bash
#SBATCH --job-name=train --account=ml --partition=gpu
#SBATCH --nodes=2 --gpus-per-node=8
#SBATCH --time=1-00:00:00
#SBATCH --array=0-15%4
#SBATCH -d afterok:7
srun python train.py
`;
const MANIFEST = `apiVersion: batch/v1
kind: Job
metadata: {name: train, labels: {runai/queue: team-a}}
spec:
  parallelism: 4
  template:
    spec:
      containers:
        - {name: main, resources: {limits: {nvidia.com/gpu: 8, cpu: "32", memory: 64Gi}}}
`;
const JOBS_CSV = `job_id,project,user,class,submit,duration,num_gpu,workers,gpu_share,cpu_milli,memory_mib,time_limit,priority,after
a,nlp,ann,training,0,3600,8,1,,8000,65536,7200,50,
b,nlp,bob,interactive,60.5,600,1,,500,,,,,a
c,vision,eve,batch,61,60,16,2,,,,,100,a|b:started
`;
const NODES_CSV = 'sn,cpu_milli,memory_mib,gpu,model\nn0,64000,262144,8,V100M16\nn1,64000,262144,2,T4\n';
const REQUESTS_CSV = `arrival_seconds,prompt_tokens,output_tokens,tenant,hash_ids
0.5,374,44,,
4.314579,396,109,chat,1|2|3
`;
const WITH_FILES = `apiVersion: simsup.dev/v1
kind: Cluster
spec: {nodesFile: nodes.csv}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {jobsFile: jobs.csv, whenTooLarge: skip}
---
apiVersion: simsup.dev/v1
kind: Workload
spec:
  requests: [{deployment: chat, file: requests.csv}]
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata: {name: chat}
spec: {model: {name: llama-3.1-8b}, replicas: 1}
`;
const STUDY = `apiVersion: simsup.dev/v1
kind: Study
metadata: {name: nodes}
spec:
  grid:
    pools.h100.nodes: [4, 8]
    policy: [fifo, {name: runai, args: {schedulePeriod: 10s}}]
  latinHypercube: {points: 4, seed: "1", ranges: {workload.scale: {from: 0.5, to: 2, scale: log}}}
  seeds: 3
  figures: [goodput]
---
`;
const LOGS: Record<string, { text: string; nodes?: string; map?: Record<string, string> }> = {
  openb: {
    text: `name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
p0,6000,12288,1,460,V100M16|V100M32,LS,Running,0,100,10
p1,12000,16384,8,1000,,Burstable,Succeeded,12,10012,15
`,
    nodes: NODES_CSV,
  },
  philly: {
    text: `timestamp,duration,num_gpus,gpu_time,cluster
2017-10-09 07:01:55,66.0,1,66.0,103959
2017-10-09 07:01:54,10.5,16,168,6214e9
`,
    nodes: 'vc,node num\n6214e9,64\n103959,8\n',
  },
  itp: { text: 'job_id,submission_time,duration,num_gpu,deadline\na,1000,30,4,99\nb,1007,5.25,1,\n' },
  helios: {
    text: `job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue
j1,u1,vcA,16,64,2,COMPLETED,2020-04-01 00:00:05,2020-04-01 00:00:06,2020-04-01 00:01:06,60,1
j2,u2,vcB,6,24,3,FAILED,2020-04-01 00:00:07,2020-04-01 00:00:09,2020-04-01 00:00:19,10,2
`,
  },
  swf: {
    text: `; UnixStartTime: 1027839845
; MaxNodes: 4
; MaxProcs: 8
1 10 5 60 4 59 -1 -1 3600 -1 1 7 1 -1 2 1 -1 -1
2 20 5 -1 4 40 -1 -1 3600 -1 -1 7 1 -1 2 1 -1 -1
`,
  },
  sacct: {
    text: `JobID|User|Account|Partition|QOS|Submit|Start|End|Elapsed|Timelimit|State|NNodes|AllocTRES|ReqTRES
7|ann|ml|gpu|normal|2026-01-01T00:00:00|2026-01-01T00:01:00|2026-01-02T00:01:00|1-00:00:00|2-00:00:00|COMPLETED|2|billing=16,cpu=32,gres/gpu:a100=16,gres/gpu=16,node=2|
7.batch||ml||||||1-00:00:00||COMPLETED|1|cpu=16|
8_[1-4]|bob|ml|gpu|normal|2026-01-01T00:00:30|Unknown|Unknown|00:00:00|UNLIMITED|CANCELLED by 100|1||cpu=1,gres/gpu:h100=2
`,
  },
  csv: {
    text: 'id,created,mins,gpus,team\n"a, ""x""",1700000000000,2,0.5,"nlp\nred"\nb,1700000060000,9,4,vision\n',
    map: { job_id: 'id', submit: 'created', duration: 'mins', num_gpu: 'gpus', project: 'team' },
  },
  'azure-llm': {
    text: `TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:15:46.6805900,374,44
2023-11-16 18:15:50.9951690,396,109
`,
  },
  mooncake: {
    text: `{"timestamp": 0, "input_length": 1025, "output_length": 5, "hash_ids": [0, 1, 2]}
{"timestamp": 3000, "input_length": 1100, "output_length": 2, "hash_ids": [0, 1, 3]}
`,
  },
};
const METRICS = `# TYPE DCGM_FI_DEV_GPU_UTIL gauge
# HELP DCGM_FI_DEV_GPU_UTIL Share of time.
DCGM_FI_DEV_GPU_UTIL{gpu="0",Hostname="a"} 50 1780272000
DCGM_FI_DEV_GPU_UTIL{gpu="0",Hostname="a"} 70.5 1780272015.25
# TYPE simsup_nodes gauge
simsup_nodes{state="ready"} 4 1780272000
# EOF
`;
/** Words of a real command line: each command with options of its own. */
const COMMAND_LINES = [
  'run mission-control --policy fifo --arg backfill=easy --seed 2 --duration 7d --metrics m.om --metrics-step 60s --json',
  'compare small-team --policy kubernetes,runai:schedulePeriod=10s --seeds 5 --markdown diff.md',
  'sweep study.yaml --shard 1/4 --seeds 3 --out results',
  'plan small-team --target goodput>0.5',
  'checkpoint llama3-405b --mtbf 3h --cost 30s --restart 5m',
  'report break-even --gpus 32 --price 5.92 --hours 720 --utilisation 0.60,0.80 --licence 4500',
  'import csv log.csv --map job_id=id,submit=created --unit submit=ms --out mine --gpu-model H100-SXM5',
  'decide snapshot.zip --cycles 3 --json',
  'explain results job-1 --json',
  'when snapshot.zip job-1',
  'serve-metrics run.om --speed 600 --port 9400 --loop',
  'backtest jobs.csv --policy slurm',
];

/** Built-in scenarios short enough to be read often. */
const TEXTS = builtins.filter(({ files }) => Object.keys(files).length === 0).map(({ text }) => text);
const PARSED = TEXTS.map((text) => parseAllDocuments(text).map((document) => document.toJS() as unknown));
const WORDS = [
  'Cluster',
  'Workload',
  'Storage',
  'FaultModel',
  'until-done',
  'diurnal',
  'teams',
  'pools',
  'jobs',
  'nodes: 0',
];

const text = (
  name: string,
  few: number,
  sources: readonly string[],
  read: (input: string) => unknown,
  says: Target['says'],
  more: readonly string[] = [],
): Target => ({
  name,
  few,
  says,
  make(stream) {
    const input = mutatedText(pick(sources, stream), more, stream);
    return { input, read: () => read(input) };
  },
});

const files = (given: Record<string, string>) =>
  memoryReader({ 'jobs.csv': JOBS_CSV, 'nodes.csv': NODES_CSV, 'requests.csv': REQUESTS_CSV, ...given });
const besideScenario = (name: string, source: string) =>
  text(name, 60, [source], (input) => readScenario(WITH_FILES, { ...SHORT, readFile: files({ [name]: input }) }), [
    ScenarioError,
  ]);

const SNAPSHOTS = [snapshotJson(smallCluster()), kubectlJson(smallCluster())].map(
  (json) => JSON.parse(JSON.stringify(json)) as unknown,
);

/** A run as `run --out` writes it, small. */
const savedRun = (): unknown => {
  const recorder = new Recorder();
  const run = simulate(builtin('small-team', { overrides: { durationUs: 6 * HOUR_US } }), { recorder });
  const plain = (_: string, value: unknown) =>
    typeof value === 'bigint' ? String(value) : Array.isArray(value) ? value.slice(0, 8) : value;
  const { summary: _, ...columns } = runColumns(run, recorder.columns(run.simulatedUs), null, 0);
  return JSON.parse(JSON.stringify({ ...summarise(run, 0), samples: run.samples, columns: packed(columns) }, plain));
};
const SAVED = savedRun();
const SHARED = {
  source: { file: 's.yaml', text: 'kind: Simulation', files: { 'a.csv': 'x' } },
  view: 'map',
  cursorUs: 5,
  beside: { kind: 'branch' as const, label: 'x', branch: { atUs: 3, changes: [{ kind: 'kill' as const, node: 1 }] } },
};
const ANSWER = {
  actions: [{ kind: 'place', job: 0, tasks: [{ task: 0, node: 0, gpus: [0] }], reason: 'fits' }],
  state: { n: 1 },
  wakeAtUs: 5e6,
};

/** What a page may say of a file it cannot open: no words of the language's own errors. */
class PageRefusal extends Error {}
const OWN_ERRORS =
  /undefined (is|\(reading)|is not a (function|constructor)|not iterable|Cannot read|Cannot convert|null \(|Maximum call stack|Invalid (array|typed array|string) length/;

export const TARGETS: readonly Target[] = [
  text('scenario text', 100, TEXTS, (input) => readScenario(input, SHORT), [ScenarioError], WORDS),
  {
    name: 'scenario structure',
    few: 60,
    says: [ScenarioError],
    make(stream) {
      const documents = mutatedJson(pick(PARSED, stream), WORDS, stream);
      const list = Array.isArray(documents) ? documents : [documents];
      const input = list.map((document) => stringify(document)).join('---\n');
      return { input, read: () => readScenario(input, SHORT) };
    },
  },
  text('sbatch and manifests', 100, [SBATCH, MANIFEST], (input) => readScenario(input, SHORT), [ScenarioError]),
  besideScenario('jobs.csv', JOBS_CSV),
  besideScenario('nodes.csv', NODES_CSV),
  besideScenario('requests.csv', REQUESTS_CSV),
  ...Object.entries(LOGS).map(
    ([format, log]): Target => ({
      name: `import ${format}`,
      few: 200,
      says: [UserError],
      make(stream) {
        const nodesToo = log.nodes !== undefined && stream.integer(3) === 0;
        const input = nodesToo ? log.text : mutatedText(log.text, [], stream);
        const nodes = nodesToo ? mutatedText(log.nodes as string, [], stream) : log.nodes;
        const options = { ...(nodes !== undefined && { nodes }), ...(log.map && { map: log.map }) };
        const read = async () => {
          const made = await importText(format, input, options);
          if (made.scenarioYaml === '') return;
          // What the importer takes, the reader takes: this may not be refused.
          const beside = { 'jobs.csv': made.jobsCsv, 'nodes.csv': made.nodesCsv, 'requests.csv': made.jobsCsv };
          try {
            readScenario(made.scenarioYaml, { ...SHORT, readFile: memoryReader(beside) });
          } catch (error) {
            throw new Error(`its own scenario is refused: ${(error as Error).message.slice(0, 300)}`);
          }
        };
        return { input: { input, nodes }, read };
      },
    }),
  ),
  {
    name: 'snapshot',
    few: 150,
    says: [UserError],
    make(stream) {
      const json = bytesOf(mutatedJson(pick(SNAPSHOTS, stream), ['Pending', 'gone'], stream));
      const kind = stream.integer(6);
      const bytes =
        kind === 0
          ? mutatedBytes(zipSync({ 'snapshot.json': json }), stream)
          : kind === 1
            ? mutatedBytes(gzipSync(json), stream)
            : kind === 2
              ? strToU8(mutatedText(new TextDecoder().decode(json), [], stream))
              : json;
      return {
        input: bytes,
        read: () => readSnapshot(bytes, 'snapshot.json', { skipDangling: stream.integer(2) === 0 }),
      };
    },
  },
  {
    name: 'run file',
    few: 60,
    says: [PageRefusal],
    make(stream) {
      const { columns, ...sums } = SAVED as { columns: unknown };
      const json = JSON.stringify(
        stream.integer(2) === 0
          ? mutatedJson(sums, [], stream)
          : { ...sums, columns: mutatedJson(columns, ['Float64Array', 'Int32Array', 'AAAA'], stream) },
      );
      const input = stream.integer(4) === 0 ? mutatedText(json, [], stream) : json;
      const read = async () => {
        const opened = await openFiles([{ name: 'run.json', bytes: strToU8(input) }]);
        if (opened.kind !== 'refused') return;
        if (OWN_ERRORS.test(opened.message)) throw new Error(opened.message);
        throw new PageRefusal(opened.message);
      };
      return { input, read };
    },
  },
  {
    name: 'address',
    few: 300,
    says: [Error],
    make(stream) {
      const kind = stream.integer(3);
      const json = JSON.stringify(mutatedJson(SHARED, [], stream));
      const bytes = deflateSync(strToU8(kind === 0 ? mutatedText(json, [], stream) : json));
      const whole = `#s=${Buffer.from(bytes).toString('base64url')}`;
      const input = kind === 1 ? mutatedText(fragmentOf(SHARED), [], stream) : whole;
      const read = () => {
        try {
          sharedOf(input);
        } catch (error) {
          const { message } = error as Error;
          if (error instanceof TypeError || error instanceof RangeError || OWN_ERRORS.test(message))
            throw new NotSaid(message);
          throw error;
        }
      };
      return { input, read };
    },
  },
  text(
    'study',
    60,
    [STUDY + TEXTS.find((each) => each.includes('name: small-team'))],
    (input) => {
      const study = studyDocument(input, 's.yaml');
      if (study !== undefined)
        compileStudy(study, openVariants(input, { file: 's.yaml', policies: POLICIES, durationUs: HOUR_US }));
    },
    [ScenarioError],
  ),
  {
    name: 'external answer',
    few: 100,
    says: [ForeignPolicyError],
    make(stream) {
      const answers = Array.from({ length: 3 }, () => mutatedJson(ANSWER, [], stream));
      let asked = 0;
      const read = () => {
        const ask = () => (asked < answers.length ? answers[asked++] : { actions: [], wakeAtUs: null });
        try {
          simulate(ONE_JOB, { policy: externalPolicy(ask, 'the program') });
        } catch (error) {
          // A simulation names the moment; what the policy did wrong is the cause.
          throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
        }
      };
      return { input: answers, read };
    },
  },
  text(
    'metrics file',
    500,
    [METRICS],
    (input) => {
      let player: ReturnType<typeof playback>;
      try {
        player = playback(input);
      } catch (error) {
        if (error instanceof TypeError || error instanceof RangeError) throw new NotSaid((error as Error).message);
        throw new UserError((error as Error).message);
      }
      player.at(player.durationUs);
      player.at(0);
    },
    [UserError],
  ),
  {
    name: 'command line',
    few: 60,
    says: [CommanderError, ...BAD_INPUTS],
    make(stream) {
      const words = pick(COMMAND_LINES, stream).split(' ');
      const input = mutatedText(words.join('\n'), ['--', '-', '--policy', '--help', '--json'], stream).split('\n');
      return { input, read: () => parseOnly(input) };
    },
  },
  {
    name: 'policy arguments',
    few: 500,
    says: [UserError, PolicyArgumentError],
    make(stream) {
      const policy = pick(POLICIES, stream);
      const pairs = Object.entries(policy.args).map(([name, spec]) => `${name}=${String(spec.default)}`);
      const input = mutatedText(pairs.join('\n'), Object.keys(policy.args), stream).split('\n');
      return {
        input: [policy.name, ...input],
        read: () => policy.create(checkedArgs(policy, policyArgs(policy, input))),
      };
    },
  },
];

/** Is in nobody's `says`. */
export class NotSaid extends TypeError {}

const ONE_JOB = readScenario(`apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 1h}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {jobs: [{gpus: 1, duration: 10m}, {gpus: 16, duration: 5m}]}
`);

/** Reads a command line to the end without doing what it says. */
function parseOnly(words: readonly string[]): void {
  const simsup = program();
  for (const command of [simsup, ...simsup.commands, ...simsup.commands.flatMap(({ commands }) => commands)]) {
    command.action(() => {}).configureOutput({ writeOut: () => {}, writeErr: () => {} });
  }
  simsup.parse([...words], { from: 'user' });
}
