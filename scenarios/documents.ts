/** YAML text → documents whose fields have been checked, each still knowing where it came from. */

import { z } from 'zod';
import { nameList, nearestName, type PathStep, PROBLEM_LIMIT, type Problem, pathText } from './problem.ts';
import { type Accepted, KINDS, TRAINER } from './schema.ts';
import { quote } from './units.ts';
import { DEFAULT_LIMITS, type Limits, type Plain, parseYaml, type SourceDocument } from './yaml.ts';

export interface CheckedDocument {
  /** The document's `kind`, or `trainer` for NeMo's settings, which have none. */
  kind: string;
  data: unknown;
  source: SourceDocument;
}

/** Collects problems; stops collecting at `PROBLEM_LIMIT`. */
export interface Report {
  problems: Problem[];
  add(problem: Problem): void;
  /** A problem at a place in a document; `candidates` are the valid names, to find the nearest. */
  at(doc: SourceDocument, path: readonly PathStep[], found: string, expected: string, candidates?: Near): void;
}

export interface Near {
  name: string;
  among: Iterable<string>;
}

/** Reports a problem at a place in one document, or one part of it. */
export type At = (path: readonly PathStep[], found: string, expected: string, near?: Near) => void;

export function newReport(): Report {
  const problems: Problem[] = [];
  const add = (problem: Problem) => {
    if (problems.length < PROBLEM_LIMIT) problems.push(problem);
  };
  return {
    problems,
    add,
    at(doc, path, found, expected, near) {
      // Finding a place and the nearest name takes time; nobody reads the ten-thousandth problem.
      if (problems.length >= PROBLEM_LIMIT) return;
      const nearest = near === undefined ? undefined : nearestName(near.name, near.among);
      const place = { file: doc.file, ...doc.locate(path), path: pathText(path) };
      add({ ...place, found, expected, ...(nearest === undefined ? {} : { nearest }) });
    },
  };
}

export function documentsOf<K extends keyof Accepted>(docs: readonly CheckedDocument[], kind: K) {
  return docs.filter((d) => d.kind === kind) as { kind: K; data: Accepted[K]; source: SourceDocument }[];
}

export function checkDocuments(
  text: string,
  file: string,
  report: Report,
  limits: Limits = DEFAULT_LIMITS,
): CheckedDocument[] {
  const { documents, problems } = parseYaml(text, file, limits);
  for (const problem of problems) report.add(problem);
  const checked: CheckedDocument[] = [];
  for (const source of documents) {
    const doc = checkDocument(source, report);
    if (doc !== undefined) checked.push(doc);
  }
  return checked;
}

/** One document by its kind's schema; undefined after reporting what is wrong with it. */
export function checkDocument(source: SourceDocument, report: Report): CheckedDocument | undefined {
  const { value } = source;
  if (typeof value !== 'object' || Array.isArray(value)) {
    report.at(
      source,
      [],
      Array.isArray(value) ? 'a list' : quote(String(value)),
      'a document with apiVersion, kind and spec',
    );
    return undefined;
  }
  const trainer = value.kind === undefined && value.apiVersion === undefined && value.trainer !== undefined;
  const entry = trainer ? { kind: 'trainer', schema: TRAINER } : findKind(source, value, report);
  if (entry === undefined) return undefined;
  const result = entry.schema.safeParse(value);
  if (result.success) return { kind: entry.kind, data: result.data, source };
  for (const issue of result.error.issues.slice(0, PROBLEM_LIMIT)) reportIssue(source, entry.schema, issue, [], report);
  return undefined;
}

function findKind(source: SourceDocument, value: { [key: string]: Plain }, report: Report) {
  for (const field of ['apiVersion', 'kind'] as const) {
    if (typeof value[field] === 'string') continue;
    const expected =
      field === 'kind'
        ? `a kind, one of ${nameList(
            KINDS.map((k) => k.kind),
            99,
          )}`
        : 'an apiVersion, such as simsup.dev/v1';
    report.at(
      source,
      value[field] === undefined ? [] : [field],
      value[field] === undefined ? `no ${field}` : 'no text',
      expected,
    );
    return undefined;
  }
  const { apiVersion, kind } = value as { apiVersion: string; kind: string };
  const sameKind = KINDS.filter((k) => k.kind === kind);
  if (sameKind.length === 0) {
    report.at(
      source,
      ['kind'],
      quote(kind),
      `one of ${nameList(
        KINDS.map((k) => k.kind),
        99,
      )}`,
      {
        name: kind,
        among: KINDS.map((k) => k.kind),
      },
    );
    return undefined;
  }
  const match = sameKind.find((k) =>
    k.apiVersion.endsWith('/') ? apiVersion.startsWith(k.apiVersion) : k.apiVersion === apiVersion,
  );
  if (match === undefined) {
    const versions = sameKind.map((k) => (k.apiVersion.endsWith('/') ? `${k.apiVersion}*` : k.apiVersion));
    report.at(
      source,
      ['apiVersion'],
      quote(apiVersion),
      `${versions.join(' or ')} for ${/^[AEIOU]/.test(kind) ? 'an' : 'a'} ${kind}`,
    );
  }
  return match;
}

type Issue = z.core.$ZodIssue;

/** One of zod's issues in our words, at its place in the file. */
function reportIssue(
  source: SourceDocument,
  schema: z.ZodType,
  issue: Issue,
  base: readonly PathStep[],
  report: Report,
): void {
  const path = [...base, ...(issue.path as PathStep[])];
  const value = valueAt(source.value, path);
  const found = value === undefined ? 'nothing' : phrase(value);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const valid = fieldNames(schema, path);
      for (const key of issue.keys) {
        if (report.problems.length >= PROBLEM_LIMIT) return;
        const place = { file: source.file, ...source.locate([...path, key], true), path: pathText(path) };
        const nearest = nearestName(key, valid);
        const expected = valid.length > 0 ? `one of ${nameList(valid, 40)}` : 'no such field';
        report.add({ ...place, found: `unknown field ${quote(key)}`, expected, ...(nearest && { nearest }) });
      }
      return;
    }
    case 'invalid_union': {
      const branch = likeliestBranch(issue.errors as Issue[][]);
      for (const inner of branch) reportIssue(source, schema, inner, path, report);
      return;
    }
    case 'invalid_type': {
      const fields = issue.expected === 'object' ? fieldNames(schema, path) : [];
      const said = value === undefined && issue.expected === 'string' ? descriptionAt(schema, path) : undefined;
      const wanted =
        fields.length > 0 ? fieldsWanted(fields, value) : (said ?? WANTED[issue.expected] ?? issue.expected);
      if (value === undefined) {
        const key = path.at(-1);
        report.at(source, path, `no ${typeof key === 'string' ? key : 'value'}`, wanted);
      } else report.at(source, path, found, wanted);
      return;
    }
    case 'invalid_value': {
      const names = issue.values.map(String);
      const near = typeof value === 'string' ? { name: value, among: names } : undefined;
      report.at(source, path, found, names.length === 1 ? quote(names[0]) : `one of ${nameList(names, 40)}`, near);
      return;
    }
    case 'too_small':
      report.at(source, path, found, `at least ${issue.minimum} of them`);
      return;
    case 'too_big':
      report.at(source, path, found, `at most ${issue.maximum} of them`);
      return;
    default:
      report.at(source, path, found, issue.message);
  }
}

const WANTED: Record<string, string> = {
  string: 'one value',
  object: 'fields (name: value)',
  array: 'a list',
  record: 'fields (name: value)',
};

/** Fields by name; who gave one value where fields belong has most likely given the name. */
function fieldsWanted(fields: readonly string[], value: Plain | undefined): string {
  const list = `fields (${nameList(fields)})`;
  const named = fields.includes('name') && typeof value === 'string' && /^[\w./-]{1,60}$/.test(value);
  return named ? `${list}, such as {name: ${value}}` : list;
}

function phrase(value: Plain): string {
  if (typeof value === 'string') return quote(value);
  return Array.isArray(value) ? 'a list' : 'fields';
}

function valueAt(value: Plain, path: readonly PathStep[]): Plain | undefined {
  let at: Plain | undefined = value;
  for (const step of path) {
    if (typeof at !== 'object') return undefined;
    at = Array.isArray(at) ? at[Number(step)] : Object.hasOwn(at, step) ? at[step] : undefined;
  }
  return at;
}

/** Of a union's alternatives, the one whose shape the value comes closest to. */
function likeliestBranch(branches: Issue[][]): Issue[] {
  const badness = (issues: Issue[]) =>
    issues.reduce((sum, i) => {
      const atRoot = i.path.length === 0;
      if (atRoot && i.code === 'invalid_type') return sum + 1000;
      if (atRoot && i.code === 'invalid_value') return sum + 100;
      return sum + (i.code === 'custom' ? 1 : 5);
    }, 0);
  return branches.reduce((best, b) => (badness(b) < badness(best) ? b : best));
}

type Json = { [key: string]: unknown };

/** Names of the fields that a schema allows at a path, read off its JSON Schema. */
export function fieldNames(schema: z.ZodType, path: readonly PathStep[]): string[] {
  return [...new Set(schemasAt(schema, path).flatMap((s) => Object.keys((s.properties as Json | undefined) ?? {})))];
}

/** What a field's schema says of its values. */
function descriptionAt(schema: z.ZodType, path: readonly PathStep[]): string | undefined {
  const found = schemasAt(schema, path).map(({ description }) => description);
  return found.find((text) => typeof text === 'string') as string | undefined;
}

/** The alternatives that a schema has for a path. */
function schemasAt(schema: z.ZodType, path: readonly PathStep[]): Json[] {
  let here: Json[] = [z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Json];
  const spread = (list: Json[]): Json[] =>
    list.flatMap((s) => (Array.isArray(s.anyOf) ? spread(s.anyOf as Json[]) : [s]));
  for (const step of path) {
    here = spread(here).flatMap((s) => {
      const properties = s.properties as Json | undefined;
      const next = typeof step === 'number' ? s.items : (properties?.[step] ?? s.additionalProperties);
      return typeof next === 'object' && next !== null ? [next as Json] : [];
    });
  }
  return spread(here);
}
