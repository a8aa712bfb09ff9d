/**
 * The replicas of one deployment and the requests among them, fidelity `requests`: who gets which, what waits at the door
 * while nobody is up, what is turned away, why a target was missed. It is driven from outside: replicas come up, drain,
 * hang and go; requests are offered in the order of time. Between two of these every replica is on its own, and is
 * advanced only when somebody looks at it.
 */
import { Digest } from '../../engine/digest.ts';
import type { Cause, Disaggregation, RequestTrace, Slo } from '../../scenario.ts';
import type { Arrival } from './arrivals.ts';
import { LoadReports } from './load-reports.ts';
import type { FleetRecord } from './measures.ts';
import { Replica } from './replica.ts';
import type { ReplicaListener, ReplicaSettings } from './replica-settings.ts';
import { MARK, Requests } from './requests.ts';
import { Router, type Routing } from './router.ts';

export interface FleetSettings {
  /** Of each replica to begin with; `up` may change it. */
  replica: ReplicaSettings;
  replicas: number;
  routing: Routing;
  /** How often replicas' reports of their load are read, µs; 0 = always fresh. */
  reportUs: number;
  slo: Slo;
  /** Requests a replica may have, running and waiting, before more are turned away; Infinity = no limit. */
  maxOutstanding: number;
  /** Some replicas only prefill; keys and values then go to one of the others. */
  split?: Disaggregation;
  /** Every how many requests one is kept as a trace; 0 = none. */
  sampleEvery: number;
}

/** What a fleet does not decide by itself. */
export interface FleetHooks {
  /** Keys and values of a request will have gone to where it decodes at `us`: `handOver` is to be called then. */
  transfer(slot: number, us: number): void;
  /** A request is over, answered or not. */
  over(us: number): void;
  /** The end of what a replica is at changed. */
  touched(replica: number): void;
}

const MAX_TRACES = 10_000;
/** Not up: no request is sent there. */
export const NEVER = Infinity;

export class Fleet {
  readonly requests = new Requests();
  readonly replicas: Replica[];
  readonly record: FleetRecord;
  readonly traces: RequestTrace[] = [];
  readonly digest: Digest;
  /** Plans, iterations and the like of replicas that are gone. */
  readonly past = { plans: 0, cuts: 0, iterations: 0, preempted: 0 };
  /** µs that each replica has had a batch, so far. */
  readonly busyUs: Float64Array;
  /** Slots that wait for any replica to come up, in order; prefilled ones that wait for one which decodes. */
  private door: number[] = [];
  private backDoor: number[] = [];
  private numbers = 0;
  /** Requests whose keys and values have gone from one replica to another. */
  transfers = 0;
  /** Of requests that are with a replica which only prefills, and so sees one token: their outputs. */
  private readonly wholeOutput = new Map<number, number>();
  readonly reports: LoadReports;
  private readonly front: Router;
  private readonly back: Router;
  private readonly settings: FleetSettings;
  private readonly hooks: FleetHooks;

  /** `readyUs`: when each replica is up; absent = all at 0. */
  constructor(
    settings: FleetSettings,
    record: FleetRecord,
    hooks: FleetHooks,
    readyUs?: readonly number[],
    digest: Digest = new Digest(),
  ) {
    this.digest = digest;
    this.settings = settings;
    this.record = record;
    this.hooks = hooks;
    this.busyUs = new Float64Array(settings.replicas);
    this.replicas = Array.from(
      { length: settings.replicas },
      (_, r) => new Replica(settings.replica, this.requests, this.listener(r), readyUs?.[r] ?? 0),
    );
    this.reports = new LoadReports(this.replicas, settings.reportUs);
    const { split, routing, replicas } = settings;
    if (split !== undefined && !(split.prefill >= 1 && split.prefill < replicas))
      throw new Error(
        `of ${replicas} replicas ${split.prefill} cannot be for prefill alone: at least one, and one must be left`,
      );
    this.front = new Router(this.replicas, this.reports, routing, 0, split?.prefill ?? replicas);
    this.back = new Router(this.replicas, this.reports, 'least-outstanding', split?.prefill ?? 0);
  }

  /** Requests in the system. */
  get present(): number {
    return this.requests.live;
  }

  /** At the door. */
  get waiting(): number {
    return this.door.length + this.backDoor.length;
  }

  // --- replicas ------------------------------------------------------------------------------------------------------

  /** A replica is up and empty, of this kind. */
  up(r: number, settings: ReplicaSettings, us: number): void {
    this.reports.upTo(us);
    this.retire(r);
    this.replicas[r] = new Replica(settings, this.requests, this.listener(r), us);
    const { door, backDoor } = this;
    this.door = [];
    this.backDoor = [];
    for (const slot of door) this.place(slot, us);
    for (const slot of backDoor) this.handOver(slot, us);
  }

  /** A replica that drains takes requests again. */
  reopen(r: number, us: number): void {
    this.replicas[r].readyUs = us;
  }

  /** It gets no more requests and finishes those it has. */
  drain(r: number): void {
    this.replicas[r].readyUs = NEVER;
  }

  /** Its processes hang: it does nothing, and nobody knows. */
  hang(r: number, us: number): void {
    this.reports.upTo(us);
    this.replicas[r].advance(us);
    this.replicas[r].hang();
    this.hooks.touched(r);
  }

  /** It is gone: what it had is computed again elsewhere, from the start. `mark`: what that is put down to. */
  lose(r: number, us: number, mark: number = MARK.fault, backUs = NEVER): void {
    const { requests, settings, wholeOutput } = this;
    this.reports.upTo(us);
    this.replicas[r].advance(us);
    const lost = this.replicas[r].fail(backUs, mark);
    for (const slot of lost) {
      if (settings.split !== undefined && r >= settings.split.prefill) {
        wholeOutput.set(slot, requests.output[slot]);
        requests.output[slot] = 1;
      }
      this.place(slot, us);
    }
    this.hooks.touched(r);
  }

  /** New replicas of these kinds, empty, for a copy's data to be put back into. */
  renew(settings: readonly ReplicaSettings[]): void {
    settings.forEach((one, r) => {
      this.replicas[r] = new Replica(one, this.requests, this.listener(r), NEVER);
    });
  }

  private retire(r: number): void {
    const { plans, cuts, iterations, preempted } = this.replicas[r];
    this.past.plans += plans;
    this.past.cuts += cuts;
    this.past.iterations += iterations;
    this.past.preempted += preempted;
  }

  /** Everything due before `us` happens, on all replicas. */
  advance(us: number): void {
    this.reports.upTo(us);
    for (const replica of this.replicas) replica.advance(us);
  }

  total(what: 'plans' | 'cuts' | 'iterations' | 'preempted'): number {
    return this.replicas.reduce((sum, replica) => sum + replica[what], this.past[what]);
  }

  // --- requests ------------------------------------------------------------------------------------------------------

  /** A request comes. Its slot; −1 = no replica could ever hold it. */
  offer(one: Arrival, us: number): number {
    const { record } = this;
    const isSplit = this.settings.split !== undefined;
    record.requests++;
    record.hourRequests.add(Math.floor(us / 3_600_000_000), 1);
    record.tenants.add(one.tenant, 1);
    const number = this.numbers++;
    if (!this.couldHold(one)) {
      record.refused++;
      this.hooks.over(us);
      return -1;
    }
    record.promptTokens += one.prompt;
    const slot = this.requests.add(us, one.prompt, isSplit ? 1 : one.output, one.tenant, one.hashes);
    if (isSplit) this.wholeOutput.set(slot, one.output);
    this.requests.number[slot] = number;
    return slot;
  }

  private couldHold({ prompt, output }: Arrival): boolean {
    const { replicas, settings } = this;
    const decoding = settings.split?.prefill ?? 0;
    return (
      replicas.some((replica, r) => r >= decoding && replica.holds(prompt, output)) &&
      (decoding === 0 || replicas.some((replica, r) => r < decoding && replica.holds(prompt, 1)))
    );
  }

  /** Sends it to a replica; while none is up it waits at the door. */
  place(slot: number, us: number): void {
    const { requests, front, settings } = this;
    this.reports.upTo(us);
    if (front.closed) {
      requests.marks[slot] |= MARK.coldStart;
      this.door.push(slot);
      return;
    }
    const r = front.choose(slot, us);
    if (front.fresh !== r) requests.marks[slot] |= MARK.staleTelemetry;
    const replica = this.replicas[r];
    replica.advance(us);
    if (replica.outstanding >= settings.maxOutstanding) {
      this.record.shed++;
      this.wholeOutput.delete(slot);
      requests.remove(slot);
      this.hooks.over(us);
      return;
    }
    this.send(slot, r, us);
  }

  /** Its prompt is in the cache of a replica which does not decode. */
  private prefilled(slot: number, r: number, us: number, { transferPsPerToken, latencyUs }: Disaggregation): void {
    const { requests, wholeOutput } = this;
    const output = wholeOutput.get(slot) as number;
    wholeOutput.delete(slot);
    requests.output[slot] = output;
    if (output === 1) {
      // The first token is the last.
      this.finish(slot, r, us);
      return;
    }
    this.transfers++;
    this.hooks.transfer(slot, us + latencyUs + Math.ceil((requests.prompt[slot] * transferPsPerToken) / 1e6));
  }

  /** Its keys and values have come to where it decodes. */
  handOver(slot: number, us: number): void {
    const { requests, back } = this;
    this.reports.upTo(us);
    if (back.closed) {
      requests.marks[slot] |= MARK.coldStart;
      this.backDoor.push(slot);
      return;
    }
    const r = back.choose(slot, us);
    requests.shared[slot] = 0;
    requests.hashes[slot] = null;
    this.replicas[r].advance(us);
    this.send(slot, r, us);
  }

  /** To this replica, which has advanced to `us`. */
  private send(slot: number, r: number, us: number): void {
    this.requests.replica[slot] = r;
    this.replicas[r].receive(slot, us);
    this.hooks.touched(r);
  }

  private listener(r: number): ReplicaListener {
    const { record } = this;
    return {
      finished: (slot, us) => {
        const { split } = this.settings;
        if (split !== undefined && r < split.prefill) this.prefilled(slot, r, us, split);
        else this.finish(slot, r, us);
      },
      decoded: (fromUs, toUs, iterations, batch, firstPs, growthPs, prompts) => {
        record.worked(fromUs, toUs, iterations * batch + prompts);
        this.busyUs[r] += toUs - fromUs;
        record.token.addRising(firstPs, growthPs, iterations, batch);
      },
      resumed: (_slot, gapUs) => record.token.add(gapUs * 1e6),
      firstToken() {
        // Read off the request when it ends.
      },
    };
  }

  /** Its last token is out. */
  private finish(slot: number, r: number, us: number): void {
    const { requests, record, digest, settings, traces } = this;
    digest.time(us);
    digest.word(slot);
    const arrival = requests.arrivalUs[slot];
    const output = requests.output[slot];
    const first = requests.firstTokenUs[slot];
    const queued = requests.admittedUs[slot] - arrival;
    let missed: Cause | undefined;
    record.finished(requests.tenant[slot], arrival, queued, first, us, output, () => {
      missed = this.causeOf(slot, us);
      return missed;
    });
    record.cachedTokens += requests.hitTokens[slot];
    const number = requests.number[slot];
    if (settings.sampleEvery > 0 && number % settings.sampleEvery === 0 && traces.length < MAX_TRACES) {
      traces.push({
        number,
        tenant: requests.tenant[slot],
        replica: r,
        prompt: requests.prompt[slot],
        output,
        cachedTokens: requests.hitTokens[slot],
        arrivalUs: arrival,
        admittedUs: requests.admittedUs[slot],
        firstTokenUs: first,
        doneUs: us,
        preemptions: requests.preemptions[slot],
        ...(missed === undefined ? {} : { missed }),
      });
    }
    requests.remove(slot);
    this.hooks.over(us);
  }

  private causeOf(slot: number, doneUs: number): Cause {
    const { requests, settings } = this;
    const marks = requests.marks[slot];
    if (marks & MARK.fault) return 'fault';
    if (marks & MARK.preempted) return 'preempted';
    if (marks & MARK.coldStart) return 'cold-start';
    const first = requests.firstTokenUs[slot];
    if (first - requests.arrivalUs[slot] > settings.slo.ttftUs) {
      const waited = requests.admittedUs[slot] - requests.arrivalUs[slot];
      if (waited < first - requests.admittedUs[slot])
        return requests.preemptions[slot] > 0 && doneUs === first ? 'kv-pressure' : 'prefill';
      if (marks & MARK.kvPressure) return 'kv-pressure';
      return marks & MARK.staleTelemetry ? 'stale-telemetry' : 'queue';
    }
    const isSplit = settings.split !== undefined;
    return requests.preemptions[slot] > 0 || (isSplit && marks & MARK.kvPressure) ? 'kv-pressure' : 'batch';
  }
}
