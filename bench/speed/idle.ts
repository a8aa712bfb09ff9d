/**
 * A look of Run:ai's policy at a large pool in which nothing has changed: what its period costs a simulation when there is
 * nothing to decide. The pool is full and as many jobs again wait.
 */
import { plainProject, plainScenario } from '../../sim/plain.ts';
import type { PolicyFactory } from '../../sim/policy/policy.ts';
import { runai } from '../../sim/policy/runai/runai.ts';
import { jobColumns, nodeColumns, SECOND_US } from '../../sim/scenario.ts';
import { simulate } from '../../sim/simulate.ts';

const NODES = 12_500;
const PROJECTS = 20;
const HOUR_US = 3600 * SECOND_US;

/** Milliseconds of one look, the best of `rounds` means over a thousand. */
export function idleLook(rounds: number): { milliseconds: number; waiting: number } {
  let milliseconds = Infinity;
  const timed: PolicyFactory = {
    ...runai,
    create(args) {
      const policy = runai.create(args);
      const decide: typeof policy.decide = (view, memory, now, stream) => {
        const decision = policy.decide(view, memory, now, stream);
        if (now < HOUR_US) return decision;
        const unchanged = Object.create(view, {
          changedJobs: { value: [] },
          changedNodes: { value: [] },
          pended: { value: [] },
          left: { value: [] },
          freed: { value: false },
          nodeReturned: { value: false },
        }) as typeof view;
        let at = now;
        for (let round = 0; round < rounds; round++) {
          const start = performance.now();
          for (let look = 0; look < 1000; look++) {
            at += policy.periodUs;
            const { actions } = policy.decide(unchanged, memory, at, stream);
            if (actions.length > 0) throw new Error('idle: there was something to do');
          }
          milliseconds = Math.min(milliseconds, (performance.now() - start) / 1000);
        }
        return decision;
      };
      return { ...policy, decide };
    },
  };
  const gpus = 8;
  const service = (at: number) => ({
    id: `job-${at}`,
    project: at % PROJECTS,
    submitUs: at < 2 * NODES ? 0 : HOUR_US,
    durationUs: Infinity,
    taskGpus: [gpus],
  });
  const deserved = Math.floor((NODES * gpus) / PROJECTS);
  simulate(
    plainScenario({
      name: 'idle',
      durationUs: HOUR_US + SECOND_US,
      policy: { name: 'runai', args: {} },
      nodes: nodeColumns([{ pool: 0, count: NODES, gpus }]),
      projects: Array.from({ length: PROJECTS }, (_, at) => plainProject(`project-${at}`, [deserved])),
      // The last one is what is looked at after an hour; until then the pool comes to rest.
      jobs: jobColumns(Array.from({ length: 2 * NODES + 1 }, (_, at) => service(at))),
    }),
    { policy: timed },
  );
  return { milliseconds, waiting: NODES };
}
