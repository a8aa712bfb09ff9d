/**
 * Copies of a component's own data, for snapshots and forks. A component is an object whose fields are plain data
 * (numbers, strings, typed arrays, arrays, maps of such); fields named in `shared` never change and are left out.
 */
export type Snapshot = Record<string, unknown>;

export function takeSnapshot(component: object, shared: readonly string[]): Snapshot {
  const snapshot: Snapshot = {};
  for (const [key, value] of Object.entries(component)) {
    if (!shared.includes(key)) snapshot[key] = structuredClone(value);
  }
  return snapshot;
}

/** Gives the component the data of a snapshot taken from one of its kind. The snapshot can be used again. */
export function restoreSnapshot(component: object, snapshot: Snapshot): void {
  Object.assign(component, structuredClone(snapshot));
}
