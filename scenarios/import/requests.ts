/** A trace of inference requests → a file of requests and the deployment that serves them. Read row by row, never kept. */

import { REQUESTS_HEADER, requestLine } from '../requests-csv.ts';
import { REQUEST_IMPORTERS } from './formats.ts';
import { type ImportOptions, type ImportResult, type ImportTarget, type RowNotes, UserError } from './importer.ts';
import { ReportBuilder } from './report.ts';
import type { TraceRequest } from './request-importer.ts';
import { type Chunks, lineBatches, MAX_LINE } from './text.ts';

const WRITE_CHARS = 1 << 16;
/** The manifests' own hardware and size, for a log that says nothing of what served it. */
const DEFAULT_GPU = 'H200-SXM5';
const DEFAULT_MODEL = 'llama-3.1-70b';
const REPLICAS = 4;

export async function importRequests(
  format: string,
  open: () => Chunks,
  options: ImportOptions,
  target: ImportTarget,
): Promise<ImportResult> {
  const importer = REQUEST_IMPORTERS.find((i) => i.name === format);
  if (importer === undefined)
    throw new UserError(`${format} is no format of requests: use ${REQUEST_IMPORTERS.map((i) => i.name).join(', ')}`);
  const report = new ReportBuilder();
  const { notes } = report;
  let read: ((line: string, notes: RowNotes) => TraceRequest | null) | undefined;
  let zeroUs: number | undefined;
  let beforeUs = 0;
  let lastUs = 0;
  let promptTokens = 0;
  let outputTokens = 0;
  let out = `${REQUESTS_HEADER}\n`;
  for await (const batch of lineBatches(open())) {
    for (let i = 0; i < batch.lines.length; i++) {
      const line = batch.lines[i];
      if (line !== null && line.trim() === '') continue;
      if (read === undefined) {
        read = importer.read(importer.header ? (line ?? '') : undefined);
        if (importer.header) continue;
      }
      report.beginRow(batch.first + i);
      if (line === null) {
        notes.refuse('long line', `is longer than ${MAX_LINE} characters`);
        continue;
      }
      const request = read(line, notes);
      if (request === null) continue;
      zeroUs ??= request.timeUs;
      let timeUs = request.timeUs - zeroUs;
      if (timeUs < beforeUs) {
        // Sorting would need the whole log in memory.
        notes.mend('time goes back', 'comes before the row above it: taken at the time of that row');
        timeUs = beforeUs;
      }
      beforeUs = lastUs = timeUs;
      report.takeRow();
      promptTokens += request.prompt;
      outputTokens += request.output;
      out += `${requestLine({ ...request, timeUs })}\n`;
    }
    if (out.length >= WRITE_CHARS) {
      await target.write(out);
      out = '';
    }
  }
  if (read === undefined) throw new UserError(`the file is empty: expected ${importer.expects}`);
  await target.write(out);
  const done = report.finish();
  if (done.taken === 0) return { report: done, scenarioYaml: '', nodesCsv: '', clusterRule: '' };
  const gpu = options.gpuModel ?? DEFAULT_GPU;
  const perSecond = lastUs > 0 ? (done.taken / (lastUs / 1e6)).toFixed(2) : String(done.taken);
  const rule = `one node of 8 ${gpu} for ${REPLICAS} replicas of ${DEFAULT_MODEL}: the log does not say what served it.`;
  const yaml = `# ${done.taken} requests of ${format}${options.source === undefined ? '' : ` (${options.source})`}: ${perSecond} a second, on average ${(promptTokens / done.taken).toFixed(0)} tokens in and ${(outputTokens / done.taken).toFixed(0)} out.
# Not from the log: the model, its GPUs, the targets.
apiVersion: simsup.dev/v1
kind: Simulation
metadata: {name: ${target.name ?? format}}
spec: {duration: ${Math.max(1, Math.ceil(lastUs / 1e6)) + 60}s}
---
apiVersion: simsup.dev/v1
kind: Cluster
metadata: {name: ${format}}
spec:
  pools: [{name: serving, gpuModel: ${gpu}, nodes: 1, gpusPerNode: 8}]
---
apiVersion: mission-control.nvidia.com/v1
kind: InferenceDeployment
metadata: {name: ${format}}
spec:
  model: {name: ${DEFAULT_MODEL}, precision: fp8}
  replicas: ${REPLICAS}
  slo: {targetTTFT: 500ms, p99Latency: 100ms}
---
apiVersion: simsup.dev/v1
kind: Workload
metadata: {name: requests}
spec:
  requests: [{deployment: ${format}, file: ${target.jobsFile}}]
`;
  return { report: done, scenarioYaml: yaml, nodesCsv: '', clusterRule: rule };
}
