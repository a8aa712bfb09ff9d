import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EventId, EventQueue } from './queue.ts';

/** The payloads `a` in the order they come up. */
function drain(queue: EventQueue): number[] {
  const order: number[] = [];
  while (queue.pop()) order.push(queue.a);
  return order;
}

describe('order', () => {
  test('by time; a popped event loads the fields', () => {
    const queue = new EventQueue();
    queue.schedule(20, 7, 3, -1, 2 ** 31 - 1);
    queue.schedule(10, 9, 2, 5, -(2 ** 31));
    expect(queue.size).toBe(2);
    expect(queue.peekTime()).toBe(10);
    expect(queue.pop()).toBe(true);
    expect(queue).toMatchObject({
      time: 10,
      priority: 9,
      kind: 2,
      a: 5,
      b: -(2 ** 31),
      size: 1,
    });
    expect(queue.pop()).toBe(true);
    expect(queue).toMatchObject({
      time: 20,
      priority: 7,
      kind: 3,
      a: -1,
      b: 2 ** 31 - 1,
      size: 0,
    });
    expect(queue.pop()).toBe(false);
    expect(queue.peekTime()).toBe(Infinity);
    expect(queue.time).toBe(20);
  });

  test('at one time by priority, the lowest number first; then in the order of scheduling', () => {
    const queue = new EventQueue();
    [5, 0, 255, 5, 0, 255].forEach((priority, i) => {
      queue.schedule(1000, priority, 0, i, 0);
    });
    expect(drain(queue)).toEqual([1, 4, 0, 3, 2, 5]);
  });

  test('an event scheduled for the present comes up next, before those of lower urgency', () => {
    const queue = new EventQueue();
    for (let i = 0; i < 200; i++) queue.schedule(50, 5, 0, i, 0);
    queue.pop();
    for (let i = 0; i < 200; i++) queue.schedule(50, i % 2 === 0 ? 3 : 5, 0, 1000 + i, 0);
    const evens = Array.from({ length: 100 }, (_, i) => 1000 + 2 * i);
    const odds = Array.from({ length: 100 }, (_, i) => 1001 + 2 * i);
    expect(drain(queue)).toEqual([...evens, ...Array.from({ length: 199 }, (_, i) => i + 1), ...odds]);
  });

  test('far-future events, up to 2^53 − 1 µs', () => {
    const queue = new EventQueue();
    const times = Array.from({ length: 54 }, (_, bit) => 2 ** bit - 1);
    for (const [i, time] of [...times].reverse().entries()) queue.schedule(time, 0, 0, 53 - i, 0);
    const seen: number[] = [];
    while (queue.pop()) seen.push(queue.time);
    expect(seen).toEqual(times);
  });

  test('a look at the next time does not keep anybody from scheduling before it', () => {
    const queue = new EventQueue();
    for (let i = 0; i < 500; i++) queue.schedule(1e12 + i, 0, 0, i, 0);
    expect(queue.peekTime()).toBe(1e12);
    for (let i = 0; i < 500; i++) queue.schedule(1000 - i, 0, 0, -i, 0);
    expect(queue.peekTime()).toBe(501);
    expect(drain(queue)).toEqual(
      [...Array.from({ length: 500 }, (_, i) => i - 499), ...Array(500).keys()].map((a) => a || 0),
    );
  });
});

describe('cancelling and rescheduling', () => {
  test('a cancelled event never comes up; its id is stale then', () => {
    const queue = new EventQueue();
    const [x, y] = [queue.schedule(1, 0, 0, 1, 0), queue.schedule(2, 0, 0, 2, 0)];
    expect(queue.cancel(x)).toBe(true);
    expect([queue.has(x), queue.has(y), queue.size, queue.peekTime()]).toEqual([false, true, 1, 2]);
    expect(queue.cancel(x)).toBe(false);
    expect(queue.reschedule(x, 5)).toBe(false);
    expect(drain(queue)).toEqual([2]);
    expect(queue.cancel(y)).toBe(false);
  });

  test('a rescheduled event keeps id, priority, kind and payload, and queues behind its equals', () => {
    const queue = new EventQueue();
    const id = queue.schedule(5, 4, 3, 1, 7);
    queue.schedule(5, 4, 3, 2, 0);
    expect(queue.reschedule(id, 5)).toBe(true);
    expect(drain(queue)).toEqual([2, 1]);
    expect(queue).toMatchObject({ time: 5, priority: 4, kind: 3, b: 7 });
  });

  test('an event can be moved to and fro; it comes up once', () => {
    const queue = new EventQueue();
    const id = queue.schedule(5, 0, 0, 1, 0);
    for (const time of [9, 5, 5, 1, 9, 7]) expect(queue.reschedule(id, time)).toBe(true);
    queue.schedule(6, 0, 0, 2, 0);
    expect(queue.size).toBe(2);
    expect(drain(queue)).toEqual([2, 1]);
    expect(queue.time).toBe(7);
    expect(queue.has(id)).toBe(false);
  });

  test('an id of an earlier event never touches a later one, however often places are used again', () => {
    const queue = new EventQueue(1);
    const seen: EventId[] = [];
    for (let i = 0; i < 300; i++) {
      const id = queue.schedule(i, 0, 0, i, 0);
      for (const old of seen) expect(queue.cancel(old)).toBe(false);
      expect(queue.has(id)).toBe(true);
      seen.push(id);
      if (i % 3 === 0) queue.cancel(id);
      else queue.pop();
    }
    expect(new Set(seen).size).toBe(300);
  });

  test('moving an event a million times takes no more memory than moving it a few times', () => {
    const queue = new EventQueue();
    const id = queue.schedule(1, 0, 0, 1, 0);
    const bytes = () =>
      Object.values(queue).reduce((sum, field) => sum + (ArrayBuffer.isView(field) ? field.byteLength : 0), 0);
    for (let i = 0; i < 5000; i++) queue.reschedule(id, 1e9 + ((i * 7919) % 1e6));
    const before = bytes();
    for (let i = 0; i < 1e6; i++) queue.reschedule(id, 1e9 + ((i * 7919) % 1e6));
    expect(bytes()).toBe(before);
    expect(drain(queue)).toEqual([1]);
  });
});

describe('mistakes are refused with a sentence', () => {
  const queue = new EventQueue();
  queue.schedule(100, 0, 0, 0, 0);
  queue.pop();
  const id = queue.schedule(200, 0, 0, 0, 0);

  test.each([Number.NaN, 100.5, Infinity, 2 ** 53])('time %d', (time) => {
    expect(() => queue.schedule(time, 0, 0, 0, 0)).toThrow(/whole number of microseconds .* got /);
    expect(() => queue.reschedule(id, time)).toThrow(/whole number of microseconds .* got /);
  });

  test.each([99, -1, -Infinity])('time %d, when it is 100', (time) => {
    expect(() => queue.schedule(time, 0, 0, 0, 0)).toThrow(/in the past: at .* when it is 100/);
    expect(() => queue.reschedule(id, time)).toThrow(/in the past/);
  });

  test.each([-1, 256, 1.5, Number.NaN])('priority %d', (priority) => {
    expect(() => queue.schedule(300, priority, 0, 0, 0)).toThrow(`priority must be an integer from 0 to 255; got`);
  });

  test('kind, a and b that would not fit', () => {
    expect(() => queue.schedule(300, 0, 2 ** 24, 0, 0)).toThrow(/kind must be/);
    expect(() => queue.schedule(300, 0, 0, 2 ** 31, 0)).toThrow(/32-bit/);
    expect(() => queue.schedule(300, 0, 0, 0, 0.5)).toThrow(/32-bit/);
  });

  test('nothing of it was scheduled', () => {
    expect(queue.size).toBe(1);
    expect(queue.peekTime()).toBe(200);
  });

  test.each([-1, 0, Number.NaN, 0.5, 2 ** 53])('%d, which never was an id, names no event', (never) => {
    expect([queue.has(never), queue.cancel(never), queue.reschedule(never, 300)]).toEqual([false, false, false]);
  });
});

test('a snapshot is plain data; two queues restored from it go their own ways', () => {
  const queue = new EventQueue();
  const ids = Array.from({ length: 100 }, (_, i) => queue.schedule(1000 - i, 1, 2, i, 0));
  queue.pop();
  queue.reschedule(ids[5]!, 5000);
  const snapshot = structuredClone(queue.snapshot());
  const [x, y] = [EventQueue.restore(snapshot), EventQueue.restore(snapshot)];
  expect(x).toMatchObject({ time: 901, a: 99, kind: 2, size: 99 });
  expect([x.has(ids[99]!), x.cancel(ids[98]!), y.has(ids[98]!), y.reschedule(ids[5]!, 950)]).toEqual([
    false,
    true,
    true,
    true,
  ]);
  expect(drain(x)).toEqual(drain(queue).filter((a) => a !== 98));
  expect(drain(y).indexOf(5)).toBe(49);
});

// Any sequence of operations against the definition: a list kept sorted by (time, priority, sequence).

type Operation =
  | { op: 'schedule'; delay: number; priority: number; copies: number }
  | { op: 'cancel' | 'reschedule'; which: number; delay: number }
  | { op: 'pop'; times: number }
  | { op: 'peek' | 'fork' };

const delay = fc.oneof(
  { weight: 3, arbitrary: fc.nat(3) },
  { weight: 3, arbitrary: fc.nat(5000) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 60 }).map((n) => n * 100_000),
  },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 48 }).map((bits) => 2 ** bits),
  },
);
const priority = fc.oneof(fc.constant(7), fc.nat(3), fc.nat(255));
const which = fc.nat();
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('schedule' as const),
      delay,
      priority,
      copies: fc.constant(1),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('schedule' as const),
      delay,
      priority,
      copies: fc.integer({ min: 30, max: 150 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ op: fc.constant('cancel' as const), which, delay }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('reschedule' as const),
      which,
      delay,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('pop' as const),
      times: fc.integer({ min: 1, max: 60 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constantFrom('peek' as const, 'fork' as const),
    }),
  },
);

type Expected = {
  time: number;
  priority: number;
  sequence: number;
  id: EventId;
  kind: number;
  a: number;
  b: number;
};

function run(operations: Operation[]): void {
  let queue = new EventQueue(1);
  let pending: Expected[] = [];
  const gone: EventId[] = [];
  let sequence = 0;
  const sort = () => {
    pending.sort((x, y) => x.time - y.time || x.priority - y.priority || x.sequence - y.sequence);
  };
  const pop = () => {
    const next = pending.shift();
    expect(queue.pop()).toBe(next !== undefined);
    if (next === undefined) return;
    const { time, priority, kind, a, b } = queue;
    expect({ time, priority, kind, a, b }).toEqual({
      time: next.time,
      priority: next.priority,
      kind: next.kind,
      a: next.a,
      b: next.b,
    });
    gone.push(next.id);
  };
  for (const step of operations) {
    switch (step.op) {
      case 'schedule':
        for (let i = 0; i < step.copies; i++) {
          const event = {
            time: queue.time + step.delay,
            priority: step.priority,
            kind: i,
            a: sequence,
            b: ~sequence,
          };
          const id = queue.schedule(event.time, event.priority, event.kind, event.a, event.b);
          pending.push({ ...event, sequence: sequence++, id });
        }
        break;
      case 'cancel':
      case 'reschedule': {
        const time = queue.time + step.delay;
        if (pending.length > 0) {
          const event = pending[step.which % pending.length]!;
          if (step.op === 'cancel') {
            expect(queue.cancel(event.id)).toBe(true);
            pending = pending.filter((other) => other !== event);
            gone.push(event.id);
          } else {
            expect(queue.reschedule(event.id, time)).toBe(true);
            Object.assign(event, { time, sequence: sequence++ });
          }
        }
        if (gone.length > 0) {
          const stale = gone[step.which % gone.length]!;
          expect([queue.has(stale), queue.cancel(stale), queue.reschedule(stale, time)]).toEqual([false, false, false]);
        }
        break;
      }
      case 'pop':
        sort();
        for (let i = 0; i < step.times; i++) pop();
        break;
      case 'peek':
        sort();
        expect(queue.peekTime()).toBe(pending[0]?.time ?? Infinity);
        break;
      case 'fork':
        queue = EventQueue.restore(structuredClone(queue.snapshot()));
        break;
    }
    expect(queue.size).toBe(pending.length);
  }
  for (const event of pending) expect(queue.has(event.id)).toBe(true);
  sort();
  while (pending.length > 0) pop();
  expect(queue.pop()).toBe(false);
}

test('any sequence of operations gives what a sorted list gives', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 80 }), (operations) => run(operations)),
    { numRuns: 300 },
  );
}, 60_000);

test('holding thousands of events, with times in a few clusters, gives what a sorted list gives', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), fc.integer({ min: 0, max: 40 }), (seed, bits) => {
      let state = seed;
      const random = (below: number) => {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
      };
      const queue = new EventQueue();
      const times = Array.from({ length: 3000 }, () => random(8) * 2 ** bits + random(2 ** Math.min(bits, 12)));
      for (const [i, time] of times.entries()) queue.schedule(time, i % 4, 0, i, 0);
      const expected = times.map((time, i) => ({ time, i }));
      expected.sort((x, y) => x.time - y.time || (x.i % 4) - (y.i % 4) || x.i - y.i);
      expect(drain(queue)).toEqual(expected.map(({ i }) => i));
    }),
    { numRuns: 20 },
  );
});
