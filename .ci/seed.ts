/**
 * Properties are tried at one seed, so that a change is judged on the same cases as the one before it. To search for others:
 * `SIMSUP_SEED=random npx vitest run sim`, or a number to try again what such a search has found.
 */
import fc from 'fast-check';

const SEED = 20250301;
const wanted = process.env.SIMSUP_SEED ?? String(SEED);
if (wanted !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(wanted) });
