/** `simsup web [FILE]`: serves the visualizer on this machine, with a file opened. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { folderReader } from '../../scenarios/files.ts';
import { UserError } from '../../scenarios/import/import.ts';
import { builtins, readScenario } from '../../scenarios/index.ts';
import { nearestName, ScenarioError } from '../../scenarios/problem.ts';
import { POLICIES } from '../../sim/simulate.ts';
import { wholeOption } from '../host/options.ts';
import { type OpenedFile, servePage } from '../host/server.ts';

interface Flags {
  port: number;
  allowRead: string[];
}

const DEFAULT_PORT = 7467;
/** As the page takes at most. */
const MOST_BYTES = 512 * 2 ** 20;

export function webCommand(): Command {
  const collect = (value: string, before: string[]) => [...before, value];
  return new Command('web')
    .description('serves the visualizer on this machine: the cluster in the browser, played, changed and compared')
    .argument(
      '[file]',
      'opened at once: a scenario, a built-in one’s name, a folder of run --out or its run.json, a log, a snapshot',
    )
    .option('--port <n>', 'to listen on; 0 = any that is free', wholeOption('--port', 0, 65_535), DEFAULT_PORT)
    .option('--allow-read <dir>', 'lets the scenario name files here; may be repeated', collect, [])
    .addHelpText(
      'after',
      '\nExamples:\n  npx simsup web\n  npx simsup web my-cluster.yaml\n  npx simsup run --out results && npx simsup web results',
    )
    .action(web);
}

async function web(file: string | undefined, flags: Flags): Promise<void> {
  const { fragment, opened } = whatToOpen(file, flags.allowRead);
  const { url, close } = await servePage({ site: siteFolder(), opened }, flags.port);
  process.stderr.write(`Open ${url}${fragment} in a browser; Ctrl-C stops. Only this machine can reach it.\n`);
  await new Promise<void>((resolve) => {
    const stop = () => void close().then(resolve);
    process.once('SIGINT', stop);
    process.once('SIGTERM', stop);
  });
}

/** dist/web, from dist/cli/commands, from the sources or from a bundle. */
function siteFolder(): string {
  for (const place of ['../../web', '../../dist/web']) {
    const folder = fileURLToPath(new URL(place, import.meta.url));
    if (existsSync(join(folder, 'sw.js'))) return folder;
  }
  throw new UserError('the web page is not built: run npm run build first');
}

/** What the page is told in its address, and the files it may then ask for, read each time it does. */
export function whatToOpen(
  file: string | undefined,
  allowRead: readonly string[] = [],
): { fragment: string; opened: () => OpenedFile[] } {
  if (file === undefined) return { fragment: '', opened: () => [] };
  if (builtins.some(({ name }) => name === file)) return { fragment: `?scenario=${file}`, opened: () => [] };
  const path = plainFile(file);
  const opened = () => {
    const bytes = readFileSync(path);
    const main = { name: basename(path), bytes };
    return [main, ...(isScenario(main) ? namedFiles(path, bytes.toString('utf8'), allowRead) : [])];
  };
  return { fragment: '#open', opened };
}

function plainFile(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) {
    const nearest = nearestName(
      file,
      builtins.map(({ name }) => name),
    );
    throw new UserError(`there is no file ${file}${nearest === undefined ? '' : `; did you mean '${nearest}'?`}`);
  }
  if (stat.isDirectory()) {
    for (const name of ['run.json', 'scenario.yaml'])
      if (statSync(join(file, name), { throwIfNoEntry: false })?.isFile()) return plainFile(join(file, name));
    throw new UserError(`${file} is a folder without run.json or scenario.yaml: name the file to open`);
  }
  if (!stat.isFile()) throw new UserError(`${file} is not a plain file`);
  if (stat.size > MOST_BYTES)
    throw new UserError(
      `${file} has ${Math.round(stat.size / 2 ** 20)} MiB; the page takes at most ${MOST_BYTES / 2 ** 20}`,
    );
  return file;
}

const isScenario = ({ name, bytes }: OpenedFile) =>
  /\.(ya?ml|sbatch|sh)$/i.test(name) ||
  /^(apiVersion|kind):|^#SBATCH/m.test(Buffer.from(bytes.subarray(0, 4096)).toString('utf8'));

/** The files that a scenario names, as far as it may read them: the page says what is missing or wrong. */
function namedFiles(path: string, text: string, allowRead: readonly string[]): OpenedFile[] {
  const files: OpenedFile[] = [];
  const read = folderReader(dirname(path), allowRead);
  try {
    readScenario(text, {
      file: basename(path),
      policies: POLICIES,
      readFile(name) {
        const allowed = read(name);
        files.push({ name: name.replace(/^\.\//, ''), bytes: readFileSync(resolve(dirname(path), name)) });
        return allowed;
      },
    });
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
  }
  return files;
}
