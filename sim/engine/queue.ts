// The pending events of a simulation, in the total order (time, priority, sequence).
//
// Simulated time never runs backwards, and it is an integer. So this is a *monotone* priority queue over integers, and
// need not compare its way through a heap: it is a multi-level bucket queue (Denardo and Fox 1979; the radix heap of
// Ahuja, Mehlhorn, Orlin and Tarjan 1990), whose small buckets are sorted rather than split further, as in the hot
// queue of Cherkassky, Goldberg and Silverstein 1999 and the ladder queue of Tang, Goh and Thng 2005.
//
// Write times in base 16. With `floor` a time that no pending event precedes, an event belongs to bucket (level, digit),
// where level is the highest digit at which its time differs from floor's, and digit is its own digit there. Events at
// floor itself have a bucket for each priority. All of a lower level comes before all of a higher one, so the next
// events are always in the lowest bucket of the lowest level. That bucket is either short enough to be sorted into
// `bottom`, from where events are popped, or has its events spread over the levels below by raising floor to the least
// time in it. An event therefore moves a few times in its life, each time from one contiguous run to the end of another,
// where a heap of a million events would miss the cache at most of its levels. On the hold model (bench/speed/hold.ts)
// an indexed binary heap was two to twelve times slower; of bases 16 and 32, 16 with chunks of 32 did best there.
//
// Sequence numbers need not exist: at any moment each key has exactly one container to go to, events enter it at its
// end, and every move keeps their order, so that events with equal keys stay in the order they were scheduled in.
//
// Cancelling and rescheduling leave the old entry where it is. An entry holds the version its slot had, and every change
// to the slot changes the version, so that an outdated entry is recognised when it comes up. When outdated entries are
// the majority they are swept out.
//
// One class, and longer than other files: split in two, it lost about 7 % at a thousand events.

/** Names one scheduled event: slot + version × 2^24. A stale id is harmless. */
export type EventId = number;

/** Plain data; structured-cloneable. */
export type QueueSnapshot = {
  /** The event popped last: time, priority, kind, a, b. */
  last: number[];
  freeSlot: number;
  usedSlots: number;
  records: Int32Array;
  origins: Int32Array;
  /** Pending events, those with equal keys in sequence. */
  times: Float64Array;
  tags: Int32Array;
};

const SLOTS = 2 ** 24;
const SLOT_MASK = SLOTS - 1;
/** A slot is retired before its version outgrows the 53 − 24 bits that an id has for it. */
const LAST_VERSION = 2 ** 29 - 2;
const RESCHEDULED = 1 << 31;

/** A level's buckets have a bit each in one 32-bit word: eight levels for 256 priorities, then the digits of time. */
const PRIORITY_LEVELS = 8;
const DIGIT_BITS = 4;
const DIGIT_MASK = (1 << DIGIT_BITS) - 1;
/** Integer operations take 32 bits: a time is split in two, its low part a whole number of digits. */
const LOW_BITS = 28;
const LOW_MASK = 2 ** LOW_BITS - 1;
const LOW_DIGITS = LOW_BITS / DIGIT_BITS;
const LEVELS = PRIORITY_LEVELS + Math.ceil(53 / DIGIT_BITS);
/** The time that a bucket of a level covers, in µs. */
const WIDTHS = Float64Array.from({ length: LEVELS + 1 }, (_, level) => 2 ** (DIGIT_BITS * (level - PRIORITY_LEVELS)));
const CHUNK_BITS = 5;
const CHUNK = 1 << CHUNK_BITS;
/** `bottom` is refilled with at most a chunk; with more than half of this in it, it goes back to the buckets. */
const BOTTOM = 4 * CHUNK;

export class EventQueue {
  /** Pending events. */
  size = 0;
  // The event popped last.
  time = 0;
  priority = 0;
  kind = 0;
  a = 0;
  b = 0;

  // Slots. A slot's record is four integers: a (next free slot in a free one), b, priority << 24 | kind, version.
  // The version is odd while the slot is taken. An id holds the version at scheduling; a rescheduled event's version
  // has the sign bit set, and `origins` then has the one that its id holds.
  private records: Int32Array;
  private origins: Int32Array;
  private freeSlot = -1;
  private usedSlots = 0;

  // Entries: 16 bytes each, time (float64), priority << 24 | slot (int32), version (int32); in chunks linked to lists.
  private entryTimes: Float64Array;
  private entryInts: Int32Array;
  private nextChunk: Int32Array;
  private freeChunk = -1;
  private usedChunks = 0;
  /** Entries stored, outdated ones included. */
  private stored = 0;

  // Buckets, numbered level × 32 + digit; the first 8 levels are for the priorities at floor. `ends` is the entry after
  // the last one, 0 for an empty bucket.
  private readonly heads = new Int32Array(LEVELS * 32);
  private readonly ends = new Int32Array(LEVELS * 32);
  // Which are not empty: a bit per bucket in a word per level, and a bit per level.
  private readonly bucketBits = new Int32Array(LEVELS);
  private levelBits = 0;
  private floor = 0;
  private floorLow = 0;
  private floorHigh = 0;

  // Bottom: entries from `first` to `last`, sorted. It holds every event up to and including (limitTime, limitPriority).
  private readonly bottomTimes = new Float64Array(BOTTOM);
  private readonly bottomTags = new Int32Array(BOTTOM);
  private readonly bottomVersions = new Int32Array(BOTTOM);
  private first = 0;
  private last = 0;
  private limitTime = -1;
  private limitPriority = 0;
  /** A bucket of one key that is too long for bottom: its first chunk is in bottom *and* still here. −1: none. */
  private run = -1;

  constructor(capacity = 1024) {
    this.records = new Int32Array(4 * capacity);
    this.origins = new Int32Array(capacity);
    const chunks = Math.ceil(capacity / CHUNK) + 16;
    this.entryTimes = new Float64Array(2 * CHUNK * chunks);
    this.entryInts = new Int32Array(this.entryTimes.buffer);
    this.nextChunk = new Int32Array(chunks);
  }

  /** `timeUs`: whole microseconds, not before `time`. `priority`: 0 (first) to 255. `kind`: below 2^24. `a`, `b`: int32. */
  schedule(timeUs: number, priority: number, kind: number, a: number, b: number): EventId {
    if (!(timeUs >= this.time && timeUs <= Number.MAX_SAFE_INTEGER) || Math.floor(timeUs) !== timeUs)
      this.refuseTime(timeUs);
    if ((priority & 255) !== priority)
      throw new RangeError(`priority must be an integer from 0 to 255; got ${priority}`);
    if ((kind & SLOT_MASK) !== kind)
      throw new RangeError(`kind must be an integer from 0 to ${SLOT_MASK}; got ${kind}`);
    if ((a | 0) !== a || (b | 0) !== b) throw new RangeError(`a and b must be 32-bit integers; got ${a} and ${b}`);
    let slot = this.freeSlot;
    if (slot >= 0) this.freeSlot = this.records[4 * slot]!;
    else slot = this.newSlot();
    const records = this.records;
    const r = 4 * slot;
    const version = records[r + 3]! + 1;
    records[r] = a;
    records[r + 1] = b;
    records[r + 2] = (priority << 24) | kind;
    records[r + 3] = version;
    this.size++;
    this.insert(timeUs, priority, (priority << 24) | slot, version);
    return version * SLOTS + slot;
  }

  /** Whether the event is still pending. */
  has(id: EventId): boolean {
    return this.slotOf(id) >= 0;
  }

  /** False if it already fired or was cancelled. */
  cancel(id: EventId): boolean {
    const slot = this.slotOf(id);
    if (slot < 0) return false;
    this.free(slot);
    this.sweepIfMostlyOutdated();
    return true;
  }

  /** As cancelling and scheduling anew with the same priority, kind, a and b, but the id stays valid. */
  reschedule(id: EventId, timeUs: number): boolean {
    if (!(timeUs >= this.time && timeUs <= Number.MAX_SAFE_INTEGER) || Math.floor(timeUs) !== timeUs)
      this.refuseTime(timeUs);
    const slot = this.slotOf(id);
    if (slot < 0) return false;
    const old = this.records[4 * slot + 3]!;
    if (old >= 0) this.origins[slot] = old;
    let version = (old & ~RESCHEDULED) + 2;
    if (version > 0x7fffffff) {
      // Two thousand million changes to one event: with no outdated entry left, versions may be used again.
      this.sweep();
      version = LAST_VERSION + 1;
    }
    version |= RESCHEDULED;
    this.records[4 * slot + 3] = version;
    const priority = this.records[4 * slot + 2]! >>> 24;
    this.insert(timeUs, priority, (priority << 24) | slot, version);
    this.sweepIfMostlyOutdated();
    return true;
  }

  /** The time of the next event, in µs; Infinity when none is pending. */
  peekTime(): number {
    while (this.size > 0) {
      for (; this.first < this.last; this.first++, this.stored--)
        if (this.isCurrent(this.bottomTags[this.first]!, this.bottomVersions[this.first]!))
          return this.bottomTimes[this.first]!;
      const bucket = this.lowestBucket();
      // Spreading a bucket would raise floor above the present, where somebody may still schedule; so look only.
      if (!this.load(bucket)) {
        const time = this.leastTime(bucket, true);
        if (time < Infinity) return time;
        this.spread(bucket);
      }
    }
    return Infinity;
  }

  /** Removes the next event and loads time, priority, kind, a and b with it; false when none is pending. */
  pop(): boolean {
    for (;;) {
      if (this.first === this.last && !this.refill()) return false;
      const i = this.first++;
      this.stored--;
      const tag = this.bottomTags[i]!;
      const slot = tag & SLOT_MASK;
      const r = 4 * slot;
      const records = this.records;
      if (records[r + 3]! !== this.bottomVersions[i]!) continue;
      this.time = this.bottomTimes[i]!;
      this.priority = tag >>> 24;
      this.a = records[r]!;
      this.b = records[r + 1]!;
      this.kind = records[r + 2]! & SLOT_MASK;
      this.free(slot);
      return true;
    }
  }

  /** All of the queue's state. Ids stay valid in the queue restored from it. */
  snapshot(): QueueSnapshot {
    this.emptyBottom();
    const times = new Float64Array(this.size);
    const tags = new Int32Array(this.size);
    let n = 0;
    for (let bucket = 0; bucket < LEVELS * 32; bucket++)
      for (let at = this.firstEntry(bucket); at >= 0; at = this.nextEntry(bucket, at)) {
        const tag = this.entryInts[4 * at + 2]!;
        if (!this.isCurrent(tag, this.entryInts[4 * at + 3]!)) continue;
        times[n] = this.entryTimes[2 * at]!;
        tags[n++] = tag;
      }
    return {
      last: [this.time, this.priority, this.kind, this.a, this.b],
      freeSlot: this.freeSlot,
      usedSlots: this.usedSlots,
      records: this.records.slice(0, 4 * this.usedSlots),
      origins: this.origins.slice(0, this.usedSlots),
      times,
      tags,
    };
  }

  static restore(s: QueueSnapshot): EventQueue {
    const queue = new EventQueue(s.times.length);
    [queue.time, queue.priority, queue.kind, queue.a, queue.b] = s.last as [number, number, number, number, number];
    queue.freeSlot = s.freeSlot;
    queue.usedSlots = s.usedSlots;
    queue.records = s.records.slice();
    queue.origins = s.origins.slice();
    queue.setFloor(queue.time);
    for (let i = 0; i < s.times.length; i++) {
      const tag = s.tags[i]!;
      queue.insert(s.times[i]!, tag >>> 24, tag, queue.records[4 * (tag & SLOT_MASK) + 3]!);
    }
    queue.size = s.times.length;
    return queue;
  }

  // Slots

  private refuseTime(timeUs: number): never {
    throw new RangeError(
      timeUs < this.time
        ? `an event cannot be scheduled in the past: at ${timeUs} µs, when it is ${this.time} µs`
        : `an event's time must be a whole number of microseconds from 0 to 2^53 − 1; got ${timeUs}`,
    );
  }

  private newSlot(): number {
    const slot = this.usedSlots;
    if (slot >= SLOTS) throw new RangeError(`there cannot be more than ${SLOTS} pending events at once`);
    this.usedSlots++;
    if (slot >= this.origins.length) {
      const n = Math.min(SLOTS, Math.max(64, 2 * slot));
      this.records = widened(this.records, new Int32Array(4 * n));
      this.origins = widened(this.origins, new Int32Array(n));
    }
    return slot;
  }

  /** The slot of a pending event; −1 for a stale id, or what never was an id. */
  private slotOf(id: EventId): number {
    const version = Math.floor(id / SLOTS);
    const slot = id - version * SLOTS;
    if ((version & 1) === 0 || (slot | 0) !== slot) return -1;
    const found = this.records[4 * slot + 3]!;
    return found === version || (found < 0 && this.origins[slot] === version) ? slot : -1;
  }

  private free(slot: number): void {
    const version = (this.records[4 * slot + 3]! & ~RESCHEDULED) + 1;
    this.records[4 * slot + 3] = version;
    this.size--;
    if (version > LAST_VERSION) return;
    this.records[4 * slot] = this.freeSlot;
    this.freeSlot = slot;
  }

  private isCurrent(tag: number, version: number): boolean {
    return this.records[4 * (tag & SLOT_MASK) + 3] === version;
  }

  // Entries

  private insert(time: number, priority: number, tag: number, version: number): void {
    this.stored++;
    if (time < this.limitTime || (time === this.limitTime && priority <= this.limitPriority)) {
      if (this.last < BOTTOM || this.makeRoomInBottom()) {
        this.insertInBottom(time, tag, version);
        return;
      }
    }
    this.put(time, tag, version);
  }

  private bucketOf(time: number, priority: number): number {
    const high = (time * 2 ** -LOW_BITS) | 0;
    let differing = high ^ this.floorHigh;
    if (differing !== 0) {
      const digit = ((31 - Math.clz32(differing)) / DIGIT_BITS) | 0;
      return ((PRIORITY_LEVELS + LOW_DIGITS + digit) << 5) | ((high >>> (digit * DIGIT_BITS)) & DIGIT_MASK);
    }
    const low = time & LOW_MASK;
    differing = low ^ this.floorLow;
    if (differing === 0) return priority;
    const digit = ((31 - Math.clz32(differing)) / DIGIT_BITS) | 0;
    return ((PRIORITY_LEVELS + digit) << 5) | ((low >>> (digit * DIGIT_BITS)) & DIGIT_MASK);
  }

  private setFloor(time: number): void {
    this.floor = time;
    this.floorLow = time & LOW_MASK;
    this.floorHigh = (time * 2 ** -LOW_BITS) | 0;
  }

  /** Adds an entry to the end of the bucket where it belongs. */
  private put(time: number, tag: number, version: number): void {
    const bucket = this.bucketOf(time, tag >>> 24);
    let at = this.ends[bucket]!;
    if ((at & (CHUNK - 1)) === 0) at = this.addChunk(bucket, at);
    this.ends[bucket] = at + 1;
    this.entryTimes[2 * at] = time;
    this.entryInts[4 * at + 2] = tag;
    this.entryInts[4 * at + 3] = version;
  }

  /** The first entry of a new last chunk of the bucket, which ends at `end`. */
  private addChunk(bucket: number, end: number): number {
    let chunk = this.freeChunk;
    if (chunk >= 0) this.freeChunk = this.nextChunk[chunk]!;
    else {
      chunk = this.usedChunks++;
      if (chunk >= this.nextChunk.length) {
        const n = 2 * chunk;
        this.nextChunk = widened(this.nextChunk, new Int32Array(n));
        this.entryTimes = new Float64Array(2 * CHUNK * n);
        this.entryInts = widened(this.entryInts, new Int32Array(this.entryTimes.buffer));
      }
    }
    this.nextChunk[chunk] = -1;
    if (end > 0) this.nextChunk[(end - 1) >> CHUNK_BITS] = chunk;
    else this.attach(bucket, chunk);
    return chunk << CHUNK_BITS;
  }

  private attach(bucket: number, head: number): void {
    this.heads[bucket] = head;
    this.bucketBits[bucket >> 5]! |= 1 << (bucket & 31);
    this.levelBits |= 1 << (bucket >> 5);
  }

  /** The bucket is empty from now on; its chunks are the caller's. */
  private detach(bucket: number): void {
    this.ends[bucket] = 0;
    const level = bucket >> 5;
    if ((this.bucketBits[level]! &= ~(1 << (bucket & 31))) === 0) this.levelBits &= ~(1 << level);
  }

  private freeTheChunk(chunk: number): void {
    this.nextChunk[chunk] = this.freeChunk;
    this.freeChunk = chunk;
  }

  /** −1 when all buckets are empty. */
  private lowestBucket(): number {
    if (this.levelBits === 0) return -1;
    const level = lowestBit(this.levelBits);
    return (level << 5) | lowestBit(this.bucketBits[level]!);
  }

  private firstEntry(bucket: number): number {
    return this.ends[bucket] === 0 ? -1 : this.heads[bucket]! << CHUNK_BITS;
  }

  private nextEntry(bucket: number, at: number): number {
    if (at + 1 === this.ends[bucket]) return -1;
    return ((at + 1) & (CHUNK - 1)) === 0 ? this.nextChunk[at >> CHUNK_BITS]! << CHUNK_BITS : at + 1;
  }

  /** The least time of an entry; of those that are not outdated only, if so asked. */
  private leastTime(bucket: number, currentOnly: boolean): number {
    let least = Infinity;
    for (let at = this.firstEntry(bucket); at >= 0; at = this.nextEntry(bucket, at)) {
      const time = this.entryTimes[2 * at]!;
      if (time < least && (!currentOnly || this.isCurrent(this.entryInts[4 * at + 2]!, this.entryInts[4 * at + 3]!)))
        least = time;
    }
    return least;
  }

  /** Raises floor to the least time in the lowest bucket, and spreads the bucket over those below it. */
  private descend(bucket: number): void {
    const times = this.entryTimes;
    const ints = this.entryInts;
    const end = this.ends[bucket]!;
    const head = this.heads[bucket]!;
    const priority = ints[4 * (head << CHUNK_BITS) + 2]! >>> 24;
    let least = Infinity;
    let greatest = 0;
    let priorities = 0;
    for (let chunk = head; chunk >= 0; chunk = this.nextChunk[chunk]!) {
      const from = chunk << CHUNK_BITS;
      const to = this.nextChunk[chunk]! < 0 ? end : from + CHUNK;
      for (let at = from; at < to; at++) {
        const time = times[2 * at]!;
        if (time < least) least = time;
        if (time > greatest) greatest = time;
        priorities |= (ints[4 * at + 2]! >>> 24) ^ priority;
      }
    }
    this.setFloor(least);
    if (least < greatest || priorities !== 0) this.spread(bucket);
    else {
      // One key: these chunks are that key's bucket already.
      this.detach(bucket);
      this.attach(priority, head);
      this.ends[priority] = end;
    }
  }

  /** Appends the bucket's entries to the buckets where they belong by the present floor, without the outdated ones. */
  private spread(bucket: number): void {
    const end = this.ends[bucket]!;
    let chunk = this.heads[bucket]!;
    this.detach(bucket);
    const anyOutdated = this.stored > this.size;
    while (chunk >= 0) {
      const next = this.nextChunk[chunk]!;
      const from = chunk << CHUNK_BITS;
      const to = next < 0 ? end : from + CHUNK;
      for (let at = from; at < to; at++) {
        const time = this.entryTimes[2 * at]!;
        const tag = this.entryInts[4 * at + 2]!;
        const version = this.entryInts[4 * at + 3]!;
        if (anyOutdated && !this.isCurrent(tag, version)) this.stored--;
        else this.put(time, tag, version);
      }
      this.freeTheChunk(chunk);
      chunk = next;
    }
  }

  private sweepIfMostlyOutdated(): void {
    if (this.stored > 2 * this.size + 1024) this.sweep();
  }

  private sweep(): void {
    this.emptyBottom();
    for (let bucket = 0; bucket < LEVELS * 32; bucket++) if (this.ends[bucket] !== 0) this.spread(bucket);
  }

  // Bottom

  private insertInBottom(time: number, tag: number, version: number): void {
    const times = this.bottomTimes;
    const tags = this.bottomTags;
    const versions = this.bottomVersions;
    let at = this.last++;
    for (; at > this.first; at--) {
      const before = times[at - 1]!;
      if (before < time || (before === time && tags[at - 1]! >>> 24 <= tag >>> 24)) break;
      times[at] = before;
      tags[at] = tags[at - 1]!;
      versions[at] = versions[at - 1]!;
    }
    times[at] = time;
    tags[at] = tag;
    versions[at] = version;
  }

  /** Puts entries into the empty bottom; false when no event is pending. */
  private refill(): boolean {
    while (this.first === this.last) {
      const bucket = this.lowestBucket();
      if (bucket < 0) {
        this.setFloor(this.time);
        return false;
      }
      if (!this.load(bucket)) this.descend(bucket);
    }
    return true;
  }

  /** Moves the lowest bucket into the empty bottom, or as much as has one key; false if it is too long for that. */
  private load(bucket: number): boolean {
    if (bucket === this.run) {
      // All that bottom had of it is used up.
      const chunk = this.heads[bucket]!;
      this.heads[bucket] = this.nextChunk[chunk]!;
      this.freeTheChunk(chunk);
      this.run = -1;
    }
    const level = bucket >> 5;
    const chunk = this.heads[bucket]!;
    const from = chunk << CHUNK_BITS;
    let to = from + CHUNK;
    if (this.nextChunk[chunk]! < 0) {
      to = this.ends[bucket]!;
      this.detach(bucket);
      this.freeTheChunk(chunk);
      if (level < PRIORITY_LEVELS) {
        this.limitTime = this.floor;
        this.limitPriority = bucket;
      } else {
        const width = WIDTHS[level]!;
        const above = WIDTHS[level + 1]!;
        this.limitTime = Math.floor(this.floor / above) * above + ((bucket & 31) + 1) * width - 1;
        this.limitPriority = 255;
      }
    } else if (level < PRIORITY_LEVELS) {
      this.run = bucket;
      this.limitTime = this.floor;
      this.limitPriority = bucket - 1;
    } else return false;
    const times = this.bottomTimes;
    const tags = this.bottomTags;
    const versions = this.bottomVersions;
    const ints = this.entryInts;
    const records = this.records;
    let n = 0;
    for (let at = from; at < to; at++) {
      const tag = ints[4 * at + 2]!;
      const version = ints[4 * at + 3]!;
      if (records[4 * (tag & SLOT_MASK) + 3]! !== version) continue;
      const time = this.entryTimes[2 * at]!;
      let i = n++;
      for (; i > 0; i--) {
        const before = times[i - 1]!;
        if (before < time || (before === time && tags[i - 1]! >>> 24 <= tag >>> 24)) break;
        times[i] = before;
        tags[i] = tags[i - 1]!;
        versions[i] = versions[i - 1]!;
      }
      times[i] = time;
      tags[i] = tag;
      versions[i] = version;
    }
    this.first = 0;
    this.last = n;
    this.stored -= to - from - n;
    return true;
  }

  /** False when bottom was too full, and is now empty. */
  private makeRoomInBottom(): boolean {
    const n = this.last - this.first;
    if (n > BOTTOM / 2) {
      this.emptyBottom();
      return false;
    }
    this.bottomTimes.copyWithin(0, this.first, this.last);
    this.bottomTags.copyWithin(0, this.first, this.last);
    this.bottomVersions.copyWithin(0, this.first, this.last);
    this.first = 0;
    this.last = n;
    return true;
  }

  /** Back to the buckets. */
  private emptyBottom(): void {
    let outdated = this.run < 0 ? 0 : CHUNK;
    for (let i = this.first; i < this.last; i++) {
      const time = this.bottomTimes[i]!;
      const tag = this.bottomTags[i]!;
      // What came from the run is still there.
      if (time === this.floor && tag >>> 24 === this.run) outdated--;
      else this.put(time, tag, this.bottomVersions[i]!);
    }
    this.stored += outdated;
    this.first = 0;
    this.last = 0;
    this.run = -1;
    this.limitTime = -1;
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

function widened(from: Int32Array, to: Int32Array): Int32Array {
  to.set(from);
  return to;
}
