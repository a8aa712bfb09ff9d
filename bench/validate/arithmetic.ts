/** Published arithmetic, typed in: the guide's break-even for 32 H200 at $5.92 over a month of 720 h. */
import { breakEven } from '../../reports/break-even.ts';
import { type Claim, type ClaimGroup, commandFor } from './claim.ts';

export const arithmetic: ClaimGroup = {
  name: 'arithmetic',
  about: 'published break-even figures, to the cent',
  run: () => {
    const got = breakEven({ gpus: '32', price: '5.92', hours: '720', utilisation: ['0.60', '0.80'] });
    const rows: [string, number, number, string][] = [
      ['compute cost', 136_396.8, got.computeCost, '$'],
      ['useful at 60 %', 81_838.08, got.useful[0], '$'],
      ['useful at 80 %', 109_117.44, got.useful[1], '$'],
      ['uplift', 27_279.36, got.uplift, '$'],
      ['licence break-even', 10_371.84, got.licenceBreakEvenPerGpuYear, '$ per GPU-year'],
    ];
    return rows.map(
      ([name, expected, value, unit]): Claim => ({
        id: `arithmetic/${name}`,
        group: 'arithmetic',
        source: "Mission Control deployment guide's arithmetic, untruncated",
        expected,
        got: value,
        tolerance: 0,
        pass: value === expected,
        command: commandFor('arithmetic'),
        unit,
      }),
    );
  },
};
