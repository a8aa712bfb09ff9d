/**
 * How a node comes back: emptied, then reset, rebooted, served or given new hardware, step by step upwards until one helps,
 * then checked, then ready. Durations are drawn from the stream of the fault that took the node out.
 */
import { NODE_STATES, type NodeState, READY } from '../../cluster/cluster.ts';
import { openStream, type Stream, type StreamState } from '../../engine/random.ts';
import { restoreSnapshot, type Snapshot, takeSnapshot } from '../../engine/snapshot.ts';
import { DAY_US, type RepairSettings } from '../../scenario.ts';
import { KIND, PRIORITY } from '../events.ts';
import { REPAIRS, type Repair } from './kinds.ts';
import { beginsUs, drawFrom, drawnUs, type RepairSite } from './repair-site.ts';

const RUNG = Object.fromEntries(REPAIRS.map((name, i) => [name, i])) as Record<Repair, number>;

interface Case {
  /** Index into REPAIRS: what is tried now. */
  rung: number;
  /** What is being done: more may have turned out to be needed meanwhile. */
  doing: number;
  tries: number;
  stream: StreamState;
  stage: 'emptying' | 'emptied' | 'waiting' | 'crew' | 'working' | 'checking' | 'returning';
  renewed: boolean;
  served: boolean;
  /** Holds one of the crews. */
  crew: boolean;
}

/** What a repair does to the rest of the world. */
export interface RepairHost {
  setState(node: number, state: NodeState): void;
  /** The driver starts anew: gauges are empty again. */
  onReset(node: number): void;
  onRenewed(node: number): void;
  /** The node has passed its check; true = it is wanted back. */
  onReturned(node: number): boolean;
}

/** What helped: decides what the node goes through before it returns. */
export type Return = 'quick' | 'served' | 'renewed';

const UNCHANGING = ['site', 'host', 'takeOver'];
const IN_SERVICE = ['ready', 'draining'];

export class Repairs {
  private readonly cases = new Map<number, Case>();
  /** Nodes that wait for people, first come first served. */
  private readonly queue: number[] = [];
  private busyCrews = 0;
  private readonly site: RepairSite;
  private readonly host: RepairHost;
  /** Who sees to a node that was helped until it returns; null = it is checked here, for a stated time. */
  private takeOver: ((node: number, how: Return) => void) | null = null;

  constructor(site: RepairSite, host: RepairHost) {
    this.site = site;
    this.host = host;
    site.engine.on(KIND.repair, (node) => this.advance(node));
  }

  snapshot(): Snapshot {
    return takeSnapshot(this, UNCHANGING);
  }

  restore(snapshot: Snapshot): void {
    restoreSnapshot(this, snapshot);
  }

  has(node: number): boolean {
    return this.cases.has(node);
  }

  /** Takes a node out of service; it is repaired once nothing runs on it any more. */
  open(node: number, repair: Repair, stream: string): void {
    const before = this.cases.get(node);
    if (before !== undefined) {
      if (before.stage !== 'checking' && before.stage !== 'returning')
        before.rung = Math.max(before.rung, RUNG[repair]);
      return;
    }
    this.cases.set(node, {
      rung: RUNG[repair],
      doing: RUNG[repair],
      tries: 0,
      stream: openStream(this.site.scenario.seed, `${stream}/repair`).state(),
      stage: 'emptying',
      renewed: false,
      served: false,
      crew: false,
    });
    const inService = IN_SERVICE.includes(NODE_STATES[this.site.cluster.nodeState[node]]);
    this.host.setState(node, inService ? 'draining' : 'unhealthy');
    this.freed(node);
  }

  /** From now on a node that was helped is in others' hands; they say `returned` or `failedAgain`. */
  returnsBy(takeOver: (node: number, how: Return) => void): void {
    this.takeOver = takeOver;
  }

  returned(node: number): void {
    this.cases.delete(node);
    this.host.setState(node, this.host.onReturned(node) ? 'ready' : 'draining');
  }

  /** What was done did not help after all: the next step up. */
  failedAgain(node: number): void {
    const repair = this.cases.get(node) as Case;
    repair.rung = Math.min(RUNG.rma, repair.rung + 1);
    repair.tries = 0;
    repair.stage = 'waiting';
    this.host.setState(node, 'unhealthy');
    this.advance(node);
  }

  /** Where a node is that it has in hand. */
  stageOf(node: number): 'draining' | 'unhealthy' | 'repair' | 'rma' | 'check' | undefined {
    const repair = this.cases.get(node);
    if (repair === undefined) return undefined;
    if (repair.stage === 'emptying' || repair.stage === 'emptied') return 'draining';
    if (repair.stage === 'checking' || repair.stage === 'returning') return 'check';
    return repair.stage !== 'working' ? 'unhealthy' : repair.rung >= RUNG.rma ? 'rma' : 'repair';
  }

  /** Something has left the node. */
  freed(node: number): void {
    const repair = this.cases.get(node);
    if (repair?.stage !== 'emptying' || this.site.cluster.firstTaskOn[node] >= 0) return;
    repair.stage = 'emptied';
    this.at(node, this.site.engine.now);
  }

  private advance(node: number): void {
    const repair = this.cases.get(node);
    if (repair === undefined) return;
    if (this.site.cluster.nodeState[node] === READY) {
      // Somebody else has put it back into service.
      this.releaseCrew(repair);
      this.cases.delete(node);
      return;
    }
    switch (repair.stage) {
      case 'emptied':
        if (this.site.cluster.firstTaskOn[node] >= 0) {
          repair.stage = 'emptying';
          return;
        }
        this.host.setState(node, 'unhealthy');
        repair.stage = 'waiting';
        this.at(node, beginsUs(this.site));
        return;
      case 'waiting':
        if (this.needsCrew(repair)) {
          repair.stage = 'crew';
          this.queue.push(node);
          this.callCrews();
        } else this.work(node, repair);
        return;
      case 'crew':
        this.work(node, repair);
        return;
      case 'working':
        this.tried(node, repair);
        return;
      case 'checking':
        this.returned(node);
        return;
      default:
      // In others' hands.
    }
  }

  private work(node: number, repair: Case): void {
    repair.stage = 'working';
    repair.doing = repair.rung;
    // Hands are needed to serve a node, not to wait for its parts.
    if (repair.rung !== RUNG.service) this.releaseCrew(repair);
    this.at(node, this.site.engine.now + drawFrom(repair, (stream) => this.takesUs(repair.rung, stream)));
  }

  private tried(node: number, repair: Case): void {
    this.host.onReset(node);
    const { settings } = this.site;
    const rung = repair.doing;
    const step = rung === RUNG.service ? settings.service : rung === RUNG.reboot ? settings.reboot : settings.gpuReset;
    const needsMore = repair.rung > rung;
    let helped = !needsMore;
    if (rung < RUNG.rma) helped = drawFrom(repair, (stream) => stream.next()) < step.success && !needsMore;
    if (rung >= RUNG.service) repair.served = true;
    if (rung === RUNG.rma) {
      repair.renewed = true;
      this.host.onRenewed(node);
    }
    if (helped) {
      this.releaseCrew(repair);
      if (this.takeOver !== null) {
        repair.stage = 'returning';
        this.takeOver(node, repair.renewed ? 'renewed' : repair.served ? 'served' : 'quick');
        return;
      }
      repair.stage = 'checking';
      this.host.setState(node, 'provisioning');
      const { burnInUs, serviceCheckUs, checkUs } = settings;
      this.at(node, this.site.engine.now + (repair.renewed ? burnInUs : repair.served ? serviceCheckUs : checkUs));
      return;
    }
    // Each step is retried, then the next one up is taken.
    if (needsMore) repair.tries = 0;
    else if (++repair.tries > settings.retries || rung === RUNG.service) {
      repair.rung = rung + 1;
      repair.tries = 0;
    }
    if (this.needsCrew(repair)) {
      repair.stage = 'waiting';
      this.advance(node);
    } else this.work(node, repair);
  }

  private takesUs(rung: number, stream: Stream): number {
    const { settings } = this.site;
    if (rung >= RUNG.rma) return Math.ceil(triangular(settings.rma, stream.next()));
    const step = rung === RUNG.service ? settings.service : rung === RUNG.reboot ? settings.reboot : settings.gpuReset;
    return drawnUs(step, stream);
  }

  // ── people ──────────────────────────────────────────────────────────────────────────────────────────────────────

  private needsCrew({ rung, crew }: Case): boolean {
    return this.site.settings.crews > 0 && rung === RUNG.service && !crew;
  }

  private callCrews(): void {
    while (this.queue.length > 0 && this.busyCrews < this.site.settings.crews) {
      const node = this.queue.shift() as number;
      this.busyCrews++;
      (this.cases.get(node) as Case).crew = true;
      this.at(node, this.site.engine.now);
    }
  }

  private releaseCrew(repair: Case): void {
    if (!repair.crew) return;
    repair.crew = false;
    this.busyCrews--;
    this.callCrews();
  }

  private at(node: number, us: number): void {
    this.site.engine.schedule(us, PRIORITY.faultStep, KIND.repair, node);
  }
}

/** By inversion of a number in [0, 1). */
function triangular({ leastUs: a, likeliestUs: c, mostUs: b }: RepairSettings['rma'], u: number): number {
  if (b <= a) return a;
  const f = (c - a) / (b - a);
  return u < f ? a + Math.sqrt(u * (b - a) * (c - a)) : b - Math.sqrt((1 - u) * (b - a) * (b - c));
}

/** facts: reset seconds to a minute, reboot 5–15 min, recovery 2.2 h on average (arXiv 2503.11901), 3 % to replacement. */
export const REPAIR_DEFAULTS: RepairSettings = {
  gpuReset: { medianUs: 30e6, sigma: 0.5, success: 0.9 },
  reboot: { medianUs: 480e6, sigma: 0.4, success: 0.9 },
  service: { medianUs: 1.33 * 3600e6, sigma: 1, success: 0.97 },
  rma: { leastUs: DAY_US, likeliestUs: 3 * DAY_US, mostUs: 14 * DAY_US },
  retries: 1,
  repeatWithinUs: 7 * DAY_US,
  crews: 2,
  checkUs: 120e6,
  serviceCheckUs: 15 * 60e6,
  burnInUs: DAY_US + 15 * 60e6,
};
