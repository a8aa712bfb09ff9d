/** Controls change their own characters of the text and nothing else. */
import { expect, test } from 'vitest';
import { builtinTexts } from '../scenarios/builtin/texts.ts';
import { controlsOf, withControl } from './controls.ts';

const TEXT = `kind: Cluster
spec:
  pools:
    - {name: p, nodes: 4, gpuModel: H100-SXM5}  # as bought
---
kind: FaultModel
spec:
  preset: default
`;

test('a stated value is replaced where it stands, a missing one is put in front', () => {
  expect(withControl(TEXT, 'pool/p/nodes', '6')).toBe(TEXT.replace('nodes: 4', 'nodes: 6'));
  expect(withControl(TEXT, 'faults', '2')).toBe(TEXT.replace('  preset', '  rateFactor: 2\n  preset'));
  expect(() => withControl(TEXT, 'nothing', '1')).toThrow("no control 'nothing'");
});

test('writing a control of a built-in scenario as it stands changes nothing', () => {
  for (const { name, text } of builtinTexts)
    for (const { id, value } of controlsOf(text))
      if (/^[\w.$/%-]+$/.test(value)) expect(withControl(text, id, value), `${name} ${id}`).toBe(text);
});
