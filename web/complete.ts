/** Completion of scenarios from their JSON Schema: the fields that may stand at a place, and the values that a field may have. */
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import type { App } from './app.ts';

export interface Schema {
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  const?: unknown;
  enum?: unknown[];
  description?: string;
  type?: string;
  $ref?: string;
  $defs?: Record<string, Schema>;
}

export function completions(app: App) {
  let schema: Schema | null = null;
  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    schema ??= (await app.clients[1].call((remote) => remote.schema())) as Schema;
    const text = context.state.doc.toString();
    const word = context.matchBefore(/[\w.$/-]*/);
    if (word === null || (word.from === word.to && !context.explicit)) return null;
    const options = optionsAt(
      schema,
      text,
      word.from,
      app.policies.map(({ name }) => name),
    );
    return options.length === 0 ? null : { from: word.from, options, validFor: /^[\w.$/-]*$/ };
  };
}

/** What may be written at a place in a text. */
export function optionsAt(schema: Schema, text: string, at: number, policies: readonly string[]): Completion[] {
  const start = text.lastIndexOf('\n---', at) + 1;
  const next = text.indexOf('\n---', at);
  const document = text.slice(start, next < 0 ? undefined : next);
  const kind = /^kind:\s*['"]?(\w+)/m.exec(document)?.[1];
  const documents = alternatives(schema, schema);
  const fitting =
    kind === undefined ? documents : documents.filter((each) => constOf(each.properties?.kind, schema) === kind);
  const { path, value } = pathAt(text.slice(start, at));
  if (value === 'kind' && path.length === 0)
    return names(
      documents.map((each) => constOf(each.properties?.kind, schema)).filter((each) => each !== undefined),
      'kind',
    );
  let places = fitting.length > 0 ? fitting : documents;
  for (const step of path) places = places.flatMap((place) => under(place, step, schema));
  if (value !== null) {
    if (value === 'policy' || (value === 'name' && path.at(-1) === 'policy')) return names([...policies], 'policy');
    const values = places
      .flatMap((place) => under(place, value, schema))
      .flatMap((each) => [...(each.enum ?? []), ...(each.const === undefined ? [] : [each.const])]);
    return names([...new Set(values.map(String))], 'value');
  }
  const fields = new Map<string, Completion>();
  for (const place of places) {
    for (const [name, field] of Object.entries(place.properties ?? {})) {
      const detail = field.type ?? (field.enum ? 'choice' : undefined);
      if (!fields.has(name))
        fields.set(name, {
          label: name,
          type: 'property',
          apply: `${name}: `,
          ...(detail === undefined ? {} : { detail }),
        });
    }
  }
  return [...fields.values()];
}

const names = (list: string[], type: string): Completion[] =>
  list.map((label) => ({ label, type: type === 'value' ? 'enum' : 'keyword' }));

function alternatives(schema: Schema, root: Schema): Schema[] {
  if (schema.$ref !== undefined) {
    const found = root.$defs?.[schema.$ref.replace('#/$defs/', '')];
    return found === undefined ? [] : alternatives(found, root);
  }
  const more = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
  return more.length === 0 ? [schema] : more.flatMap((each) => alternatives(each, root));
}

function constOf(schema: Schema | undefined, root: Schema): string | undefined {
  if (schema === undefined) return undefined;
  for (const each of alternatives(schema, root)) {
    const value = each.const ?? each.enum?.[0];
    if (typeof value === 'string') return value;
  }
  return undefined;
}

function under(schema: Schema, step: string, root: Schema): Schema[] {
  if (step === '[]') return schema.items === undefined ? [] : alternatives(schema.items, root);
  const field =
    schema.properties?.[step] ??
    (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
  return field === undefined ? [] : alternatives(field, root);
}

/** Fields that enclose the end of a text, `[]` for an item of a list; `value`: the field whose value is being written. */
export function pathAt(before: string): { path: string[]; value: string | null } {
  const lines = before.split('\n');
  const last = lines[lines.length - 1];
  // Inside { … } on this line: what is open, from the left.
  const flow: string[] = [];
  let field = '';
  let inFlow: string | null = null;
  const head = /^(\s*(?:- +)*)/.exec(last)?.[1] ?? '';
  const stack: { mark: string; field: string }[] = [];
  const rest = last.slice(head.length);
  for (let i = 0, token = ''; i < rest.length; i++) {
    const c = rest[i];
    if (c === '{' || c === '[') {
      stack.push({ mark: c, field });
      field = '';
      token = '';
    } else if (c === '}' || c === ']') {
      stack.pop();
      token = '';
      field = '';
    } else if (c === ',') {
      token = '';
      field = '';
    } else if (c === ':' && (rest[i + 1] === ' ' || i + 1 === rest.length)) {
      field = token.trim().replace(/^['"]|['"]$/g, '');
      token = '';
    } else token += c;
  }
  for (const { mark, field: name } of stack) {
    if (name !== '') flow.push(name);
    if (mark === '[') flow.push('[]');
  }
  if (field !== '') inFlow = field;
  // Lines above with less indentation enclose this one.
  const path: string[] = [];
  let indent = head.length;
  for (let k = (head.match(/- /g) ?? []).length; k > 0; k--) path.unshift('[]');
  if (path.length > 0) indent = head.indexOf('-');
  for (let i = lines.length - 2; i >= 0; i--) {
    const line = /^(\s*)((?:- +)*)([\w.-]+):/.exec(lines[i]);
    if (line === null) continue;
    const [, space, dashes, name] = line;
    const column = space.length + dashes.length;
    if (column < indent && /:\s*(#.*)?$/.test(lines[i])) {
      path.unshift(name);
      indent = column;
    }
    if (dashes !== '' && space.length < indent && column <= indent) {
      path.unshift('[]');
      indent = space.length;
    }
    if (indent === 0) break;
  }
  return { path: [...path, ...flow], value: inFlow };
}
