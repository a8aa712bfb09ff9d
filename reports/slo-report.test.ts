import { describe, expect, it } from 'vitest';
import { readScenario } from '../scenarios/index.ts';
import { POLICIES, simulate } from '../sim/simulate.ts';
import { documentCsv, documentHtml, documentMarkdown } from './document.ts';
import { type SloInput, sloDocument, sloVerdict, violationsOf } from './slo-report.ts';
import { summarise } from './summary.ts';

/** A service that has more to do than it can, in two fidelities. */
const serve = (fidelity: string, perSecond = 9, name = 'chat'): SloInput =>
  summarise(
    simulate(
      readScenario(
        `apiVersion: simsup.dev/v1
kind: Cluster
spec: {pools: [{name: h, gpuModel: H100-SXM5, nodes: 1, gpusPerNode: 8}]}
---
apiVersion: simsup.dev/v1
kind: Simulation
spec: {duration: 3h, policy: runai}
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata: {name: '${name}', annotations: {simsup.dev/fidelity: ${fidelity}}}
spec: {model: {name: llama-3.1-70b}, replicas: 1, slo: {targetTTFT: 200ms, p99Latency: 60ms, minThroughput: 100}}
---
apiVersion: simsup.dev/v1
kind: Workload
spec: {requests: [{deployment: '${name}', tenant: '=SUM(A1)', perSecond: ${perSecond}, prompt: 1500, output: 300}]}
`,
        { policies: POLICIES },
      ),
    ),
    0,
  );

describe('a report on service levels', () => {
  const input = serve('requests');
  const [chat] = input.slo.deployments;
  const about = { version: '1', command: 'npx simsup' };

  it('puts every request that missed a target down to one reason', () => {
    const missed = violationsOf(chat);
    expect(missed.length).toBeGreaterThan(1);
    const all = missed.reduce((sum, { requests }) => sum + requests, 0);
    expect(all).toBe(chat.requests - Math.round((chat.attainment ?? 0) * chat.requests));
    expect(missed.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    expect(missed.map(({ requests }) => requests)).toEqual(
      [...missed.map(({ requests }) => requests)].sort((a, b) => b - a),
    );
  });

  it('says how far targets were met, and mostly why not', () => {
    expect(sloVerdict(chat)).toMatch(
      /^chat: \d+\.\d\d % of [\d,]+ requests met their targets; most of the others because of /,
    );
  });

  it('has hours that add up to all requests', () => {
    expect(chat.attainmentByHour.reduce((sum, { requests }) => sum + requests, 0)).toBe(chat.requests);
  });

  it.each(['requests', 'rate'])('is a page, Markdown and CSV without a figure that is none: %s', (fidelity) => {
    const document = sloDocument(serve(fidelity, 2, 'a<b>'), about);
    for (const form of [documentHtml(document), documentMarkdown(document), documentCsv(document)])
      expect(form).not.toMatch(/NaN|undefined|Infinity|null|<b>a/);
    expect(documentCsv(document)).toContain("'=SUM(A1)");
    expect(documentHtml(document)).toContain(fidelity === 'rate' ? 'closed form' : 'every request and every batch');
  });

  it('says so where no deployment states its requests', () => {
    const none = { ...input, slo: { note: 'nothing', deployments: [] } };
    expect(documentHtml(sloDocument(none, about))).toContain('No deployment of this scenario states its requests');
  });
});
