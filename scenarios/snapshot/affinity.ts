/** Which nodes a pod may use and which pods it wants near or far, brought into the few forms that the policy decides by. */
import type { NodeSelectorTerm, NodeState, PodAffinity } from '../../sim/policy/runai/state.ts';
import { entries, type Fields, part, parts, text, textOr, texts } from './fields.ts';
import type { KubeObject } from './objects.ts';
import { type Findings, quoted, SnapshotError } from './problems.ts';

/** Label that stands for the node's name, put on nodes that a more involved expression allows. */
const ALLOWED_BY = 'allowed by node affinity';
const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'] as const;
type Operator = (typeof OPERATORS)[number];

interface Expression {
  key: string;
  operator: Operator;
  values: string[];
}

export interface NodeChoice {
  /** Terms for a pod; the nodes get labels where the pod's wish is more than a list of simple terms. */
  termsOf(pod: KubeObject): NodeSelectorTerm[];
}

/** Nodes by label. Alternatives and comparisons are worked out on the nodes as they are, since labels do not change. */
export function nodeChoice(nodes: readonly NodeState[]): NodeChoice {
  const worked = new Map<string, NodeSelectorTerm>();
  return {
    termsOf(pod) {
      const terms: NodeSelectorTerm[] = entries(pod, 'spec.nodeSelector').map(([key, value]) => ({
        key,
        operator: 'In',
        values: [value],
      }));
      const wish = part(pod, 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution');
      if (wish === undefined) return terms;
      const alternatives = parts(wish, 'nodeSelectorTerms').map((term) => ({
        labels: parts(term, 'matchExpressions').map(expression),
        names: parts(term, 'matchFields').map(expression),
      }));
      const [only] = alternatives;
      const simple = (e: Expression) => e.operator !== 'Gt' && e.operator !== 'Lt';
      if (alternatives.length === 1 && only.names.length === 0 && only.labels.length > 0 && only.labels.every(simple))
        return [...terms, ...(only.labels as NodeSelectorTerm[])];
      const key = JSON.stringify(alternatives);
      let term = worked.get(key);
      if (term === undefined) {
        const value = String(worked.size + 1);
        for (const node of nodes) {
          const fits = alternatives.some(
            ({ labels, names }) =>
              labels.length + names.length > 0 &&
              labels.every((e) => holdsFor(e, node.labels[e.key])) &&
              names.every((e) => holdsFor(e, node.name)),
          );
          if (fits) node.labels[`${ALLOWED_BY} ${value}`] = 'yes';
        }
        term = { key: `${ALLOWED_BY} ${value}`, operator: 'In', values: ['yes'] };
        worked.set(key, term);
      }
      return [...terms, term];
    },
  };
}

function expression(f: Fields): Expression {
  const operator = textOr(f, 'operator') as Operator;
  if (!OPERATORS.includes(operator)) {
    throw new SnapshotError(
      `${f.object}: ${f.path}operator: found ${quoted(operator)}, expected ${OPERATORS.join(', ')}`,
    );
  }
  return { key: textOr(f, 'key'), operator, values: texts(f, 'values') };
}

function holdsFor({ operator, values }: Expression, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default: {
      const [have, than] = [Number(value), Number(values[0])];
      return value !== undefined && (operator === 'Gt' ? have > than : have < than);
    }
  }
}

export interface PodSelectors {
  /** What the pod wants near, or far. */
  wishes(pod: KubeObject, which: 'podAffinity' | 'podAntiAffinity'): PodAffinity[];
  /** The selectors that a pod meets, each as a label: the only labels of pods that go further. */
  labelsOf(pod: KubeObject): Record<string, string>;
}

interface Selector {
  text: string;
  namespaces: Set<string> | null;
  expressions: Expression[];
  /** No selector at all: it means no pod. */
  never: boolean;
}

/** All selectors must have been seen by `wishes` before `labelsOf` is asked. */
export function podSelectors(findings: Findings): PodSelectors {
  const known = new Map<string, Selector>();
  return {
    wishes(pod, which) {
      const path = `spec.affinity.${which}.requiredDuringSchedulingIgnoredDuringExecution`;
      return parts(pod, path).map((term) => {
        const selector = readSelector(term, pod, findings);
        if (!known.has(selector.text)) known.set(selector.text, selector);
        return { topologyKey: textOr(term, 'topologyKey'), labels: { [selector.text]: 'yes' } };
      });
    },
    labelsOf(pod) {
      const labels: Record<string, string> = {};
      for (const { text: key, namespaces, expressions, never } of known.values()) {
        if (never || (namespaces !== null && !namespaces.has(pod.namespace))) continue;
        if (expressions.every((e) => holdsFor(e, pod.labels.get(e.key)))) labels[key] = 'yes';
      }
      return labels;
    },
  };
}

function readSelector(term: Fields, pod: KubeObject, findings: Findings): Selector {
  const selector = part(term, 'labelSelector');
  const expressions: Expression[] =
    selector === undefined
      ? []
      : [
          ...entries(selector, 'matchLabels').map(
            ([key, value]): Expression => ({ key, operator: 'In', values: [value] }),
          ),
          ...parts(selector, 'matchExpressions').map(expression),
        ];
  const named = texts(term, 'namespaces');
  const byLabel = part(term, 'namespaceSelector');
  let namespaces: Set<string> | null = new Set(named.length > 0 ? named : [pod.namespace]);
  if (byLabel !== undefined) {
    const wanted = entries(byLabel, 'matchLabels');
    const byName = wanted.length === 1 && wanted[0][0] === 'kubernetes.io/metadata.name' ? wanted[0][1] : undefined;
    if (byName !== undefined) namespaces = new Set([...named, byName]);
    else namespaces = null;
    if (byName === undefined && wanted.length + parts(byLabel, 'matchExpressions').length > 0) {
      findings.warn(
        'namespaces',
        pod.object,
        'picks namespaces by label, which the snapshot does not hold: all are meant',
      );
    }
  }
  const words = expressions.map(({ key, operator, values }) =>
    operator === 'In' && values.length === 1 ? `${key}=${values[0]}` : `${key} ${operator} ${values.join('|')}`.trim(),
  );
  const where = namespaces === null ? 'all namespaces' : [...namespaces].sort().join(', ');
  return {
    text: `${words.sort().join(', ') || 'any pod'} in ${where}`,
    namespaces,
    expressions,
    never: selector === undefined,
  };
}

export function tolerationsOf(pod: KubeObject) {
  return parts(pod, 'spec.tolerations').map((t) => ({
    key: textOr(t, 'key'),
    operator: (text(t, 'operator') === 'Exists' ? 'Exists' : 'Equal') as 'Exists' | 'Equal',
    value: textOr(t, 'value'),
    effect: textOr(t, 'effect'),
  }));
}
