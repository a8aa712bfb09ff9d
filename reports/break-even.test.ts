import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { breakEven } from './break-even.ts';

const SEED = { gpus: '32', price: '5.92', hours: '720', utilisation: ['0.60', '0.80'] };

describe('break-even from typed-in assumptions', () => {
  it('gives the published arithmetic to the cent', () => {
    expect(breakEven({ ...SEED, licence: '4500' })).toEqual({
      computeCost: 136396.8,
      utilisation: [0.6, 0.8],
      useful: [81838.08, 109117.44],
      uplift: 27279.36,
      licenceBreakEvenPerGpuYear: 10371.84,
      licence: 4500,
      licenceCost: 11835.62, // 4,500 × 32 × 720 ÷ 8,760 = 11,835.616…
      net: 15443.74,
      pays: true,
    });
  });

  it('says plainly when a licence can never pay', () => {
    const { uplift, licenceBreakEvenPerGpuYear, pays } = breakEven({
      ...SEED,
      utilisation: ['0.80', '0.60'],
      licence: '1',
    });
    expect({ uplift, licenceBreakEvenPerGpuYear, pays }).toEqual({
      uplift: -27279.36,
      licenceBreakEvenPerGpuYear: -10371.84,
      pays: false,
    });
  });

  it.each([
    [{ gpus: '0' }, "gpus: found '0', expected a decimal number above 0"],
    [{ hours: '0' }, "hours: found '0', expected a decimal number above 0"],
    [{ price: '-1' }, "price: found '-1', expected a decimal number 0 or more"],
    [{ price: '1e3' }, "price: found '1e3', expected a decimal number 0 or more"],
    [{ utilisation: ['0.6', '1.2'] }, "utilisation: found '1.2', expected a decimal number from 0 to 1"],
    [{ utilisation: ['0.6'] }, 'utilisation needs two shares or more, such as 0.60,0.80'],
    [{ licence: 'NaN' }, "licence: found 'NaN', expected a decimal number 0 or more"],
  ])('refuses %j', (wrong, message) => {
    expect(() => breakEven({ ...SEED, ...wrong })).toThrow(message);
  });

  it('breaks even exactly at the price it names', () => {
    const cent = fc.integer({ min: 1, max: 10_000 }).map((c) => (c / 100).toFixed(2));
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        cent,
        fc.integer({ min: 1, max: 9000 }),
        (gpus, price, hours) => {
          const at = { ...SEED, gpus: String(gpus), price, hours: String(hours) };
          const { licenceBreakEvenPerGpuYear } = breakEven(at);
          const { net } = breakEven({ ...at, licence: licenceBreakEvenPerGpuYear.toFixed(2) });
          // The price is rounded to a cent a GPU-year; over the hours and GPUs that is at most:
          expect(Math.abs(net ?? Infinity)).toBeLessThanOrEqual((0.005 * gpus * hours) / 8760 + 0.01);
        },
      ),
    );
  });
});
