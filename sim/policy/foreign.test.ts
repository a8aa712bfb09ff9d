import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulate } from '../simulate.ts';
import { seconds, smallScenario } from '../testing.ts';
import { ForeignPolicyError, foreignPolicy } from './foreign.ts';
import { POLICIES } from './index.ts';

const WHO = 'the policy module mine.mjs';

/** Two nodes of 8 GPUs; job 0 wants 4, job 1 a gang of 2 × 8, job 2 half a GPU, job 3 another pool's. */
const scenario = smallScenario({
  nodes: [
    { pool: 0, count: 2, gpus: 8 },
    { pool: 1, count: 1, gpus: 8 },
  ],
  jobs: [
    { durationUs: seconds(60), taskGpus: [4] },
    { durationUs: seconds(60), taskGpus: [8, 8] },
    { durationUs: seconds(60), taskGpus: [1], shareMilli: 500 },
    { durationUs: seconds(60), taskGpus: [1], poolList: 1 },
  ],
  overrides: { poolLists: [[0], [1]], durationUs: seconds(3600) },
});

const answering = (decide: (...given: never[]) => unknown, more: Record<string, unknown> = {}) => ({
  name: 'mine',
  create: () => ({ init: () => 0, decide, ...more }),
});

function complaint(given: unknown): string {
  try {
    simulate(scenario, { policy: foreignPolicy(given, WHO) });
  } catch (error) {
    const cause = error instanceof ForeignPolicyError ? error : (error as Error).cause;
    expect(cause, String(error)).toBeInstanceOf(ForeignPolicyError);
    const { message } = cause as Error;
    expect(message.startsWith(`${WHO}: `)).toBe(true);
    expect(message.length).toBeLessThan(400);
    return message.slice(WHO.length + 2);
  }
  return 'no complaint';
}

describe('what a module exports', () => {
  it.each<[unknown, string]>([
    [7, 'its export: found 7, expected an object {name, about, args, create(args)}'],
    [undefined, 'its export: found nothing, expected an object'],
    [{ create: () => 0 }, 'name: found nothing, expected a name without spaces'],
    [{ name: 'two words', create: () => 0 }, "name: found 'two words'"],
    [{ name: 'm' }, 'create: found nothing, expected a function create(args)'],
    [{ name: 'm', create: () => 0, about: 3 }, 'about: found 3, expected a sentence'],
    [{ name: 'm', create: () => 0, args: 3 }, 'args: found 3'],
    [
      { name: 'm', create: () => 0, args: { a: { type: 'text' } } },
      "args.a.type: found 'text', expected one of choice",
    ],
    [{ name: 'm', create: () => 0, args: { a: { type: 'choice' } } }, 'args.a.of: found nothing'],
    [{ name: 'm', create: () => 0, args: { a: { type: 'number', min: 0 } } }, 'args.a.max: found nothing'],
    [
      { name: 'm', create: () => 0, args: { a: { type: 'number', min: 0, max: 1, default: 2 } } },
      'args.a.default: found 2, expected a number from 0 to 1',
    ],
    [{ name: 'm', create: () => 0 }, 'create: found 0, expected to return {name, periodUs, init, decide}'],
    [{ name: 'm', create: (): unknown => ({ decide: () => 0 }) }, 'init: found nothing, expected a function'],
    [{ name: 'm', create: (): unknown => ({ init: () => 0 }) }, 'decide: found nothing, expected a function'],
    [answering(() => 0, { periodUs: 1.5 }), 'periodUs: found 1.5, expected whole µs'],
    [answering(() => 0, { limits: {} }), 'limits: found an object, expected {of(scenario, job), killWaitUs}'],
    [
      answering(() => {
        throw new Error('my mistake');
      }),
      'decide failed: my mistake',
    ],
    [
      answering(() => 0, {
        init() {
          throw 'text';
        },
      }),
      'init failed: text',
    ],
  ])('is refused by field: %#', (given, message) => {
    expect(complaint(given)).toContain(message);
  });
});

describe('what decide answers', () => {
  const place = (more: Record<string, unknown> = {}) => ({
    kind: 'place',
    job: 0,
    tasks: [0],
    nodes: [0],
    masks: [0b1111],
    reason: '',
    ...more,
  });
  const acts = (...actions: unknown[]) => answering(() => ({ actions, state: 0, wakeAt: Infinity }));

  it.each([
    [answering(() => undefined), 'decide: its answer: found nothing, expected {actions, state, wakeAt}'],
    [answering(async () => 0), 'found a promise (decide must answer at once'],
    [answering(() => ({ wakeAt: 0 })), 'actions: found nothing, expected a list'],
    [answering(() => ({ actions: [] })), 'wakeAt: found nothing, expected a time in whole µs, or Infinity'],
    [answering(() => ({ actions: [], wakeAt: Number.NaN })), 'wakeAt: found NaN'],
    [acts(3), 'actions[0]: found 3'],
    [acts({ kind: 'start' }), "actions[0].kind: found 'start', expected 'place', 'preempt', 'shrink' or 'wait'"],
    [acts(place({ job: 4 })), 'actions[0].job: found 4, expected the number of a job, 0 to 3'],
    [acts(place({ job: 'a' })), "actions[0].job: found 'a'"],
    [acts(place({ reason: undefined })), 'actions[0].reason: found nothing'],
    [acts(place({ masks: undefined })), 'actions[0].masks: found nothing, expected a list of whole numbers'],
    [acts(place({ nodes: [0, 1] })), 'found 1 tasks, 2 nodes and 1 masks'],
    [acts(place({ tasks: [1] })), "actions[0].tasks[0]: found 1, expected a task of job 'job-0', 0 to 0"],
    [acts(place({ nodes: [9] })), 'actions[0].nodes[0]: found 9, expected the number of a node, 0 to 2'],
    [acts(place({ nodes: [2] })), "node 'pool1-0' is in pool pool-1, but job 'job-0' may use pool-0 only"],
    [acts(place({ masks: [0b111] })), 'actions[0].masks[0]: found 3 GPUs, expected the 4 that the task asks for'],
    [acts(place({ masks: [0b1000000111] })), "GPU 9 of node 'pool0-0' does not exist: it has 8"],
    [acts(place({ masks: ['f'] })), "masks[0]: found 'f', expected 4 bits"],
    [acts(place(), place()), "actions[1].tasks[0]: task 0 of job 'job-0' is placed already"],
    [acts(place(), place({ job: 2, tasks: [3], masks: [1] })), "actions[1].masks[0]: GPU 0 of node 'pool0-0' is taken"],
    [
      acts(place(), place({ job: 1, tasks: [1, 2], nodes: [0, 1], masks: [255, 255] })),
      "actions[1].nodes[0]: node 'pool0-0' has no room for task 1 of job 'job-1'",
    ],
    [acts({ kind: 'preempt', job: 0, reason: '' }), "job 'job-0' is to be preempted but holds nothing"],
    [acts({ kind: 'shrink', job: 0, tasks: [0], reason: '' }), "job 'job-0' is to shrink but does not run"],
  ])('is refused by field: %#', (given, message) => {
    expect(complaint(given)).toContain(message);
  });

  it('is never a JavaScript error, whatever it is', () => {
    const nonsense = fc.oneof(fc.anything(), fc.integer(), fc.array(fc.integer({ min: -1, max: 300 })));
    const action = fc.record(
      {
        kind: fc.constantFrom('place', 'preempt', 'shrink', 'wait', 'x'),
        job: fc.oneof(fc.integer({ min: 0, max: 3 }), nonsense),
        tasks: fc.oneof(fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }), nonsense),
        nodes: fc.oneof(fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 3 }), nonsense),
        masks: fc.oneof(fc.array(fc.constantFrom(1, 3, 15, 240, 255), { maxLength: 3 }), nonsense),
        reason: fc.oneof(fc.constant(''), nonsense),
        saves: nonsense,
        graceUs: nonsense,
      },
      { requiredKeys: ['kind', 'job', 'reason'] },
    );
    const answer = fc.oneof(
      nonsense,
      fc.record({ actions: fc.array(action, { maxLength: 3 }), wakeAt: fc.constant(Infinity) }),
    );
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1, maxLength: 3 }), (answers) => {
        let n = 0;
        complaint(answering(() => answers[n++] ?? { actions: [], state: 0, wakeAt: Infinity }));
      }),
      { numRuns: 500 },
    );
  });

  it('passes unchanged from policies that keep the rules', () => {
    const busy = smallScenario({
      jobs: Array.from({ length: 60 }, (_, i) => ({
        durationUs: seconds(20 + ((i * 37) % 90)),
        submitUs: seconds(i * 4),
        taskGpus: [[1], [4], [8, 8], [2], [8]][i % 5],
        shareMilli: i % 5 === 0 ? 500 : 1000,
      })),
    });
    for (const factory of POLICIES) {
      const scenarioOf = { ...busy, policy: { name: factory.name, args: {} } };
      const plain = simulate(scenarioOf);
      expect(simulate(scenarioOf, { policy: foreignPolicy(factory, WHO) }).digest, factory.name).toBe(plain.digest);
    }
  });
});
