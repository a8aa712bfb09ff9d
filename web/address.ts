/** What the page's address asks for: a shared scenario, a built-in one by name, or the file that `simsup web FILE` serves. */
import type { App } from './app.ts';
import { DIFFERENCES, VIEWS } from './views/all.ts';

/** Whether there was something to open; what cannot be opened is said. */
export async function openAddress(app: App): Promise<boolean> {
  try {
    if (location.hash.startsWith('#s=')) return await openShared(app);
    if (location.hash === '#open') return await openServed(app);
    const name = new URLSearchParams(location.search).get('scenario');
    if (name !== null) return await openNamed(app, name);
  } catch (error) {
    app.onNote(`The address cannot be opened: ${error instanceof Error ? error.message : String(error)}`);
  }
  return false;
}

async function openShared(app: App): Promise<boolean> {
  const { sharedOf } = await import('./share.ts');
  const shared = sharedOf(location.hash);
  if (shared === null) return false;
  const { source, beside, cursorUs } = shared;
  app.history.push(source.text);
  app.store.set('source', { source, beside, cursorUs });
  if ([...VIEWS, DIFFERENCES].some(({ id }) => id === shared.view)) app.store.set('view', { view: shared.view });
  await app.run();
  return true;
}

async function openServed(app: App): Promise<boolean> {
  const names = (await (await fetched('./opened.json')).json()) as string[];
  const contents = names.map(async (_, i) => (await fetched(`./opened/${i}`)).arrayBuffer());
  const files = (await Promise.all(contents)).map((bytes, i) => ({ name: names[i], bytes: new Uint8Array(bytes) }));
  return files.length > 0 && (await app.openFiles(files));
}

async function openNamed(app: App, name: string): Promise<boolean> {
  await app.loadFacts();
  if (app.builtins.some((builtin) => builtin.name === name)) {
    app.openBuiltin(name);
    return true;
  }
  app.onNote(`There is no built-in scenario '${name.slice(0, 60)}': the default one is shown.`);
  return false;
}

async function fetched(address: string): Promise<Response> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`the server says ${(await response.text()).slice(0, 200).trim()}`);
  return response;
}
