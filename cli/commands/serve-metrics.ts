/** `simsup serve-metrics RUN`: plays a run in accelerated time for a Prometheus to scrape. */
import { readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { Command } from 'commander';
import { meter, scrapeText } from '../../reports/openmetrics.ts';
import { type Playback, playback } from '../../reports/openmetrics-playback.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { HOUR_US, Simulation } from '../../sim/simulate.ts';
import { prepared } from './run.ts';

interface Flags {
  speed: number;
  port: number;
  host: string;
  policy?: string;
  seed?: string;
  arg: string[];
  allowRead: string[];
  loop?: boolean;
}

const CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
/** A file of readings larger than this does not fit the memory. */
const MAX_FILE = 2 ** 29;
/** Simulated at once before others get their turn. */
const PIECE_US = HOUR_US;

export function serveMetricsCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  return new Command('serve-metrics')
    .description(
      'plays a run in accelerated time on /metrics, for a Prometheus to scrape and dashboards to be rehearsed',
    )
    .argument('<run>', 'a file of run --metrics, or a scenario (simulated as it plays)')
    .option('--speed <factor>', 'simulated seconds in a second', speed, 600)
    .option('--port <n>', 'to listen on; 0 = any that is free', port, 9400)
    .option('--host <address>', 'to listen on', '127.0.0.1')
    .option('--loop', 'begin again at the end')
    .option('--policy <name>', 'of a scenario: instead of its own')
    .option('--arg <key=value>', 'an argument of the policy; may be repeated', collect, [])
    .option('--seed <text>', 'of a scenario: instead of its own')
    .option('--allow-read <dir>', 'lets the scenario name files here; may be repeated', collect, [])
    .addHelpText(
      'after',
      '\nExamples:\n  npx simsup serve-metrics mission-control --speed 600\n  npx simsup run --metrics month.om && npx simsup serve-metrics month.om\n  curl -s localhost:9400/metrics',
    )
    .action(serve);
}

function speed(text: string): number {
  const n = Number(text);
  if (!/^[\d.]+$/.test(text) || !(n > 0 && n <= 1e6))
    throw new UserError(`--speed '${text.slice(0, 40)}': expected a factor above 0 and at most 1000000, such as 600`);
  return n;
}

function port(text: string): number {
  const n = Number(text);
  if (!/^\d{1,5}$/.test(text) || n > 65_535)
    throw new UserError(`--port '${text.slice(0, 40)}': expected a port from 0 to 65535`);
  return n;
}

/** What is scraped so many µs after the start; `overUs` where the run ends, Infinity until that is known. */
interface Player {
  overUs(): number;
  at(us: number): Promise<string>;
  /** To begin again. */
  restart(): void;
}

async function serve(run: string, flags: Flags): Promise<void> {
  const player = looksLikeMetrics(run) ? filePlayer(run) : await livePlayer(run, flags);
  const server = await listening(player, flags);
  const address = server.address();
  const where = typeof address === 'object' && address !== null ? `${flags.host}:${address.port}` : flags.host;
  process.stderr.write(`Playing ${run} at ${flags.speed} × on http://${where}/metrics; Ctrl-C stops.\n`);
  await new Promise<void>((resolve) => {
    const stop = () => {
      server.close(() => resolve());
      server.closeAllConnections();
    };
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}

function listening(player: Player, flags: Flags): Promise<Server> {
  let began = performance.now();
  // One scrape after the other: a live simulation goes forward only.
  let turn: Promise<unknown> = Promise.resolve();
  const scrape = async () => {
    let us = (performance.now() - began) * 1000 * flags.speed;
    if (us > player.overUs() && flags.loop) {
      player.restart();
      began = performance.now();
      us = 0;
    }
    return player.at(Math.floor(us));
  };
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    if (path !== '/metrics') {
      response.writeHead(path === '/' ? 200 : 404, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(path === '/' ? 'simsup: the figures are on /metrics\n' : 'there is only /metrics\n');
      return;
    }
    turn = turn.then(scrape).then(
      (text) => response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(request.method === 'HEAD' ? '' : text),
      (error: Error) =>
        response
          .writeHead(500, { 'content-type': 'text/plain; charset=utf-8' })
          .end(`${error.message.split('\n')[0]}\n`),
    );
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE' ? 'it is in use: choose another with --port, or 0 for any' : error.message;
      reject(new UserError(`cannot listen on ${flags.host}:${flags.port}: ${why}`));
    });
    server.listen(flags.port, flags.host, () => resolve(server));
  });
}

/** The simulation itself, carried on to the moment of each scrape. */
async function livePlayer(name: string, flags: Flags): Promise<Player> {
  const { scenario, policy } = await prepared(name, flags);
  let simulation = new Simulation(scenario, { policy });
  let read = meter(simulation);
  let over = Infinity;
  return {
    overUs: () => over,
    restart() {
      simulation = new Simulation(scenario, { policy });
      read = meter(simulation);
      over = Infinity;
    },
    async at(us) {
      while (over === Infinity && simulation.nowUs < us) {
        const until = Math.min(us, simulation.nowUs + PIECE_US);
        simulation.run(until);
        if (simulation.nowUs < until) over = simulation.nowUs;
        await new Promise(setImmediate);
      }
      return scrapeText(read());
    },
  };
}

const HEAD = '# TYPE ';

/** Scenarios never begin so. */
function looksLikeMetrics(name: string): boolean {
  const stat = statSync(name, { throwIfNoEntry: false });
  if (stat?.isDirectory())
    throw new UserError(`${name} is a folder: name the file that run --metrics wrote, or the scenario`);
  if (stat === undefined || !stat.isFile() || /\.ya?ml$/i.test(name)) return false;
  if (stat.size > MAX_FILE)
    throw new UserError(
      `${name} has ${Math.ceil(stat.size / 2 ** 20)} MiB, at most ${MAX_FILE / 2 ** 20} can be played: write it with a longer --metrics-step`,
    );
  return readFileSync(name, 'utf8').startsWith(HEAD);
}

function filePlayer(name: string): Player {
  let played: Playback;
  try {
    played = playback(readFileSync(name, 'utf8'));
  } catch (error) {
    throw new UserError(`${name}: ${(error as Error).message}`);
  }
  return {
    // The last readings are good for a step, and stay where nothing begins again.
    overUs: () => played.durationUs + played.stepUs,
    restart() {},
    at: (us) => Promise.resolve(scrapeText(played.at(Math.min(us, played.durationUs)))),
  };
}
