/** `npm run peers`: published simulators' results replayed with our policies. Prints a table, or JSON with --json. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { toldOrExit } from '../options.ts';
import { fgdRows } from './fgd.ts';
import { heliosRows } from './helios.ts';
import { kueueRows } from './kueue.ts';
import { muriRows } from './muri.ts';
import { notRun, type PeerRow } from './rows.ts';
import { markdownOf, tableOf } from './table.ts';

interface Peer {
  name: string;
  /** Needs no files: what was published is in its source. */
  needsNoFiles?: boolean;
  /** `dir`: the folder of this peer's files. */
  rows(dir: string, tracesDir: string): PeerRow[];
}

/** To add one: a file that makes rows, and its line here. */
const PEERS: readonly Peer[] = [
  { name: 'helios', rows: heliosRows },
  { name: 'muri', rows: muriRows },
  { name: 'fgd', rows: fgdRows },
  { name: 'kueue', needsNoFiles: true, rows: kueueRows },
];

const HELP = `Replays the inputs of published simulators and compares the results with theirs.

  npm run peers                                  what is under ../shared/peers, as a table
  npm run peers -- DIR --traces DIR              other folders of the same shapes
  npm run peers -- --json                        for programs
  npm run peers -- --markdown                    for a page, without the seconds
  npm run peers -- --only fgd                    one peer: ${PEERS.map(({ name }) => name).join(', ')}

DIR holds a folder for each peer (helios, muri, fgd), plain .csv or .csv.gz inside. FGD's pods and nodes come from the
folder openb-2023 of the traces (default ../shared/traces). Kueue's figures are published as text and need no files.
A case that cannot be run is a row that does not pass, with the reason.

Exit code: 0 all rows pass, 1 one does not, 2 bad arguments.
`;

function main(): number {
  const told = toldOrExit(
    { json: { type: 'boolean' }, markdown: { type: 'boolean' }, traces: { type: 'string' }, only: { type: 'string' } },
    HELP,
    true,
  );
  if (typeof told === 'number') return told;
  const { only, json, markdown, traces = '../shared/traces' } = told.values;
  const peers = PEERS.filter(({ name }) => only === undefined || name === only);
  if (peers.length === 0) {
    console.error(`there is no peer '${only}'; peers are ${PEERS.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const [dir = '../shared/peers', ...more] = told.words;
  if (more.length > 0 || !isFolder(dir)) {
    console.error(more.length > 0 ? `one folder at a time, not also ${more.join(', ')}` : `there is no folder ${dir}`);
    return 2;
  }
  const found = peers.filter(({ name, needsNoFiles }) => needsNoFiles || isFolder(join(dir, name)));
  if (found.every(({ needsNoFiles }) => needsNoFiles) && found.length < peers.length) {
    console.error(`${dir} has no folder ${peers.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  const results = found.flatMap((peer): PeerRow[] => {
    if (process.stderr.isTTY) console.error(`${peer.name} …`);
    try {
      return peer.rows(join(dir, peer.name), String(traces));
    } catch (error) {
      return [notRun(peer.name, join(dir, peer.name), '', (error as Error).message)];
    }
  });
  if (json) console.log(JSON.stringify({ results }, null, 2));
  else console.log(markdown ? markdownOf(results) : tableOf(results));
  return results.every(({ pass }) => pass) ? 0 : 1;
}

const isFolder = (path: string) => existsSync(path) && statSync(path).isDirectory();

process.exitCode = main();
