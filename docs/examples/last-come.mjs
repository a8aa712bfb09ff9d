// A policy of one's own: simsup run --policy-module docs/examples/last-come.mjs --arg tries=20
// Who came last runs first; each worker goes to the first node that has room. docs/cli.md explains the shape.

export default {
  name: 'last-come',
  about: 'last come, first served; first fit',
  args: {
    tries: { type: 'number', min: 1, max: 1000, default: 100, about: 'jobs looked at before it gives up for now' },
  },
  create: ({ tries }) => ({
    name: 'last-come',
    // Asked at every moment at which something changed.
    periodUs: 0,
    // The policy's memory: plain data only, so that a simulation can be copied and continued.
    init: () => ({ waiting: [] }),
    decide(view, state) {
      state.waiting.push(...view.pended);
      const actions = [];
      const placed = new Set();
      for (const job of state.waiting.slice(-tries).reverse()) {
        const placement = firstFit(view, job);
        if (placement === null) continue;
        placed.add(job);
        actions.push({ kind: 'place', job, ...placement, reason: 'last come' });
      }
      state.waiting = state.waiting.filter((job) => !placed.has(job));
      return { actions, state, wakeAt: Infinity };
    },
  }),
};

/** The whole gang in one pool, or nothing: what was tried and does not work out is taken back. */
function firstFit(view, job) {
  const { jobs, nodes, poolLists } = view.scenario;
  // Ready nodes only: 0 stands for `ready`.
  const mayTake = (node, pool) => nodes.pool[node] === pool && view.cluster.nodeState[node] === 0;
  const [first, end] = [jobs.taskStart[job], jobs.taskStart[job + 1]];
  for (const pool of poolLists[jobs.poolList[job]]) {
    const mark = view.trial.mark();
    const placement = { tasks: [], nodes: [], masks: [] };
    for (let task = first; task < end; task++) {
      const gpus = jobs.taskGpus[task];
      let node = 0;
      while (node < nodes.count && !(mayTake(node, pool) && view.cluster.fits(job, gpus, node))) node++;
      if (node === nodes.count) break;
      const mask = view.cluster.pickGpus(job, gpus, node);
      view.trial.place(task, node, mask);
      placement.tasks.push(task);
      placement.nodes.push(node);
      placement.masks.push(mask);
    }
    if (placement.tasks.length === end - first) return placement;
    view.trial.takeBack(mark);
  }
  return null;
}
