/**
 * Whatever is changed in what others write, it is read or refused with a sentence: no crash, no hang over a second. The test
 * command tries a few inputs for each reader, `npm run fuzz` a million (SIMSUP_FUZZ = how many; SIMSUP_FUZZ_FROM = the first,
 * to try one again).
 */
import { expect, it } from 'vitest';
import { openStream } from '../../sim/engine/random.ts';
import { NotSaid, TARGETS } from './targets.ts';

const many = Number(process.env.SIMSUP_FUZZ ?? 0);
const from = Number(process.env.SIMSUP_FUZZ_FROM ?? 0);
/** Hangs: of processor time, as others use the machine too; and a slow input has to be slow twice, as memory is tidied up when it must. */
const SLOW_MS = 1000;
/** A reader with a defect would fill the screen. */
const MOST_TOLD = 5;

it.each(TARGETS.map((target) => [target.name, target] as const))(
  '%s',
  async (_, { name, few, make, says }) => {
    const failures: string[] = [];
    const count = many > 0 ? many : few;
    for (let i = from; i < from + count && failures.length < MOST_TOLD; i++) {
      const tell = (what: string) =>
        failures.push(
          `input ${i}: ${what}\n${JSON.stringify(make(openStream('fuzz', `${name}/${i}`)).input).slice(0, 2000)}`,
        );
      const attempt = async (): Promise<number> => {
        const { read } = make(openStream('fuzz', `${name}/${i}`));
        const began = process.cpuUsage();
        try {
          await read();
        } catch (error) {
          const said =
            error instanceof Error && says.some((kind) => error instanceof kind) && !(error instanceof NotSaid);
          if (!said)
            tell(
              error instanceof Error
                ? `${error.name}: ${error.message.slice(0, 300)}\n${error.stack?.split('\n').slice(1, 5).join('\n')}`
                : String(error),
            );
          else if (error.message.trim().length < 3) tell('refused without a word');
        }
        const { user, system } = process.cpuUsage(began);
        return (user + system) / 1000;
      };
      if ((await attempt()) > SLOW_MS) {
        const again = await attempt();
        if (again > SLOW_MS) tell(`took ${Math.round(again)} ms`);
      }
    }
    expect(failures.join('\n\n')).toBe('');
  },
  many > 0 ? 86_400_000 : 60_000,
);
