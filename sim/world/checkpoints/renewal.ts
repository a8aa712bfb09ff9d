/**
 * One job, its checkpoints and its failures, alone in the world: what an interval between checkpoints is worth.
 *
 * The same rules as `Jobs` and `Checkpoints` follow: failures strike work, checkpoints and restarts alike; a checkpoint
 * counts when it has landed; one written behind the job's back lets it go on after a stall, the next one waits for it,
 * and a failure before it lands falls back to the one before. Nobody else competes for the storage or the nodes, and a
 * failed job restarts at once: so a million failures take a second, where a whole cluster would take hours.
 */
import { Engine } from '../../engine/engine.ts';
import { openStream } from '../../engine/random.ts';
import { exponential } from '../../engine/samplers.ts';

/** Times in µs. */
export interface RenewalJob {
  workUs: number;
  /** Work between checkpoints. */
  intervalUs: number;
  /** The job stands still for this long at each checkpoint. */
  stallUs: number;
  /** From the end of the stall to the checkpoint being complete; 0 = it is complete when the job goes on. */
  behindUs: number;
  /** From a failure to the first step: noticed, placed, started, read back. */
  restartUs: number;
  /** Mean time to interrupt, of the whole job. */
  mtbfUs: number;
  /** Failures at these times instead, ascending, µs. */
  failuresUs?: readonly number[];
}

/** Where the time went: work that lasted is `workUs`; the rest adds up to `wallUs`. */
export interface RenewalResult {
  wallUs: number;
  failures: number;
  lostUs: number;
  checkpointUs: number;
  restartUs: number;
}

const PHASE = 0;
const FAIL = 1;
const LAND = 2;

const WORK = 0;
const STALL = 1;
/** Waits for the last checkpoint to land. */
const WAIT = 2;
const RESTART = 3;

/** The same seed gives the same failures, whatever the interval: what differs between intervals is the interval. */
export function renew(job: RenewalJob, seed: string): RenewalResult {
  const engine = new Engine();
  const stream = openStream(seed, 'checkpoint/failures');
  const { workUs, intervalUs, stallUs, behindUs, restartUs, mtbfUs, failuresUs } = job;
  const result: RenewalResult = { wallUs: 0, failures: 0, lostUs: 0, checkpointUs: 0, restartUs: 0 };
  let done = 0;
  let begun = 0;
  let safe = 0;
  let doing = WORK;
  let since = 0;
  let phase = -1;
  let landing = -1;

  /** Books what it did until now. */
  const book = () => {
    const spent = engine.now - since;
    if (doing === WORK) done += spent;
    else if (doing === RESTART) result.restartUs += spent;
    else result.checkpointUs += spent;
    since = engine.now;
  };
  const turn = (to: number, us: number) => {
    doing = to;
    phase = us === Infinity ? -1 : engine.schedule(engine.now + us, 10, PHASE);
  };
  const work = () => turn(WORK, Math.max(0, Math.min(workUs - done, begun + intervalUs - done)));
  const scheduleFailure = () => {
    const at =
      failuresUs === undefined
        ? engine.now + Math.max(1, Math.round(exponential(stream, mtbfUs)))
        : (failuresUs[result.failures] ?? Infinity);
    if (at !== Infinity) engine.schedule(at, 20, FAIL);
  };

  engine.on(PHASE, () => {
    book();
    if (doing === WORK && done >= workUs) {
      result.wallUs = engine.now;
      engine.stop();
    } else if (doing === WORK) {
      if (landing >= 0) turn(WAIT, Infinity);
      else turn(STALL, stallUs);
    } else {
      if (doing === STALL) {
        begun = done;
        if (behindUs > 0) landing = engine.schedule(engine.now + behindUs, 5, LAND);
        else safe = done;
      }
      work();
    }
  });
  engine.on(LAND, () => {
    book();
    landing = -1;
    safe = begun;
    if (doing === WAIT) turn(STALL, stallUs);
  });
  engine.on(FAIL, () => {
    book();
    result.failures++;
    if (phase >= 0) engine.queue.cancel(phase);
    if (landing >= 0) engine.queue.cancel(landing);
    landing = -1;
    result.lostUs += done - safe;
    done = safe;
    begun = safe;
    turn(RESTART, restartUs);
    scheduleFailure();
  });
  phase = engine.schedule(Math.min(workUs, intervalUs), 10, PHASE);
  scheduleFailure();
  engine.run(Infinity);
  return result;
}

export interface Efficiency {
  /** Useful part of the time, over all runs. */
  mean: number;
  /** Standard error of it. */
  error: number;
  runs: number;
}

/** Runs with one seed after another until the standard error is at most `accuracy` of the mean, or `mostRuns` are made. */
export function renewalEfficiency(job: RenewalJob, seed: string, accuracy: number, mostRuns: number): Efficiency {
  let sum = 0;
  let squares = 0;
  for (let runs = 1; ; runs++) {
    const { wallUs } = renew(job, `${seed}/${runs}`);
    sum += wallUs;
    squares += wallUs * wallUs;
    const mean = sum / runs;
    const spread = runs < 2 ? 0 : Math.sqrt(Math.max(0, squares - runs * mean * mean) / (runs - 1) / runs) / mean;
    if ((runs >= LEAST_RUNS && spread <= accuracy) || runs >= mostRuns) {
      return { mean: job.workUs / mean, error: (spread * job.workUs) / mean, runs };
    }
  }
}

/** Fewer say nothing about their own spread. */
const LEAST_RUNS = 10;
