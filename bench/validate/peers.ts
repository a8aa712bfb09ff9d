/** Published simulators replayed on the results that ship with the project; `npm run peers` replays all that is given. */
import { fileURLToPath } from 'node:url';
import { fgdRows } from '../peers/fgd.ts';
import { heliosRows } from '../peers/helios.ts';
import { kueueRows } from '../peers/kueue.ts';
import { muriRows } from '../peers/muri.ts';
import type { PeerRow } from '../peers/rows.ts';
import { type Claim, type ClaimGroup, commandFor } from './claim.ts';
import { shipped } from './shipped.ts';

export const peers: ClaimGroup = {
  name: 'peers',
  about: 'results of published simulators, job for job',
  run: () => {
    const folder = (name: string) => fileURLToPath(shipped(`bench/peers/data/${name}`));
    return [
      ...heliosRows(folder('helios')),
      ...muriRows(folder('muri')),
      ...fgdRows(folder('fgd'), folder('traces')),
      ...kueueRows(),
    ].map(claimOf);
  },
};

const SOURCES: Record<string, string> = {
  helios: 'Hu et al., SC 2021: HeliosArtifact simulator',
  muri: 'Zhao et al., SIGCOMM 2022: Muri simulator',
  fgd: 'Weng et al., USENIX ATC 2023: published placements',
  kueue: 'kubernetes-sigs/kueue performance tests',
};

/** Equality is claimed of every job; a wall clock that is predicted, of the seconds. */
function claimOf(row: PeerRow): Claim {
  const common = {
    id: `peers/${row.peer}/${row.case}/${row.policy}`,
    group: 'peers',
    source: SOURCES[row.peer] ?? row.peer,
    pass: row.pass,
    command: commandFor('peers'),
  };
  if (row.equal !== null) {
    const tolerance = row.peer === 'fgd' ? row.jobs * MOST_UNEQUAL : 0;
    return { ...common, expected: row.jobs, got: row.equal, tolerance, unit: 'jobs equal' };
  }
  return { ...common, expected: 0, got: row.maxDifference, tolerance: null, unit: row.unit ?? 'difference' };
}

/** Placements count as reproduced from 99.9 % on (`npm run peers` judges; this is what its table shows). */
const MOST_UNEQUAL = 0.001;
