/**
 * An independent audit of a run from its event trace: who held which GPU when, what every job did with its time and
 * where every GPU-microsecond went, computed from the rows and the scenario alone. Throws at the first thing that cannot be.
 */
import { GPU_UNITS } from '../cluster/cluster.ts';
import { AFTER_CONDITIONS, JOB_CLASSES, type Scenario } from '../scenario.ts';
import type { Category } from './ledger.ts';
import type { Run } from './run.ts';
import type { TraceRow } from './trace.ts';

type Amounts = Record<string, bigint>;

interface Audit {
  /** By category, from the ledger's own movements. */
  byMovement: Amounts;
  /** By what jobs did: `work` is productive, lost and idle-allocated together, `service` both kinds of serving. */
  byActivity: Amounts;
  /** Of `work`, what was thrown away: counted in whole, as if jobs used all of their GPUs. */
  lostWork: bigint;
  /** From placements and releases alone. */
  allocated: bigint;
  /** What happened at all, to know that a test tested something. */
  seen: Record<string, number>;
}

/** What the policy promises. */
export interface Rules {
  /** A gang is placed all at once, in one pool. */
  gangs: boolean;
  /** A preempted job keeps its work, whether or not it saves itself. */
  suspends: boolean;
  /** The policy ends jobs at these limits, µs after each start; they have this long to stop. */
  limits?: { of(scenario: Scenario, job: number): number; killWaitUs: number };
  /** Longest grace period of a preempted job, µs; one that needs longer saves nothing. */
  graceUs?: number;
}

interface JobState {
  place: Map<number, { node: number; mask: number; since: number; units: number }>;
  phase: 'out' | 'waiting' | 'starting' | 'running' | 'checkpointing' | 'terminating' | 'over';
  since: number;
  starts: number;
  deaths: number;
  /** Work safe in a checkpoint, and what the present run has done since, µs at reference speed. */
  saved: number;
  unsaved: number;
  /** Wall time of running since the last save, µs. */
  unsavedWall: number;
  started: boolean;
  ended: '' | 'completed' | 'failed';
  speed: number;
  /** When it started this time, and whether it was told to stop for good since. */
  startedUs: number;
  overLimit: boolean;
}

const INFERENCE = JOB_CLASSES.indexOf('inference');

export function fail(row: TraceRow, what: string): never {
  throw new Error(`audit: ${what}: ${JSON.stringify(row)}`);
}

/** Units one device of the job takes in the pool, from the scenario. */
export function unitsOf(scenario: Scenario, job: number, pool: number): number {
  const { jobs, pools, migProfiles, migLayouts } = scenario;
  if (jobs.migProfile[job] >= 0) {
    const name = migProfiles[jobs.migProfile[job]];
    const layout = migLayouts.find(({ instances }) => instances.includes(name));
    return layout === undefined ? GPU_UNITS : layout.sevenths[layout.instances.indexOf(name)] * 1000;
  }
  const memory = jobs.gpuMemoryMiB[job];
  return (
    7 * (memory > 0 ? Math.min(1000, Math.ceil((memory * 1000) / pools[pool].gpuMemoryMiB)) : jobs.shareMilli[job])
  );
}

/** `scenario` as the policy saw it (a scheduler without shares has rounded them up). */
export function auditTrace(scenario: Scenario, rows: readonly TraceRow[], run: Run, rules: Rules): Audit {
  const { jobs, nodes, migLayouts, migProfiles } = scenario;
  const end = run.simulatedUs;
  const seen: Record<string, number> = {};
  const byMovement: Amounts = {};
  const byActivity: Amounts = {};
  let lostWork = 0n;
  let allocated = 0n;
  const add = (amounts: Amounts, name: string, amount: bigint) => {
    amounts[name] = (amounts[name] ?? 0n) + amount;
  };
  const note = (what: string) => {
    seen[what] = (seen[what] ?? 0) + 1;
  };

  const gpuStart = [0];
  for (let n = 0; n < nodes.count; n++) gpuStart.push(gpuStart[n] + nodes.gpus[n]);
  const used = new Array<number>(gpuStart[nodes.count]).fill(0);
  const cpu = Array.from(nodes.cpuMilli);
  const memory = Array.from(nodes.memoryMiB);
  const nodeState = new Array<string>(nodes.count).fill('ready');
  const instances = new Map<string, number>();
  const states: JobState[] = Array.from({ length: jobs.count }, () => ({
    place: new Map(),
    phase: 'out',
    since: 0,
    starts: 0,
    deaths: 0,
    saved: 0,
    unsaved: 0,
    unsavedWall: 0,
    started: false,
    ended: '',
    speed: 1000,
    startedUs: 0,
    overLimit: false,
  }));
  const unitsHeld = (job: number) => {
    let units = 0;
    for (const [task, at] of states[job].place) units += at.units * jobs.taskGpus[task];
    return BigInt(units);
  };
  const limitOf = (job: number) => rules.limits?.of(scenario, job) ?? Infinity;
  const graceOf = rules.graceUs ?? Infinity;
  const wallFor = (work: number, speed: number) => Math.ceil((work * 1000) / speed);

  /** Books what the job did from its last change until now. */
  const book = (job: number, now: number) => {
    const state = states[job];
    const service = jobs.class[job] === INFERENCE;
    const held = unitsHeld(job);
    let from = state.since;
    if (state.phase === 'starting' || state.phase === 'running') {
      // `running` begins when the start-up is over; the trace has no row for that moment.
      if (state.phase === 'starting') {
        const ready = from + jobs.startupUs[job] + (state.starts > 1 ? jobs.restoreUs[job] : 0);
        add(byActivity, 'restart', held * BigInt(Math.min(now, ready) - from));
        if (now < ready) return;
        state.phase = 'running';
        from = ready;
      }
      const wall = now - from;
      add(byActivity, service ? 'service' : 'work', held * BigInt(wall));
      state.unsavedWall += wall;
      const most = Math.min(jobs.checkpointEveryUs[job] || Infinity, jobs.durationUs[job] - state.saved);
      state.unsaved = Math.min(most, state.unsaved + Math.floor((wall * state.speed) / 1000));
    } else if (state.phase === 'checkpointing') {
      add(byActivity, 'checkpoint', held * BigInt(now - from));
    } else if (state.phase === 'terminating') {
      add(byActivity, 'terminating', held * BigInt(now - from));
    }
  };
  const save = (state: JobState) => {
    state.saved += state.unsaved;
    state.unsaved = 0;
    state.unsavedWall = 0;
  };
  const turn = (job: number, phase: JobState['phase'], now: number) => {
    book(job, now);
    states[job].phase = phase;
    states[job].since = now;
  };

  const place = (row: TraceRow) => {
    const { job, task, node, mask, timeUs } = row;
    const state = states[job];
    const pool = nodes.pool[node];
    const units = unitsOf(scenario, job, pool);
    if (state.phase !== 'waiting') fail(row, `job is ${state.phase} when it is placed`);
    if (state.place.has(task)) fail(row, 'task is placed twice');
    if (nodeState[node] !== 'ready') fail(row, `node is ${nodeState[node]}`);
    if (!scenario.poolLists[jobs.poolList[job]].includes(pool)) fail(row, 'pool is not in the list of the job');
    for (let k = jobs.afterStart[job]; k < jobs.afterStart[job + 1]; k++) {
      const other = states[jobs.afterJob[k]];
      const condition = AFTER_CONDITIONS[jobs.afterCondition[k]];
      const met =
        condition === 'started'
          ? other.started
          : condition === 'ended'
            ? other.ended !== ''
            : other.ended === 'completed';
      if (!met) fail(row, `condition '${condition}' on job ${jobs.afterJob[k]} is not met`);
      note(`after ${condition}`);
    }
    const profile = jobs.migProfile[job];
    if (profile >= 0 && jobs.taskGpus[task] > 0) {
      note('mig');
      const name = migProfiles[profile];
      const key = `${node} ${name}`;
      instances.set(key, (instances.get(key) ?? 0) + jobs.taskGpus[task]);
      const layout = migLayouts[nodes.migLayout[node]];
      const most = nodes.gpus[node] * layout.instances.filter((instance) => instance === name).length;
      if ((instances.get(key) as number) > most) fail(row, 'more MIG instances than there are');
    } else {
      let devices = 0;
      for (let g = 0; g < nodes.gpus[node]; g++) {
        if ((mask & (1 << g)) === 0) continue;
        devices++;
        used[gpuStart[node] + g] += units;
        if (used[gpuStart[node] + g] > GPU_UNITS) fail(row, `GPU ${g} is over-committed`);
      }
      if (devices !== jobs.taskGpus[task]) fail(row, `${devices} GPUs for a task of ${jobs.taskGpus[task]}`);
      if (units < GPU_UNITS && devices > 0) note(jobs.gpuMemoryMiB[job] > 0 ? 'gpu memory' : 'share');
    }
    cpu[node] -= jobs.cpuMilli[job];
    memory[node] -= jobs.memoryMiB[job];
    if (cpu[node] < 0 || memory[node] < 0) fail(row, 'CPU or memory is over-committed');
    if (rules.gangs) {
      for (const at of state.place.values()) {
        if (at.since !== timeUs) fail(row, 'gang is placed in parts');
        if (nodes.pool[at.node] !== pool) fail(row, 'gang spans pools');
      }
    }
    state.place.set(task, { node, mask, since: timeUs, units });
  };

  const release = (row: TraceRow) => {
    const { job, task, timeUs } = row;
    const state = states[job];
    const at = state.place.get(task);
    if (at === undefined) fail(row, 'task is released but not placed');
    if (at.node !== row.node || at.mask !== row.mask) fail(row, 'task is released elsewhere than it was placed');
    const devices = jobs.taskGpus[task];
    allocated += BigInt(at.units * devices) * BigInt(timeUs - at.since);
    if (state.phase === 'waiting') add(byActivity, 'reserved', BigInt(at.units * devices) * BigInt(timeUs - at.since));
    state.place.delete(task);
    const most = limitOf(job) + (state.overLimit ? (rules.limits?.killWaitUs ?? 0) : 0);
    // A grace period that began before the limit may run past it.
    if (state.phase !== 'waiting' && (state.phase !== 'terminating' || state.overLimit)) {
      if (timeUs - state.startedUs > most) fail(row, 'job runs past its time limit');
    }
    if (jobs.migProfile[job] >= 0 && devices > 0) {
      const key = `${at.node} ${migProfiles[jobs.migProfile[job]]}`;
      instances.set(key, (instances.get(key) as number) - devices);
    } else {
      for (let g = 0; g < nodes.gpus[at.node]; g++)
        if ((at.mask & (1 << g)) !== 0) used[gpuStart[at.node] + g] -= at.units;
    }
    cpu[at.node] += jobs.cpuMilli[job];
    memory[at.node] += jobs.memoryMiB[job];
    // The last task out: the job has left, unless it has completed, which its next row says.
    if (state.place.size === 0 && state.phase === 'terminating') state.phase = 'waiting';
  };

  const start = (row: TraceRow) => {
    const { job, timeUs } = row;
    const state = states[job];
    if (state.phase !== 'waiting') fail(row, `job is ${state.phase} when it starts`);
    if (state.place.size !== jobs.taskStart[job + 1] - jobs.taskStart[job])
      fail(row, 'job starts without all its tasks');
    state.speed = Infinity;
    for (const [task, at] of state.place) {
      add(byActivity, 'reserved', BigInt(at.units * jobs.taskGpus[task]) * BigInt(timeUs - at.since));
      const profile = jobs.speedProfile[job];
      const speed = profile < 0 ? 1000 : scenario.speedProfiles[profile][nodes.pool[at.node]];
      state.speed = Math.min(state.speed, speed);
    }
    if (state.overLimit) fail(row, 'job starts again after its time limit');
    if (state.starts > 0) note('start again');
    state.startedUs = timeUs;
    state.starts++;
    state.started = true;
    state.phase = 'starting';
    state.since = timeUs;
    state.unsaved = 0;
    state.unsavedWall = 0;
    if (jobs.maxAttempts[job] > 0 && state.deaths >= jobs.maxAttempts[job]) fail(row, 'more attempts than it has');
  };

  /** A running phase is over by itself: it took exactly the time its work takes. */
  const phaseDone = (row: TraceRow, work: number) => {
    const state = states[row.job];
    if (state.phase === 'starting' || state.phase === 'running') book(row.job, row.timeUs);
    if (state.phase !== 'running') fail(row, `job is ${state.phase}`);
    const wall = wallFor(work, state.speed);
    if (state.unsavedWall !== wall)
      fail(row, `it ran ${state.unsavedWall} µs since its last save, its work takes ${wall}`);
    state.unsaved = work;
  };

  const terminal = (row: TraceRow, ended: 'completed' | 'failed') => {
    const state = states[row.job];
    if (state.ended !== '') fail(row, 'job ends twice');
    if (state.place.size > 0) fail(row, 'job ends and still holds GPUs');
    state.ended = ended;
    state.phase = 'over';
    note(row.event);
  };

  const interrupted = (row: TraceRow, saves: boolean) => {
    const { job, timeUs } = row;
    const state = states[job];
    note(row.event);
    if (state.phase === 'waiting') return; // half a gang gives back what it had
    if (state.phase === 'terminating') return;
    book(job, timeUs);
    if (saves) {
      save(state);
    } else {
      const service = jobs.class[job] === INFERENCE;
      if (state.unsavedWall > 0 && !service) note('work lost');
      if (!service) lostWork += unitsHeld(job) * BigInt(state.unsavedWall);
      state.unsaved = 0;
      state.unsavedWall = 0;
    }
    state.phase = 'terminating';
    state.since = timeUs;
  };

  let last = 0;
  for (const row of rows) {
    const { event, job, timeUs } = row;
    if (timeUs < last) fail(row, 'time runs backwards');
    last = timeUs;
    const state = states[job];
    if (event === 'ledger') {
      const amount = BigInt(row.units) * BigInt(end - timeUs);
      if (row.from !== '') add(byMovement, row.from, -amount);
      add(byMovement, row.to, amount);
    } else if (event === 'lost') {
      add(byMovement, row.from, -BigInt(row.units));
      add(byMovement, row.to, BigInt(row.units));
    } else if (event === 'node') {
      nodeState[row.node] = row.reason;
      note(`node ${row.reason}`);
    } else if (event === 'submit') {
      if (timeUs !== jobs.submitUs[job]) fail(row, 'submitted at another time');
      if (state.phase === 'out') state.phase = 'waiting';
    } else if (event === 'place') {
      place(row);
    } else if (event === 'start') {
      start(row);
    } else if (event === 'release') {
      if (state.phase === 'starting' || state.phase === 'running') {
        // Only completion frees a running job's GPUs without a warning.
        phaseDone(row, jobs.durationUs[job] - state.saved);
        save(state);
        state.phase = 'over';
      }
      if (state.phase === 'terminating') turn(job, 'terminating', timeUs);
      release(row);
    } else if (event === 'checkpoint') {
      phaseDone(row, jobs.checkpointEveryUs[job]);
      state.phase = 'checkpointing';
      state.since = timeUs;
      note(event);
    } else if (event === 'saved') {
      if (timeUs - state.since !== jobs.checkpointStallUs[job]) fail(row, 'the write took another time');
      turn(job, 'running', timeUs);
      save(state);
    } else if (event === 'preempt') {
      interrupted(row, rules.suspends || (jobs.checkpointOnPreempt[job] === 1 && jobs.graceUs[job] <= graceOf));
    } else if (event === 'limit') {
      if (timeUs - state.startedUs !== limitOf(job)) fail(row, 'stopped at another time than its limit');
      state.overLimit = true;
      const killWaitUs = rules.limits?.killWaitUs ?? 0;
      interrupted(row, jobs.checkpointOnPreempt[job] === 1 && jobs.graceUs[job] <= killWaitUs);
    } else if (event === 'reclaim') {
      // Its node is taken away at once: no time to save anything, and no attempt used up.
      interrupted(row, false);
    } else if (event === 'kill') {
      states[row.job].deaths++;
      interrupted(row, false);
    } else if (event === 'complete') {
      if (jobs.taskStart[job + 1] === jobs.taskStart[job]) fail(row, 'job without tasks completes');
      if (state.saved !== jobs.durationUs[job])
        fail(row, `completes with ${state.saved} µs of work of ${jobs.durationUs[job]}`);
      if (state.overLimit) fail(row, 'job completes after its time limit');
      terminal(row, 'completed');
    } else if (event === 'fail' || event === 'unschedulable') {
      terminal(row, 'failed');
    }
  }

  states.forEach((state, job) => {
    if (state.phase === 'waiting') {
      for (const [task, at] of state.place) {
        add(byActivity, 'reserved', BigInt(at.units * jobs.taskGpus[task]) * BigInt(end - at.since));
      }
    } else if (state.place.size > 0) {
      book(job, end);
    }
    for (const [task, at] of state.place) allocated += BigInt(at.units * jobs.taskGpus[task]) * BigInt(end - at.since);
  });
  return { byMovement, byActivity, lostWork, allocated, seen };
}

/** Σ of the run's ledger over these categories. */
export function sumOf(run: Run, categories: readonly Category[]): bigint {
  let sum = 0n;
  for (const { category, amount } of run.entries) if (categories.includes(category)) sum += amount;
  return sum;
}
