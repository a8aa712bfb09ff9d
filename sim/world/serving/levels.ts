/** What serving tells the ledger and the bill: how busy each replica is, and what is held for how long. */
import { GPU_UNITS } from '../../cluster/cluster.ts';
import { HOUR_US } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import { type Deployed, PHASE } from './deployed.ts';
import type { Serving } from './serving.ts';

/** A tick: busy time goes to the ledger, by the closed form ahead of time, of requests as soon as it is known. */
export function keepLevels(s: Serving, d: number): void {
  const one = s.deployed[d];
  const { engine } = s.host;
  const { now } = engine;
  one.advance(now);
  setLevels(s, one, now);
  engine.digest.time(Math.floor(one.record.completed));
  engine.schedule(now + one.levelEveryUs, PRIORITY.servingTick, KIND.servingLevel, d);
}

/** Each replica's level until the next tick: what is expected of it, and what it has been busy beyond what was booked. */
export function setLevels(s: Serving, one: Deployed, now: number): void {
  const every = one.levelEveryUs;
  const untilUs = (Math.floor(now / every) + 1) * every;
  const forecast = one.rate?.forecast(untilUs);
  for (let r = 0; r < one.phase.length; r++) {
    if (one.phase[r] !== PHASE.active && one.phase[r] !== PHASE.draining) continue;
    const since = now - one.levelSince[r];
    const owed = one.busyUs(r) - one.bookedUs[r] - (one.level[r] / 1000) * since;
    // Of requests the next time is expected to be like the last.
    const ahead =
      forecast !== undefined
        ? (forecast[one.rate?.variantOf[r] ?? -1] ?? 0)
        : one.level[r] / 1000 + (since > 0 ? owed / since : 0);
    const share = Math.max(0, Math.min(1, ahead)) + owed / (untilUs - now);
    setLevel(s, one, r, Math.max(0, Math.min(1000, Math.round(1000 * share))), now);
  }
}

export function setLevel(s: Serving, one: Deployed, r: number, milli: number, now: number): void {
  one.bookedUs[r] += (one.level[r] / 1000) * (now - one.levelSince[r]);
  one.levelSince[r] = now;
  one.level[r] = milli;
  s.host.setUse(now, one.spec.replicaJobs[r], milli);
}

export function countCost(s: Serving, one: Deployed, now: number): void {
  const { pools } = s.host.scenario;
  const us = now - one.countedUs;
  one.heldUnits.forEach((units, pool) => {
    const gpus = units / GPU_UNITS;
    one.heldUs += gpus * us;
    one.costMicroUsd += (gpus * us * pools[pool].priceMicroUsd) / HOUR_US;
  });
  one.activeUs += us * (one.count(PHASE.active) + one.count(PHASE.draining));
  one.countedUs = now;
}
