/** The dialogs, one chunk: loaded when the first one is opened, or when there is nothing else to do. */
export { compareDialog } from './compare.ts';
export { exportDialog } from './export.ts';
export { helpDialog } from './keys.ts';
export { shareDialog } from './share.ts';
export { whatIfDialog } from './what-if.ts';
