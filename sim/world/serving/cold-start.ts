/** From its GPUs' being given to a replica until its endpoint is registered. */
import type { ColdStart } from '../../scenario.ts';

const SECOND = 1e6;

/**
 * When each step is done, µs after the start: image pulled, weights loaded, compiled, registered. Weights come from a store
 * whose bandwidth is divided among the `loading` replicas that read from it when this one begins (later ones slow only
 * themselves down), or from the disk of nodes that have read them before; a replica on several nodes reads its parts at once.
 */
export function coldStart(
  c: ColdStart,
  cached: boolean,
  loading: number,
  nodes: number,
): [number, number, number, number] {
  const image = cached ? 0 : c.imageUs;
  const bytesPerSecond = cached
    ? c.diskBytesPerSecond * nodes
    : Math.min(c.storeBytesPerSecond / Math.max(1, loading), c.diskBytesPerSecond * nodes);
  const weights = image + Math.ceil((c.weightBytes / bytesPerSecond) * SECOND);
  const warm = weights + c.warmUpUs;
  return [image, weights, warm, warm + c.registerUs];
}
