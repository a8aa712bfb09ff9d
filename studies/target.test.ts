import { expect, it } from 'vitest';
import { builtin } from '../scenarios/builtin/index.ts';
import { pointFigures } from './point.ts';
import { parseTarget } from './target.ts';

const specs = pointFigures(builtin('mission-control'));
const read = (text: string) => parseTarget(text, specs);
const refusal = (text: string) => {
  try {
    read(text);
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return (error as Error).message;
  }
  return '';
};

it.each([
  ['p95 wait research <= 2h', 'queueing-delay-p95/research', 7200],
  ['wait p50 <= 90s', 'queueing-delay-p50', 90],
  ['mean wait of llm-pretraining < 1d', 'queueing-delay-mean/llm-pretraining', 86_400],
  ['slo llama4-maverick-inference >= 99%', 'slo-attainment/llama4-maverick-inference', 0.99],
  ['slo >= 0.9', 'slo-attainment', 0.9],
  ['ettr ≥ 0.9', 'ettr', 0.9],
  ['budget <= $250k', 'cost', 250_000],
  ['cost <= $1,000,000', 'cost', 1_000_000],
  ['slowdown <= 3', 'slowdown-mean', 3],
  ['utilisation >= 60%', 'utilisation', 0.6],
])('%s is %s, %s', (text, figure, bound) => {
  expect(read(text)).toMatchObject({ figure, bound, atMost: /[<≤]/.test(text) });
});

it.each([
  ['', 'expected a figure, <= or >=, and a value'],
  ['p95 wait reserch <= 2h', "did you mean 'research'"],
  ['wibble <= 2', "there is no figure 'wibble'. There are wait, "],
  ['p95 wait >= 2h', 'lower is better: write <='],
  ['wait <= 2 apples', "'2 apples' is not a duration"],
  ['wait <= -1h', 'is not a duration'],
  ['cost <= 50%', "'50%' is not an amount"],
  ['ettr >= 95', 'more than everything'],
  ['deadline nobody <= 2d', 'this scenario has none'],
])('%s is refused: %s', (text, why) => {
  expect(refusal(text)).toContain(why);
});
