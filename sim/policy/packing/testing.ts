/** For tests of placers: a cluster one can place on by hand. */
import { Cluster } from '../../cluster/cluster.ts';
import type { View } from '../../cluster/view.ts';
import { openStream, type Stream } from '../../engine/random.ts';
import type { Scenario } from '../../scenario.ts';
import { type NodeFilter, type Placement, type Placer, placeGang } from './placement.ts';

export interface Bench {
  scenario: Scenario;
  cluster: Cluster;
  view: View;
  stream: Stream;
  /** Places a job for good; null if it does not fit. */
  place(placer: Placer, job: number, suits?: NodeFilter): Placement | null;
  /** Takes a job off the cluster for good. */
  leave(job: number): void;
}

/** Only what placers may look at: everything else of the view throws. */
export function openBench(scenario: Scenario): Bench {
  const cluster = new Cluster(scenario);
  const { taskStart } = scenario.jobs;
  const release = (job: number) => {
    for (let t = taskStart[job]; t < taskStart[job + 1]; t++) if (cluster.taskNode[t] >= 0) cluster.release(t);
  };
  const trial = {
    mark: () => cluster.mark(),
    place: (task: number, node: number, mask: number) => cluster.allocate(task, node, mask),
    evict: release,
    takeBack: (mark: number) => cluster.takeBack(mark),
  };
  const view = new Proxy({ scenario, cluster, trial } as unknown as View, {
    get(target, name, receiver) {
      if (!(name in target)) throw new Error(`a placer looks at view.${String(name)}`);
      return Reflect.get(target, name, receiver);
    },
  });
  const stream = openStream(scenario.seed, 'placement');
  return {
    scenario,
    cluster,
    view,
    stream,
    place(placer, job, suits) {
      const placement = placeGang(placer, view, job, stream, suits);
      cluster.commit();
      return placement;
    },
    leave(job) {
      release(job);
      cluster.commit();
    },
  };
}
