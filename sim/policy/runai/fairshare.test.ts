import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allocatableShare, divideFairShare, queueTree, resourceColumns, UNLIMITED } from './fairshare.ts';

interface Queue {
  parent?: number;
  priority?: number;
  deserved?: number;
  limit?: number;
  weight?: number;
  request?: number;
  usage?: number;
}

function divide(queues: Queue[], total: number, k = 0) {
  const n = queues.length;
  const columns = resourceColumns(n);
  queues.forEach((queue, i) => {
    columns.deserved[i] = queue.deserved ?? 0;
    columns.limit[i] = queue.limit ?? UNLIMITED;
    columns.overQuotaWeight[i] = queue.weight ?? 1;
    columns.request[i] = queue.request ?? 0;
    columns.usage[i] = queue.usage ?? 0;
  });
  const tree = queueTree(
    Int32Array.from(queues, ({ parent }) => parent ?? -1),
    Float64Array.from(queues, ({ priority }) => priority ?? 100),
    Int32Array.from(queues, (_, i) => i),
  );
  divideFairShare(tree, columns, total, k);
  return columns;
}
const shares = (queues: Queue[], total: number, k = 0) => Array.from(divide(queues, total, k).fairShare);

describe('fair share among siblings', () => {
  it('gives what is deserved, as far as it is asked for', () => {
    expect(shares([{ deserved: 4, request: 3, weight: 0 }], 10)).toEqual([3]);
    expect(shares([{ deserved: 4, request: 9, weight: 0 }], 10)).toEqual([4]);
    expect(shares([{ deserved: 2.5, request: 9, weight: 0 }], 10)).toEqual([2.5]);
    expect(shares([{ deserved: UNLIMITED, request: 30, weight: 0 }], 10)).toEqual([10]);
  });

  it('gives what is deserved even where there is not enough', () => {
    const both = [
      { deserved: 6, request: 6 },
      { deserved: 6, request: 6 },
    ];
    expect(shares(both, 8)).toEqual([6, 6]);
  });

  it('keeps to the limit', () => {
    expect(shares([{ deserved: 4, request: 9, limit: 3 }], 10)).toEqual([3]);
    expect(shares([{ request: 9, limit: 5 }, { request: 9 }], 12)).toEqual([5, 7]);
  });

  it('divides the rest by weight, over again while somebody needs less than his part', () => {
    expect(
      shares(
        [
          { request: 20, weight: 1 },
          { request: 20, weight: 3 },
        ],
        16,
      ),
    ).toEqual([4, 12]);
    expect(
      shares(
        [
          { request: 1, weight: 3 },
          { request: 20, weight: 1 },
          { request: 20, weight: 2 },
        ],
        13,
      ),
    ).toEqual([1, 4, 8]);
  });

  it('deals out what rounding down left: the largest remainder first, then the older', () => {
    // 10 × 1/7 = 1.43, 10 × 4/7 = 5.71, 10 × 2/7 = 2.86: 8 in whole GPUs, 2 left.
    const weights = [1, 4, 2].map((weight) => ({ request: 20, weight }));
    expect(shares(weights, 10)).toEqual([1, 6, 3]);
    expect(shares([{ request: 5 }, { request: 5 }], 7)).toEqual([4, 3]);
    expect(shares([{ request: 5 }, { request: 5 }], 6.5)).toEqual([3.5, 3]);
  });

  it('serves higher priority first, but only beyond what is deserved', () => {
    const two = [
      { deserved: 2, request: 9, priority: 1, weight: 100 },
      { deserved: 2, request: 7, priority: 2, weight: 1 },
    ];
    expect(shares(two, 4)).toEqual([2, 2]);
    expect(shares(two, 7)).toEqual([2, 5]);
    expect(shares(two, 10)).toEqual([3, 7]);
  });

  it('gives less to who used more lately, as strongly as k says', () => {
    const two = [
      { request: 100, usage: 0.6 },
      { request: 100, usage: 0.2 },
    ];
    expect(shares(two, 40, 0)).toEqual([20, 20]);
    // Weights ½ + 1·(½ − 0.6) = 0.4 and ½ + 1·(½ − 0.2) = 0.8.
    expect(shares(two, 60, 1)).toEqual([20, 40]);
    // ½ + 5·(−0.1) = 0: nothing at all.
    expect(shares(two, 60, 5)).toEqual([0, 60]);
  });

  it('gives nothing over quota without a weight', () => {
    expect(shares([{ deserved: 1, request: 9, weight: 0 }, { request: 2 }], 10)).toEqual([1, 2]);
  });
});

describe('fair share down a hierarchy', () => {
  it('divides among children what their parent got', () => {
    const tree = [
      { request: 30, deserved: 8 },
      { request: 30, deserved: 4 },
      { parent: 0, request: 20 },
      { parent: 0, request: 10, deserved: 3 },
      { parent: 1, request: 30 },
    ];
    // 20: 8 + 4 deserved, 8 over: 4 each. 12 under the first: 3 deserved, 9 over: 4.5 each, the half GPUs to the older.
    expect(shares(tree, 20)).toEqual([12, 8, 5, 7, 8]);
  });

  it('takes children and parents in any order', () => {
    const tree = [{ parent: 1, request: 5 }, { parent: 2, request: 5 }, { request: 5 }];
    expect(shares(tree, 3)).toEqual([3, 3, 3]);
  });

  it('refuses a circle', () => {
    expect(() => shares([{ parent: 1 }, { parent: 0 }], 3)).toThrow('above itself');
  });
});

it('what may be held without a claim is the larger of fair share and deserved, up to the limit', () => {
  const columns = divide(
    [
      { deserved: 4, request: 1 },
      { deserved: 4, request: 9, limit: 6 },
      { deserved: UNLIMITED, request: 1 },
    ],
    30,
  );
  expect([0, 1, 2].map((queue) => allocatableShare(columns, queue))).toEqual([4, 6, UNLIMITED]);
});

describe('whatever the queues ask', () => {
  const amount = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(0.25, 0.5, 1.5, 7.3));
  const queue = fc.record({
    priority: fc.integer({ min: 1, max: 3 }),
    deserved: fc.oneof(amount, fc.constant(UNLIMITED)),
    limit: fc.oneof(fc.constant(UNLIMITED), amount),
    weight: fc.constantFrom(0, 1, 1, 2, 3, 0.5),
    request: amount,
    usage: fc.constantFrom(0, 0, 0.1, 0.4, 0.9),
  });
  const family = fc.array(queue, { minLength: 1, maxLength: 8 });
  const most = (q: Queue) => (q.limit === UNLIMITED ? q.request! : Math.min(q.limit!, q.request!));
  const near = 1e-9;

  it('nobody gets less than it deserves and asks for, or a unit more than it can take', () => {
    fc.assert(
      fc.property(family, amount, fc.constantFrom(0, 1, 3), (queues, total, k) => {
        shares(queues, total, k).forEach((share, i) => {
          const deserved = queues[i].deserved === UNLIMITED ? total : queues[i].deserved;
          expect(share).toBeGreaterThanOrEqual(Math.min(deserved, most(queues[i])) - near);
          expect(share).toBeLessThan(most(queues[i]) + 1);
        });
      }),
    );
  });

  it('no more is given over quota than is left, and nothing is kept back from who could take it', () => {
    fc.assert(
      fc.property(family, amount, (queues, total) => {
        const given = shares(queues, total);
        const deserved = queues.map((q) => Math.min(q.deserved === UNLIMITED ? total : q.deserved, most(q)));
        const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
        expect(sum(given)).toBeLessThanOrEqual(Math.max(total, sum(deserved)) + near);
        const hungry = queues.some((q, i) => q.weight > 0 && given[i] < most(q) - near);
        if (hungry) expect(sum(given)).toBeGreaterThanOrEqual(total - near);
      }),
    );
  });

  it('the order in which queues are listed changes nothing but whom age favours', () => {
    fc.assert(
      fc.property(family, fc.integer({ min: 0, max: 60 }), (queues, total) => {
        const whole = queues.map((q) => ({ ...q, request: Math.ceil(q.request), limit: UNLIMITED, deserved: 0 }));
        const there = shares(whole, total);
        const back = shares([...whole].reverse(), total).reverse();
        there.forEach((share, i) => {
          expect(Math.abs(share - back[i])).toBeLessThanOrEqual(1 + near);
        });
      }),
    );
  });

  it('children never share more than their parent got, beyond what they deserve', () => {
    fc.assert(
      fc.property(family, family, amount, (top, children, total) => {
        const tree: Queue[] = [...top, ...children.map((child) => ({ ...child, parent: 0, deserved: 0 }))];
        const given = shares(tree, total);
        const below = given.slice(top.length).reduce((a, b) => a + b, 0);
        expect(below).toBeLessThanOrEqual(given[0] + near);
      }),
    );
  });
});
