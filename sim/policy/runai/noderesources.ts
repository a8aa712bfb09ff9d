/**
 * What a node has idle, in use and being released as tasks come and go, GPUs shared in parts included.
 *
 * A shared GPU ("slot") is a whole GPU to the node's vectors from its first task to its last; inside, MiB are counted.
 * A promise (pipelined) is charged to what is being released, so idle + releasing is what may still be promised.
 */
import {
  add,
  GPU,
  MIG_FROM,
  NODE_IDLE,
  NODE_LEGACY_MIG,
  NODE_RELEASING,
  NODE_USED,
  PIPELINED,
  RELEASING,
  type Room,
  type Session,
  SLOT_ALLOCATED,
  SLOT_MARKED,
  SLOT_RELEASING,
  SLOT_SETTLED,
  SLOT_USED,
  TASK_ACCEPTED_GPUS,
  type TaskFacts,
  write,
} from './columns.ts';
import { acceptedGpus, isShared, memoryAsShare, memoryOnNode, shareOnNode } from './requests.ts';

/** Shares of a GPU do not always add up to exactly one. */
export const ROUNDING = 1e-9;

/** Puts a task on a node with the status given. */
export function occupy(session: Session, task: number, node: number, status: number, slots: readonly number[]): void {
  const facts = session.facts[task];
  write(session, TASK_ACCEPTED_GPUS, task, acceptedGpus(session, facts, node));
  facts.job.sums = null;
  if (facts.state.legacyMig) add(session, NODE_LEGACY_MIG, node, 1);
  charge(session, facts, node, status, 1);
  if (isShared(facts)) for (const slot of slots) occupySlot(session, facts, node, status, slot);
}

/** Takes it off again. */
export function vacate(session: Session, task: number, node: number, status: number, slots: readonly number[]): void {
  const facts = session.facts[task];
  if (facts.state.legacyMig) add(session, NODE_LEGACY_MIG, node, -1);
  charge(session, facts, node, status, -1);
  if (isShared(facts)) for (const slot of slots) vacateSlot(session, facts, node, status, slot);
}

function charge(session: Session, facts: TaskFacts, node: number, status: number, sign: number): void {
  const { dims, nodes } = session;
  for (let dim = 0, at = node * dims; dim < dims; dim++, at++) {
    let amount = facts.asks[dim];
    if (dim === GPU && isShared(facts)) amount = 0;
    if (amount === 0 || nodes.allocatable[at] === 0) continue;
    amount *= sign;
    add(session, NODE_USED, at, amount);
    if (status === RELEASING) {
      add(session, NODE_RELEASING, at, amount);
      add(session, NODE_IDLE, at, -amount);
    } else if (status === PIPELINED) {
      add(session, NODE_RELEASING, at, -amount);
    } else {
      add(session, NODE_IDLE, at, -amount);
    }
  }
}

/** More GPUs idle and in use than there are: an idle one has just become a shared one. */
function moreThanThere(session: Session, node: number): boolean {
  const at = node * session.dims + GPU;
  const idle = Math.trunc(session.columns[NODE_IDLE][at]);
  return session.nodes.gpus[node] < idle + gpusInUse(session, node);
}

function gpusInUse(session: Session, node: number): number {
  const used = session.columns[SLOT_USED];
  let count = Math.trunc(session.columns[NODE_USED][node * session.dims + GPU]);
  for (const slot of session.nodes.slots[node]) if (used[slot] > 0) count++;
  return count;
}

function occupySlot(session: Session, facts: TaskFacts, node: number, status: number, slot: number): void {
  const { columns, dims } = session;
  const memory = memoryOnNode(session, facts, node);
  const gpu = node * dims + GPU;
  add(session, SLOT_USED, slot, memory);
  const used = columns[SLOT_USED][slot];
  if (status === RELEASING) {
    add(session, SLOT_RELEASING, slot, memory);
    add(session, SLOT_ALLOCATED, slot, memory);
    write(session, SLOT_SETTLED, slot, 1);
    if (used === columns[SLOT_RELEASING][slot]) {
      if (columns[SLOT_MARKED][slot] === 0) {
        add(session, NODE_RELEASING, gpu, 1);
        write(session, SLOT_MARKED, slot, 1);
      }
      if (moreThanThere(session, node)) add(session, NODE_IDLE, gpu, -1);
    }
  } else if (status === PIPELINED) {
    add(session, SLOT_RELEASING, slot, -memory);
    if (used - memory === columns[SLOT_RELEASING][slot] + memory) add(session, NODE_RELEASING, gpu, -1);
  } else {
    add(session, SLOT_ALLOCATED, slot, memory);
    write(session, SLOT_SETTLED, slot, 1);
    if (used <= memory && moreThanThere(session, node)) add(session, NODE_IDLE, gpu, -1);
    if (columns[SLOT_MARKED][slot] !== 0) {
      add(session, NODE_RELEASING, gpu, -1);
      write(session, SLOT_MARKED, slot, 0);
    }
  }
}

function vacateSlot(session: Session, facts: TaskFacts, node: number, status: number, slot: number): void {
  const { columns, dims } = session;
  const memory = memoryOnNode(session, facts, node);
  const gpu = node * dims + GPU;
  add(session, SLOT_USED, slot, -memory);
  const used = columns[SLOT_USED][slot];
  if (status === RELEASING) {
    add(session, SLOT_RELEASING, slot, -memory);
    add(session, SLOT_ALLOCATED, slot, -memory);
    if (used <= 0) {
      if (!moreThanThere(session, node)) add(session, NODE_IDLE, gpu, 1);
      if (columns[SLOT_MARKED][slot] !== 0) {
        add(session, NODE_RELEASING, gpu, -1);
        write(session, SLOT_MARKED, slot, 0);
      }
    }
  } else if (status === PIPELINED) {
    add(session, SLOT_RELEASING, slot, memory);
    const releasing = columns[SLOT_RELEASING][slot];
    if (used + memory === releasing - memory || (used === 0 && releasing === 0)) add(session, NODE_RELEASING, gpu, 1);
  } else {
    add(session, SLOT_ALLOCATED, slot, -memory);
    if (used <= 0 && !moreThanThere(session, node)) add(session, NODE_IDLE, gpu, 1);
    if (allReleasing(session, slot) && columns[SLOT_MARKED][slot] === 0) {
      add(session, NODE_RELEASING, gpu, 1);
      write(session, SLOT_MARKED, slot, 1);
    }
  }
}

/** In use, and all of it is being released. */
export function allReleasing({ columns }: Session, slot: number): boolean {
  const used = columns[SLOT_USED][slot];
  return used !== 0 && columns[SLOT_RELEASING][slot] === used;
}

/** The slot has room for the task, now or when what leaves has left. */
export function fitsSlot(session: Session, facts: TaskFacts, node: number, slot: number): boolean {
  const { columns, nodes } = session;
  const allocated = columns[SLOT_ALLOCATED][slot];
  const releasing = columns[SLOT_RELEASING][slot];
  return (
    columns[SLOT_USED][slot] !== 0 &&
    nodes.gpuMemoryMiB[node] - allocated + releasing - memoryOnNode(session, facts, node) >= 0 &&
    allocated !== releasing
  );
}

/** It has room now. */
export function fitsSlotNow(session: Session, facts: TaskFacts, node: number, slot: number): boolean {
  const { columns, nodes } = session;
  if (columns[SLOT_SETTLED][slot] === 0) return false;
  return nodes.gpuMemoryMiB[node] - columns[SLOT_ALLOCATED][slot] - memoryOnNode(session, facts, node) >= 0;
}

/** The amounts fit: idle alone (`now`), or idle and what is being released. */
export function fitsNode(session: Session, facts: TaskFacts, node: number, now: boolean): boolean {
  const { columns, dims } = session;
  const idle = columns[NODE_IDLE];
  const releasing = columns[NODE_RELEASING];
  if (facts.memoryMiB > 0) {
    const share = shareOnNode(session, facts, node);
    if (share > 1 && share !== Math.trunc(share)) return false;
  }
  const shared = isShared(facts);
  const base = node * dims;
  // GPUs first: they are what is short.
  if (!shared && facts.asks[GPU] > (now ? idle[base + GPU] : idle[base + GPU] + releasing[base + GPU])) return false;
  for (let dim = 0; dim < dims; dim++) {
    if (shared && dim === GPU) continue;
    const free = now ? idle[base + dim] : idle[base + dim] + releasing[base + dim];
    if (facts.asks[dim] > free) return false;
  }
  if (!shared) return true;
  const free = now ? idle[base + GPU] : idle[base + GPU] + releasing[base + GPU];
  const whole = Math.floor(free);
  if (whole >= facts.devices) return true;
  // Counted up to what it asks for, so that promises beyond what is there weigh even where shared GPUs have room
  // (gpu_sharing_node_info.go, fractionTaskGpusAllocatableDeviceCount).
  let matching = 0;
  for (const slot of session.nodes.slots[node]) {
    if (fitsSlot(session, facts, node, slot) && ++matching >= facts.devices) break;
  }
  return whole + matching >= facts.devices;
}

/** Its GPUs are cut into MIG instances. */
export function isMigNode({ nodes, dims }: Session, node: number): boolean {
  if (nodes.mig[node] !== 'none') return true;
  for (let dim = MIG_FROM; dim < dims; dim++) if (nodes.allocatable[node * dims + dim] > 0) return true;
  return false;
}

export function freeOf({ columns, dims }: Session, node: number, dim: number): number {
  const at = node * dims + dim;
  return columns[NODE_IDLE][at] + columns[NODE_RELEASING][at];
}

function wholeGpus({ columns, dims, gpusPerUnit }: Session, column: number, node: number): number {
  let sum = 0;
  for (let dim = GPU; dim < dims; dim++) sum += gpusPerUnit[dim] * columns[column][node * dims + dim];
  return sum;
}

/** GPUs idle on a node, the free parts of shared ones included. */
export function idleGpus(session: Session, node: number): number {
  let parts = 0;
  for (const slot of session.nodes.slots[node]) {
    const allocated = session.columns[SLOT_ALLOCATED][slot];
    if (allocated > 0) parts += 1 - memoryAsShare(session, allocated, node);
  }
  return parts + wholeGpus(session, NODE_IDLE, node);
}

export function releasingGpus(session: Session, node: number): number {
  let parts = 0;
  for (const slot of session.nodes.slots[node]) {
    const releasing = session.columns[SLOT_RELEASING][slot];
    if (releasing > 0 && !allReleasing(session, slot)) parts += memoryAsShare(session, releasing, node);
  }
  return parts + wholeGpus(session, NODE_RELEASING, node);
}

/** MiB idle or being released on a node's GPUs. */
export function freeGpuMemory(session: Session, node: number): number {
  const { columns, nodes } = session;
  const whole = nodes.gpuMemoryMiB[node];
  let sum =
    (Math.trunc(wholeGpus(session, NODE_IDLE, node)) + Math.trunc(wholeGpus(session, NODE_RELEASING, node))) * whole;
  for (const slot of nodes.slots[node]) {
    const allocated = columns[SLOT_ALLOCATED][slot];
    if (allocated > 0) sum += whole - allocated;
    const releasing = columns[SLOT_RELEASING][slot];
    if (releasing > 0 && !allReleasing(session, slot)) sum += releasing;
  }
  return sum;
}

/** What is free now, counted once until something changes. Not while a search's statement stands. */
export function roomNow(session: Session): Room {
  if (session.room?.changes === session.changes) return session.room;
  const { count, ready } = session.nodes;
  const room = {
    changes: session.changes,
    gpus: 0,
    memoryMiB: 0,
    free: new Float64Array(count),
    nodes: [] as number[],
  };
  for (let node = 0; node < count; node++) {
    const idle = idleGpus(session, node);
    const releasing = releasingGpus(session, node);
    room.free[node] = idle + releasing;
    // Promises may have eaten what is being released, idle GPUs count all the same.
    if (room.free[node] > 0 || idle > 0 || releasing > 0) room.nodes.push(node);
    if (ready[node] === 0) continue;
    room.gpus += idle;
    room.gpus += releasing;
    room.memoryMiB += freeGpuMemory(session, node);
  }
  session.room = room;
  return room;
}
