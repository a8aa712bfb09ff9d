/** Which GPU of a node a share of one is taken on: the fullest that still fits it (gpupack) or the emptiest (gpuspread). */
import { GPU, NODE_IDLE, NODE_RELEASING, openSlot, type Session, SLOT_USED } from './columns.ts';
import { fitsNode, fitsSlot, fitsSlotNow } from './noderesources.ts';

/** Stands for a GPU nobody shares yet. */
export const UNSHARED = -1;

export interface SharedPlace {
  /** One for each device. */
  slots: number[];
  /** Some of it must first be released. */
  later: boolean;
}

export function chooseGpus(session: Session, task: number, node: number, promiseOnly: boolean): SharedPlace | null {
  const facts = session.facts[task];
  const place: SharedPlace = { slots: [], later: false };
  const roomNow = fitsNode(session, facts, node, true);
  for (const slot of fittingGpus(session, task, node)) {
    if (slot === UNSHARED) place.later ||= promiseOnly || !roomNow;
    else place.later ||= !fitsSlotNow(session, facts, node, slot) || !roomNow;
    place.slots.push(slot);
    if (place.slots.length === facts.devices) return place;
  }
  return null;
}

/** Best first; unshared ones as often as there are. */
function fittingGpus(session: Session, task: number, node: number): number[] {
  const { columns, dims, nodes } = session;
  const facts = session.facts[task];
  const gpus = nodes.slots[node].filter((slot) => fitsSlot(session, facts, node, slot));
  const at = node * dims + GPU;
  const idle = columns[NODE_IDLE][at];
  const releasing = columns[NODE_RELEASING][at];
  if (idle > 0 || releasing > 0) {
    const whole = Math.min(Math.trunc(idle) + Math.trunc(releasing), facts.devices);
    for (let n = 0; n < whole; n++) gpus.push(UNSHARED);
  }
  return gpus.sort((a, b) => gpuScore(session, node, b) - gpuScore(session, node, a));
}

function gpuScore({ config, columns, nodes }: Session, node: number, slot: number): number {
  const used = slot === UNSHARED ? 0 : columns[SLOT_USED][slot] / nodes.gpuMemoryMiB[node];
  let score = 0;
  if (config.plugins.has('gpupack')) score += used;
  if (config.plugins.has('gpuspread')) score += 1 - used;
  return score;
}

/** Opens a slot for each GPU that was not shared before. */
export function openSlots(session: Session, node: number, slots: readonly number[]): number[] {
  return slots.map((slot) => (slot === UNSHARED ? openSlot(session, node, null) : slot));
}

/** A GPU newly shared needs a task of its own on the node, which holds it; so do those whose name is no plain number. */
export function needsHolder(session: Session, task: number, node: number): boolean {
  let place = chooseGpus(session, task, node, false);
  if (place === null || place.later) place = chooseGpus(session, task, node, true);
  if (place === null) return true;
  return place.slots.some((slot) => slot === UNSHARED || !/^[+-]?\d+$/.test(session.slots.label[slot]));
}
