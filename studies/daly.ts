/**
 * How often to write a checkpoint, in closed form. All times in one unit: `cost` of a checkpoint (δ), mean time to
 * interrupt of the whole job (`mtbf`, M), `restart` (R), `interval` = work between checkpoints (τ).
 *
 * Young, CACM 17(9):530, 1974. Daly, FGCS 22(3):303–312, 2006, doi 10.1016/j.future.2004.11.016.
 */

/** √(2δM). */
export function youngInterval(cost: number, mtbf: number): number {
  return Math.sqrt(2 * cost * mtbf);
}

/** Daly's higher order: √(2δM)·[1 + ⅓·√(δ/2M) + ⅑·(δ/2M)] − δ for δ < 2M, else M. */
export function dalyInterval(cost: number, mtbf: number): number {
  if (cost >= 2 * mtbf) return mtbf;
  const part = cost / (2 * mtbf);
  return youngInterval(cost, mtbf) * (1 + Math.sqrt(part) / 3 + part / 9) - cost;
}

/**
 * Expected run time over time of the work alone, failures exponential and striking checkpoints and restarts too:
 * M·e^(R/M)·(e^((τ+δ)/M) − 1)/τ.
 */
export function dalyStretch(interval: number, cost: number, mtbf: number, restart: number): number {
  return (mtbf * Math.exp(restart / mtbf) * Math.expm1((interval + cost) / mtbf)) / interval;
}

/** Useful part of the run time, 0 … 1. */
export function dalyEfficiency(interval: number, cost: number, mtbf: number, restart: number): number {
  return 1 / dalyStretch(interval, cost, mtbf, restart);
}

/** Interval of the smallest `dalyStretch`, to a relative 1e-9, by golden section. */
export function bestInterval(cost: number, mtbf: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let low = 1e-6 * mtbf;
  let high = 4 * mtbf + cost;
  const at = (x: number) => dalyStretch(x, cost, mtbf, 0);
  let a = high - ratio * (high - low);
  let b = low + ratio * (high - low);
  let [fa, fb] = [at(a), at(b)];
  while (high - low > 1e-9 * high) {
    if (fa < fb) {
      [high, b, fb] = [b, a, fa];
      a = high - ratio * (high - low);
      fa = at(a);
    } else {
      [low, a, fa] = [a, b, fb];
      b = low + ratio * (high - low);
      fb = at(b);
    }
  }
  return (low + high) / 2;
}

/** Longest restart with which that interval still reaches an efficiency; below 0 = no restart is short enough. */
export function longestRestart(target: number, interval: number, cost: number, mtbf: number): number {
  return mtbf * Math.log(1 / (target * dalyStretch(interval, cost, mtbf, 0)));
}

/** Longest interval that reaches an efficiency, to a relative 1e-9; 0 = none does. */
export function longestInterval(target: number, cost: number, mtbf: number, restart: number): number {
  let low = bestInterval(cost, mtbf);
  if (dalyEfficiency(low, cost, mtbf, restart) < target) return 0;
  let high = 2 * low;
  while (dalyEfficiency(high, cost, mtbf, restart) >= target) high *= 2;
  while (high - low > 1e-9 * high) {
    const middle = (low + high) / 2;
    if (dalyEfficiency(middle, cost, mtbf, restart) >= target) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * Expected ETTR of arXiv 2410.21680, §4: (1 − N·r·(u₀ + Δt/2)) / (1 + w/Δt). `rate`: failures of one node per unit of
 * time. Linear in the loss, so low where the loss is large: `dalyEfficiency` is the exact form.
 */
export function ettrFormula(nodes: number, rate: number, restart: number, interval: number, cost: number): number {
  return (1 - nodes * rate * (restart + interval / 2)) / (1 + cost / interval);
}

/** √(2w / (N·r)): the same as Young's. */
export function ettrInterval(nodes: number, rate: number, cost: number): number {
  return Math.sqrt((2 * cost) / (nodes * rate));
}
