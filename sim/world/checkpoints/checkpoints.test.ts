import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CheckpointPlan, FileSystemSpec, JobSpec, StorageSettings } from '../../scenario.ts';
import { type Run, Simulation } from '../../simulate.ts';
import { seconds, smallScenario } from '../../testing.ts';
import { takeOff } from '../jobs/endings.ts';
import { corruptJob, haltJob, restartInPlace, resumeJob, rollBackJob } from '../jobs/faulted.ts';
import { evacuateJob, giveNotice, preemptJob } from '../jobs/stopping.ts';

const GB = 1e9;

const fileSystem = (given: Partial<FileSystemSpec> = {}): FileSystemSpec => ({
  name: 'scratch',
  readBytesPerSecond: 10 * GB,
  writeBytesPerSecond: 10 * GB,
  nodeReadBytesPerSecond: 10 * GB,
  nodeWriteBytesPerSecond: 10 * GB,
  farBytesPerSecond: Infinity,
  capacityBytes: Infinity,
  retentionUs: 0,
  ...given,
});

/** 100 GB: 10 s alone. */
const plan = (given: Partial<CheckpointPlan> = {}): CheckpointPlan => ({
  bytes: 100 * GB,
  asynchronous: false,
  stallUs: 0,
  tier: 'shared',
  sharedEvery: 0,
  fileSystem: 0,
  tierFileSystem: 1,
  keep: 3,
  ...given,
});

interface Given {
  job?: Partial<JobSpec> & { durationUs?: number };
  plan?: Partial<CheckpointPlan>;
  disk?: Partial<FileSystemSpec>;
  jobs?: number;
  dataset?: number;
}

/** Each job a whole node; a checkpoint after every 100 s of work. */
function world(given: Given = {}) {
  const count = given.jobs ?? 1;
  const storage: StorageSettings = {
    fileSystems: [fileSystem(given.disk), fileSystem({ name: 'tier', writeBytesPerSecond: Infinity })],
  };
  const scenario = smallScenario({
    nodes: [{ pool: 0, count: count + 1, gpus: 8 }],
    jobs: Array.from({ length: count }, () => ({
      durationUs: seconds(350),
      taskGpus: [8],
      checkpointEveryUs: seconds(100),
      checkpoint: plan(given.plan),
      ...(given.dataset && { dataset: { bytes: given.dataset, fileSystem: 0 } }),
      ...given.job,
    })),
    overrides: { storage, durationUs: Infinity },
  });
  return new Simulation(scenario);
}

function breakAt(simulation: Simulation, second: number, node = 0, state: 'unhealthy' | 'reclaimed' = 'unhealthy') {
  simulation.setNodeState(seconds(second), node, state);
  simulation.setNodeState(seconds(second) + 1, node, 'ready');
}

function finished(simulation: Simulation): Run {
  simulation.run();
  return simulation.result();
}

function gpuSeconds(r: Run, category: string): number {
  return r.entries.filter((e) => e.category === category).reduce((sum, e) => sum + Number(e.amount) / 7000 / 1e6, 0);
}

const end = (r: Run, job = 0) => r.jobs.endUs[job] / 1e6;

const DEEDS = ['notice', 'death', 'pause', 'restart', 'evacuate', 'corrupt', 'preempt', 'suspend'] as const;

/** What can happen to a job, in whatever phase it is. */
function befall(simulation: Simulation, job: number, how: (typeof DEEDS)[number]): void {
  const { jobs } = simulation;
  const later = (s = 13) => simulation.run(simulation.nowUs + seconds(s));
  if (how === 'notice') giveNotice(jobs, job, seconds(15), 'notice');
  else if (how === 'restart') restartInPlace(jobs, job, 'test');
  else if (how === 'evacuate') evacuateJob(jobs, job, 0, 'test');
  else if (how === 'preempt' || how === 'suspend') {
    if (jobs.works(job) && jobs.halted[job] === 0) preemptJob(jobs, { job, reason: 'test', saves: how === 'suspend' });
  } else if (how === 'corrupt') {
    if (!jobs.works(job)) return;
    corruptJob(jobs, job);
    later(70);
    rollBackJob(jobs, job, 'test');
  } else {
    haltJob(jobs, job, 0);
    later();
    if (jobs.halted[job] === 0) return;
    if (how === 'death') takeOff(jobs, job, 'kill', 0, 'test');
    else resumeJob(jobs, job);
  }
}

describe('checkpoints that have a size', () => {
  it('hold the job up while they are written, in turn', () => {
    const r = finished(world());
    expect(end(r)).toBe(350 + 3 * 10);
    expect(gpuSeconds(r, 'checkpoint')).toBe(8 * 30);
  });

  it('take longer when many jobs write at once', () => {
    const r = finished(world({ jobs: 4 }));
    // Four jobs share 10 GB/s: 40 s each time.
    expect([0, 1, 2, 3].map((j) => end(r, j))).toEqual([470, 470, 470, 470]);
  });

  it('hold it up only for a moment when written behind its back', () => {
    const r = finished(world({ plan: { asynchronous: true, stallUs: seconds(2) } }));
    expect(end(r)).toBe(350 + 3 * 2);
  });

  it('wait for the last one when they come too fast', () => {
    // 10 s to write, one wanted every 4 s of work: begun at 4, landed at 14, then every 10 s.
    const r = finished(
      world({ plan: { asynchronous: true }, job: { durationUs: seconds(9), checkpointEveryUs: seconds(4) } }),
    );
    // 4 s of work, 4 s of work beside the write, 6 s of waiting, 1 s of work.
    expect(end(r)).toBe(15);
    expect(gpuSeconds(r, 'checkpoint')).toBe(8 * 6);
  });

  it('lose what was done since the last complete one, and read that back', () => {
    const simulation = world();
    // Complete at 110 s; 40 s of work since.
    breakAt(simulation, 150);
    const r = finished(simulation);
    expect(gpuSeconds(r, 'lost')).toBe(8 * 40);
    expect(gpuSeconds(r, 'restart')).toBe(8 * 10);
    // On the other node at once: 10 s to read, 250 s of work, two more checkpoints.
    expect(end(r)).toBe(150 + 10 + 250 + 20);
  });

  it('fall back to the one before when broken while being written', () => {
    const simulation = world();
    // The second one begins at 210 s.
    breakAt(simulation, 215);
    const r = finished(simulation);
    expect(gpuSeconds(r, 'lost')).toBe(8 * 100);
    expect(end(r)).toBe(215 + 10 + 250 + 20);
  });

  it('fall back to the one before when the write behind has not landed', () => {
    const simulation = world({ plan: { asynchronous: true } });
    // Begun at 100 and 200 s; at 205 the second is half written.
    breakAt(simulation, 205);
    const r = finished(simulation);
    expect(gpuSeconds(r, 'lost')).toBe(8 * 105);
    const after = world({ plan: { asynchronous: true } });
    breakAt(after, 211);
    expect(gpuSeconds(finished(after), 'lost')).toBe(8 * 11);
  });

  it('begin the restore anew when that is interrupted', () => {
    const simulation = world();
    breakAt(simulation, 150);
    breakAt(simulation, 155, 1);
    const r = finished(simulation);
    expect(gpuSeconds(r, 'lost')).toBe(8 * 40);
    expect(gpuSeconds(r, 'restart')).toBe(8 * 15);
    expect(end(r)).toBe(155 + 10 + 250 + 20);
  });

  it('survive one node in the memory of peers, but no preemption', () => {
    const peers = { tier: 'peer-memory', sharedEvery: 2 } as const;
    const dies = world({ plan: peers });
    breakAt(dies, 150);
    expect(gpuSeconds(finished(dies), 'lost')).toBe(8 * 40);
    const taken = world({ plan: peers });
    breakAt(taken, 150, 0, 'reclaimed');
    // Nothing is in the shared file system yet: the 100 s before the checkpoint go too.
    expect(gpuSeconds(finished(taken), 'lost')).toBe(8 * 140);
    const later = world({ plan: peers });
    // The second is copied from 220 to 230 s.
    breakAt(later, 240, 0, 'reclaimed');
    expect(gpuSeconds(finished(later), 'lost')).toBe(8 * 20);
  });

  it('are counted once, whatever copies of them are made', () => {
    const simulation = world({ plan: { tier: 'local', sharedEvery: 2 } });
    let saved = 0;
    simulation.jobs.observer = (_, event) => (saved += event === 'saved' ? 1 : 0);
    simulation.run();
    // After 100, 200 and 300 s of work; the second is copied to the shared file system.
    expect(saved).toBe(3);
  });

  it('are of use on local disks only where they are', () => {
    const simulation = world({ plan: { tier: 'local', sharedEvery: 2 } });
    breakAt(simulation, 150);
    // It goes on on the other node, where nothing is: all of it is lost.
    const r = finished(simulation);
    expect(gpuSeconds(r, 'lost')).toBe(8 * 140);
    expect(end(r)).toBe(150 + 350 + 30);
  });

  it('are written on notice if the time suffices', () => {
    const noticed = (noticeUs: number) => {
      const simulation = world({ job: { checkpointOnPreempt: true } });
      simulation.setNodeState(seconds(150), 0, 'draining');
      simulation.run(seconds(150));
      giveNotice(simulation.jobs, 0, noticeUs, 'spot');
      breakAt(simulation, 150 + noticeUs / 1e6, 0, 'reclaimed');
      return finished(simulation);
    };
    expect(gpuSeconds(noticed(seconds(30)), 'lost')).toBe(0);
    expect(gpuSeconds(noticed(seconds(9)), 'lost')).toBe(8 * 49);
  });

  it('are refused when the file system is full; the job goes on', () => {
    const r = finished(world({ disk: { capacityBytes: 50 * GB } }));
    expect(end(r)).toBe(350);
  });

  it('are kept, the last few, and deleted when the job is over and its retention too', () => {
    const simulation = world({ plan: { keep: 2 }, disk: { retentionUs: seconds(1000) } });
    simulation.run(seconds(335));
    expect(simulation.storage?.usedBytes(0)).toBe(BigInt(200 * GB));
    expect(simulation.storage?.mostUsedBytes(0)).toBe(BigInt(300 * GB));
    finished(simulation);
    expect(simulation.storage?.usedBytes(0)).toBe(BigInt(100 * GB));
  });

  it('come after the data that a job reads before its first step', () => {
    const r = finished(world({ dataset: 500 * GB }));
    expect(end(r)).toBe(50 + 350 + 30);
    expect(gpuSeconds(r, 'restart')).toBe(8 * 50);
  });

  it('wait while the file system is down', () => {
    const simulation = world();
    simulation.run(seconds(105));
    // Half written.
    simulation.storage?.setDown(0, true);
    simulation.setNodeState(seconds(1000), 1, 'draining');
    simulation.run(seconds(1000));
    simulation.storage?.setDown(0, false);
    expect(end(finished(simulation))).toBe(1000 + 5 + 250 + 20);
  });

  it('keep the ledger exact and the work whole, whatever breaks when, and a fork ends as its parent', () => {
    const given = fc.record({
      tier: fc.constantFrom('shared', 'local', 'peer-memory'),
      asynchronous: fc.boolean(),
      sharedEvery: fc.integer({ min: 0, max: 3 }),
      onPreempt: fc.boolean(),
      grace: fc.integer({ min: 0, max: 20 }),
      room: fc.constantFrom(Infinity, 350 * GB),
      breaks: fc.array(
        fc.record({
          at: fc.nat(900),
          node: fc.nat(2),
          how: fc.constantFrom('unhealthy', 'reclaimed', ...DEEDS),
        }),
        { maxLength: 6 },
      ),
      cut: fc.nat(900),
    });
    fc.assert(
      fc.property(given, ({ tier, asynchronous, sharedEvery, onPreempt, grace, room, breaks, cut }) => {
        const simulation = world({
          jobs: 2,
          plan: { tier: tier as CheckpointPlan['tier'], asynchronous, sharedEvery, stallUs: seconds(1) },
          disk: { capacityBytes: room },
          job: { checkpointOnPreempt: onPreempt, graceUs: seconds(grace) },
        });
        const steps = [...breaks].sort((a, b) => a.at - b.at);
        for (const { at, node, how } of steps)
          if (how === 'unhealthy' || how === 'reclaimed') breakAt(simulation, at, node, how);
        for (const { at, node, how } of steps) {
          if (how === 'unhealthy' || how === 'reclaimed') continue;
          simulation.run(seconds(at));
          befall(simulation, node % 2, how);
        }
        const fork = simulation.fork();
        simulation.run(seconds(cut));
        const later = simulation.fork();
        const r = finished(simulation);
        expect(finished(fork).digest).toBe(r.digest);
        expect(finished(later).digest).toBe(r.digest);
        // Every job is done once: what counts as productive is exactly its work.
        expect(gpuSeconds(r, 'productive')).toBe(2 * 8 * 350);
        expect(r.jobs.endUs.every((at) => at >= seconds(350))).toBe(true);
        expect(simulation.storage?.usedBytes(0)).toBe(0n);
      }),
      { numRuns: 250 },
    );
  });
});
