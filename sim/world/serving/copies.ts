/** Snapshots of components that are made of components: each part's own data, by name. */

const isPart = (value: unknown): value is object =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !ArrayBuffer.isView(value) &&
  !(value instanceof Map) &&
  !(value instanceof Set) &&
  Object.getPrototypeOf(value) !== Object.prototype;

interface Parts {
  own: Record<string, unknown>;
  parts: Record<string, Parts>;
  lists: Record<string, Parts[]>;
}

/** Fields named in `shared` never change, or are restored by somebody else, at any depth. */
export function copyOf(component: object, shared: readonly string[]): Parts {
  const copy: Parts = { own: {}, parts: {}, lists: {} };
  for (const [key, value] of Object.entries(component)) {
    if (shared.includes(key) || typeof value === 'function') continue;
    if (isPart(value)) copy.parts[key] = copyOf(value, shared);
    else if (Array.isArray(value) && value.length > 0 && isPart(value[0]))
      copy.lists[key] = value.map((part) => copyOf(part, shared));
    else copy.own[key] = structuredClone(value);
  }
  return copy;
}

/** Gives a component of the same make the data of a copy, which can be used again. Lists of parts have equal lengths. */
export function putBack(component: object, copy: Parts): void {
  Object.assign(component, structuredClone(copy.own));
  const into = component as Record<string, unknown>;
  for (const [key, part] of Object.entries(copy.parts)) putBack(into[key] as object, part);
  for (const [key, list] of Object.entries(copy.lists))
    list.forEach((part, i) => {
      putBack((into[key] as object[])[i], part);
    });
}

export type PartsCopy = Parts;
