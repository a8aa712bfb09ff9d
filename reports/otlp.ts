/**
 * Sampled requests as OpenTelemetry traces, in OTLP's JSON encoding (opentelemetry-proto, trace/v1): a root span for the
 * request with spans for waiting, prefill and decode, attributes by the semantic conventions for generative AI.
 */

import { Digest } from '../sim/engine/digest.ts';
import type { RequestTrace } from '../sim/record/slo.ts';

interface Attribute {
  key: string;
  value: { stringValue: string } | { intValue: string };
}

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Attribute[];
  status: { code: number; message?: string };
}

export interface OtlpTraces {
  resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { scope: { name: string }; spans: Span[] }[] }[];
}

const text = (key: string, value: string): Attribute => ({ key, value: { stringValue: value } });
/** OTLP writes 64-bit integers as decimal strings. */
const whole = (key: string, value: number): Attribute => ({ key, value: { intValue: String(value) } });

/** 8 or 16 bytes in hexadecimal, from what is traced alone: the same run exports the same ids. */
function idOf(bytes: 8 | 16, ...parts: (string | number)[]): string {
  const digest = new Digest();
  for (const part of parts) digest.text(String(part));
  const first = digest.hex();
  if (bytes === 8) return first;
  digest.text('more');
  return first + digest.hex();
}

const SERVER = 2;
const INTERNAL = 1;
const [OK, ERROR] = [1, 2];

export function otlpTraces(
  deployment: string,
  model: string,
  traces: readonly RequestTrace[],
  startEpochSeconds: number,
): OtlpTraces {
  const nano = (us: number) => String(BigInt(startEpochSeconds) * 1_000_000_000n + BigInt(us) * 1000n);
  const spans = traces.flatMap((t): Span[] => {
    const traceId = idOf(16, deployment, t.number);
    const root = idOf(8, deployment, t.number, 'request');
    const part = (name: string, from: number, to: number, attributes: Attribute[]): Span => ({
      ...{ traceId, spanId: idOf(8, deployment, t.number, name), parentSpanId: root, name, kind: INTERNAL },
      ...{ startTimeUnixNano: nano(from), endTimeUnixNano: nano(to), attributes, status: { code: OK } },
    });
    return [
      {
        ...{ traceId, spanId: root, name: `chat ${model}`, kind: SERVER },
        ...{ startTimeUnixNano: nano(t.arrivalUs), endTimeUnixNano: nano(t.doneUs) },
        attributes: [
          text('gen_ai.operation.name', 'chat'),
          text('gen_ai.request.model', model),
          whole('gen_ai.usage.input_tokens', t.prompt),
          whole('gen_ai.usage.output_tokens', t.output),
          whole('simsup.cached_tokens', t.cachedTokens),
          whole('simsup.replica', t.replica),
          whole('simsup.tenant', t.tenant),
          whole('simsup.preemptions', t.preemptions),
          ...(t.missed === undefined ? [] : [text('simsup.missed', t.missed)]),
        ],
        status: t.missed === undefined ? { code: OK } : { code: ERROR, message: `target missed: ${t.missed}` },
      },
      part('queue', t.arrivalUs, t.admittedUs, []),
      part('prefill', t.admittedUs, t.firstTokenUs, [whole('gen_ai.usage.input_tokens', t.prompt - t.cachedTokens)]),
      part('decode', t.firstTokenUs, t.doneUs, [whole('gen_ai.usage.output_tokens', t.output - 1)]),
    ];
  });
  return {
    resourceSpans: [
      {
        resource: { attributes: [text('service.name', deployment), text('service.namespace', 'simsup')] },
        scopeSpans: [{ scope: { name: 'simsup' }, spans }],
      },
    ],
  };
}
