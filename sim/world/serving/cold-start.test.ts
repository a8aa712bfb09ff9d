import { expect, it } from 'vitest';
import { coldStart } from './cold-start.ts';

const SETTINGS = {
  imageUs: 45e6,
  weightBytes: 70e9,
  storeBytesPerSecond: 2e9,
  diskBytesPerSecond: 7e9,
  warmUpUs: 12e6,
  registerUs: 10e6,
};
const seconds = (cached: boolean, loading = 1, nodes = 1) =>
  coldStart(SETTINGS, cached, loading, nodes).map((us) => us / 1e6);

it('pulls the image, then reads the weights from the store, then captures graphs, then registers', () => {
  expect(seconds(false)).toEqual([45, 80, 92, 102]);
});

it('shares the store with those that load at the same time', () => {
  expect(seconds(false, 4)).toEqual([45, 45 + 140, 45 + 152, 45 + 162]);
});

it('finds image and weights on the disk of a node that has had them', () => {
  expect(seconds(true, 4)).toEqual([0, 10, 22, 32]);
});

it('reads its parts at once where it stands on several nodes, as fast as the store gives them', () => {
  expect(seconds(true, 1, 2)).toEqual([0, 5, 17, 27]);
  expect(seconds(false, 1, 2)).toEqual(seconds(false));
});
