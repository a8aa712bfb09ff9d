/** What the serving world tells whoever keeps the record (record/slo.ts). */
import type { Cause } from '../../scenario.ts';

interface Values {
  add(value: number, weight?: number): void;
}

export interface FleetRecord {
  requests: number;
  completed: number;
  /** Too long for any replica; turned away. */
  refused: number;
  shed: number;
  promptTokens: number;
  cachedTokens: number;
  readonly hourRequests: { add(hour: number, amount: number): void };
  readonly tenants: { add(tenant: number, amount: number): void };
  /** ps: gap between each token and the one before it. */
  readonly token: Values & { addRising(first: number, step: number, n: number, weight: number): void };
  /** A replica worked from one time to another and gave out `tokens` tokens. */
  worked(fromUs: number, toUs: number, tokens: number): void;
  /** A request is over. */
  finished(
    tenant: number,
    arrivalUs: number,
    queueUs: number,
    firstUs: number,
    doneUs: number,
    output: number,
    cause: () => Cause,
  ): void;
}
