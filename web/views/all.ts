/** The views in the order of their tabs, each its own chunk: loaded when it is shown first, or when there is nothing else to do. */
import type { ViewSpec } from './view.ts';

export const VIEWS: ViewSpec[] = [
  {
    id: 'overview',
    title: 'Overview',
    about: 'Press space and watch: the cluster, the ledger and the timeline at the moment of the cursor.',
    load: () => import('./overview.ts').then(({ mount }) => mount),
  },
  {
    id: 'map',
    title: 'Map',
    about: 'Every GPU of the cluster at the moment of the cursor. Press space to let time run.',
    load: () => import('./map/map.ts').then(({ mount }) => mount),
  },
  {
    id: 'timeline',
    title: 'Timeline',
    about: 'Who held which GPU when. Ctrl and wheel zoom in time, alt and wheel zoom in rows, shift and drag pan.',
    load: () => import('./timeline/timeline.ts').then(({ mount }) => mount),
  },
  {
    id: 'queues',
    title: 'Queues',
    about: 'What each project deserves, its fair share by Run:ai’s rule, what it holds, borrows and waits for.',
    load: () => import('./queues.ts').then(({ mount }) => mount),
  },
  {
    id: 'ledger',
    title: 'Ledger',
    about: 'Each microsecond of each GPU in exactly one category; the categories add up to the capacity, to the unit.',
    load: () => import('./ledger.ts').then(({ mount }) => mount),
  },
  {
    id: 'serving',
    title: 'Serving',
    about: 'Time to first token and throughput against their targets, replicas, and the reason for each miss.',
    load: () => import('./serving.ts').then(({ mount }) => mount),
  },
  {
    id: 'faults',
    title: 'Faults',
    about: 'What broke, and the delays from the fault to its being noticed, to work going on and to the node’s return.',
    load: () => import('./faults.ts').then(({ mount }) => mount),
  },
  {
    id: 'job',
    title: 'Job',
    about: 'Why a job waited, moved or died, with the scheduler’s reasons.',
    load: () => import('./job.ts').then(({ mount }) => mount),
  },
  {
    id: 'metrics',
    title: 'Metrics',
    about: 'What Grafana would show: utilisation by GPU model and by project.',
    load: () => import('./metrics.ts').then(({ mount }) => mount),
  },
];

export const DIFFERENCES = { id: 'differences', title: 'Differences', about: 'What the two runs differ in.' };
