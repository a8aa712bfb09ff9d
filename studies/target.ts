/** What a plan must meet, as people write it: `p95 wait nlp <= 2h`, `slo chat >= 99%`, `ettr >= 0.9`, `cost <= $100,000`. */
import { nameList, nearestName } from '../scenarios/problem.ts';
import { parseDuration, quote, UnitError } from '../scenarios/units.ts';
import { SECOND_US } from '../sim/simulate.ts';
import type { FigureSpec } from './figures.ts';

type Spec = Omit<FigureSpec, 'of'>;

export interface Target {
  /** As written, with single spaces. */
  text: string;
  figure: string;
  unit: FigureSpec['unit'];
  atMost: boolean;
  /** In the figure's unit: seconds, shares, $. */
  bound: number;
}

/** What is wrong with a target; a `RangeError` is what studies throw for bad input. */
const wrong = (text: string, sentence: string) => new RangeError(`target ${quote(text)}: ${sentence}`);

const EXAMPLES =
  "such as 'p95 wait TEAM <= 2h', 'slo NAME >= 99%', 'ettr >= 0.9', 'deadline JOB <= 3d' or 'cost <= $50000'";
const QUANTILE = /^(mean|p50|p90|p95|p99|median)$/i;

/** Words that stand for a figure, and what may follow them. */
const WORDS: Record<string, (name: string, quantile: string) => string> = {
  wait: (name, q) => `queueing-delay-${q}${name === '' ? '' : `/${name}`}`,
  jct: (_, q) => `jct-${q}`,
  slowdown: (_, q) => `slowdown-${q}`,
  slo: (name) => (name === '' ? 'slo-attainment' : `slo-attainment/${name}`),
  deadline: (name) => `end/${name}`,
  deadlines: () => 'deadlines-met',
  ettr: () => 'ettr',
  cost: () => 'cost',
  budget: () => 'cost',
};

/** Throws `RangeError` with a sentence that says what is wrong; `specs` are the figures that runs have. */
export function parseTarget(text: string, specs: readonly Spec[]): Target {
  const written = text.trim().replace(/\s+/g, ' ');
  const match = /^(.*?)\s*(<=|>=|≤|≥|=<|=>|<|>)\s*(\S.*)$/.exec(written);
  if (match === null) throw wrong(text, `expected a figure, <= or >=, and a value, ${EXAMPLES}`);
  const [, left, sign, value] = match;
  const spec = figureNamed(left, text, specs);
  const atMost = sign.includes('<') || sign === '≤';
  if (atMost !== (spec.better === 'lower'))
    throw wrong(text, `of ${spec.label}, ${spec.better} is better: write ${spec.better === 'lower' ? '<=' : '>='}`);
  return { text: written, figure: spec.id, unit: spec.unit, atMost, bound: boundOf(value, spec, text) };
}

function figureNamed(left: string, text: string, specs: readonly Spec[]): Spec {
  const direct = specs.find(({ id }) => id === left);
  if (direct !== undefined) return direct;
  const words = left.split(' ');
  const at = words.findIndex((word) => QUANTILE.test(word));
  const quantile = at < 0 ? 'p95' : words[at].toLowerCase().replace('median', 'p50');
  const [word = '', ...rest] = words.filter((_, i) => i !== at);
  const known = [...Object.keys(WORDS), ...specs.map(({ id }) => id)];
  if (!Object.hasOwn(WORDS, word.toLowerCase())) {
    const nearest = nearestName(word, known) ?? nearestName(left, known);
    const hint = nearest === undefined ? '.' : `; did you mean '${nearest}'?`;
    throw wrong(
      text,
      `there is no figure ${quote(left)}${hint} There are ${Object.keys(WORDS).join(', ')}, and the figures of a sweep`,
    );
  }
  const name = rest.join(' ').replace(/^of /, '');
  // Of slowdown and completion time, runs keep fewer figures.
  const id = WORDS[word.toLowerCase()](name, at < 0 && word.toLowerCase() === 'slowdown' ? 'mean' : quantile);
  const found = specs.find((s) => s.id === id);
  if (found !== undefined) return found;
  const prefix = id.includes('/') ? id.slice(0, id.indexOf('/') + 1) : id.replace(/-[^-]*$/, '-');
  const names = specs
    .filter((s) => s.id.startsWith(prefix) && s.id.includes('/') === id.includes('/'))
    .map((s) => s.id.slice(prefix.length));
  const nearest = nearestName(name === '' ? quantile : name, names);
  const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`;
  const are = names.length === 0 ? 'this scenario has none' : `there are: ${nameList(names)}`;
  throw wrong(
    text,
    `no such figure for ${quote(name === '' ? quantile : name)}${hint === '' ? `; ${are}` : `${hint.slice(0, -1)} (${are})?`}`,
  );
}

function boundOf(value: string, { unit, label }: Spec, text: string): number {
  const bound = read(value, unit);
  if (bound === undefined || !Number.isFinite(bound) || bound < 0) {
    const expected = {
      s: 'a duration such as 2h',
      share: 'a share such as 95%',
      $: 'an amount such as $50000',
    } as const;
    throw wrong(text, `${quote(value)} is not ${expected[unit as keyof typeof expected] ?? 'a number'} for ${label}`);
  }
  if (unit === 'share' && bound > 1)
    throw wrong(text, `${quote(value)} is more than everything: a share is at most 1 or 100%`);
  return bound;
}

function read(value: string, unit: Spec['unit']): number | undefined {
  if (unit === 's') {
    try {
      return parseDuration(value) / SECOND_US;
    } catch (error) {
      if (error instanceof UnitError) return undefined;
      throw error;
    }
  }
  const match = /^(\$?)\s*(\d[\d,_]*(?:\.\d+)?|\.\d+)\s*([kKmM]?)\s*(%?)$/.exec(value);
  if (match === null) return undefined;
  const [, dollar, digits, factor, percent] = match;
  if ((dollar !== '' && unit !== '$') || (percent !== '' && unit !== 'share')) return undefined;
  const scale = { '': 1, k: 1e3, K: 1e3, m: 1e6, M: 1e6 }[factor] ?? 1;
  return (Number(digits.replace(/[,_]/g, '')) * scale) / (percent === '' ? 1 : 100);
}
