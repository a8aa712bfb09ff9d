/** The work a change is tried on: built-in cases and the user's own scenarios. The suite is cases × seeds. */
import { builtins, memoryReader, readScenario } from '../../scenarios/index.ts';
import { Digest } from '../../sim/engine/digest.ts';
import type { PolicyFactory, Scenario } from '../../sim/simulate.ts';
import { ITP_MONTH, itpFiles, OPENB_FILL, openbFiles, PHILLY_WEEK, phillyFiles } from './cases/logs.ts';
import { QUOTA_FIGHTS } from './cases/quota-fights.ts';
import { TENANTS } from './cases/tenants.ts';

/** Plain data, so that it can be sent to a thread, and whole: nothing is read while it runs. */
export interface BenchCase {
  name: string;
  about: string;
  /** The scenario, and the files it names. */
  text: string;
  files: Readonly<Record<string, string>>;
}

/** Of everything that decides a run but the policy and the seed. */
export function fingerprint({ text, files }: BenchCase): string {
  const digest = new Digest();
  digest.text(text);
  for (const name of Object.keys(files).sort()) {
    digest.text(name);
    digest.text(files[name]);
  }
  return digest.hex();
}

/** The case as a scenario. Throws `ScenarioError`. */
export function caseScenario(
  { name, text, files }: BenchCase,
  seed: string,
  policies: readonly PolicyFactory[],
): Scenario {
  return readScenario(text, { policies, file: name, readFile: memoryReader(files), overrides: { seed } });
}

export interface BuiltinCase {
  name: string;
  about: string;
  make(): Pick<BenchCase, 'text' | 'files'>;
}

const fromBuiltin = (scenario: string) => () => {
  const found = builtins.find(({ name }) => name === scenario);
  if (found === undefined) throw new Error(`invariant: there is no built-in scenario ${scenario}`);
  return { text: found.text, files: found.files };
};

export const BUILTIN_CASES: readonly BuiltinCase[] = [
  {
    name: 'tenants',
    about: 'three tenants on 40 GPUs that are always contended, for a week',
    make: () => ({ text: TENANTS, files: {} }),
  },
  {
    name: 'quota-fights',
    about: 'five projects at the edges of odd quotas: caps, work that is never displaced, gangs against floods of ones',
    make: () => ({ text: QUOTA_FIGHTS, files: {} }),
  },
  {
    name: 'philly-week',
    about: "a week of Microsoft Philly's jobs on a quarter of its nodes",
    make: () => ({ text: PHILLY_WEEK, files: phillyFiles() }),
  },
  {
    name: 'itp-month',
    about: 'gangs of 64 GPUs among hundreds of single ones, from Microsoft ITP',
    make: () => ({ text: ITP_MONTH, files: itpFiles() }),
  },
  {
    name: 'openb-fill',
    about: "Alibaba's pods, many of which share a GPU, fill unlike nodes and stay",
    make: () => ({ text: OPENB_FILL, files: openbFiles() }),
  },
  { name: 'fault-storm', about: 'a week of faults in bursts on 128 GPUs', make: fromBuiltin('fault-storm') },
  {
    name: 'serve-and-train',
    about: 'inference with requests beside training on the same GPUs',
    make: fromBuiltin('serve-and-train'),
  },
];

/** The built-in case of this name. */
export function builtinCase(name: string): BenchCase | undefined {
  const found = BUILTIN_CASES.find((one) => one.name === name);
  return found === undefined ? undefined : { name, about: found.about, ...found.make() };
}
