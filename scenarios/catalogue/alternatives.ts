/**
 * What a GPU-hour costs elsewhere, each with its date and source. List prices moved by more than 30 % within a year; those
 * by way of a secondary source are marked (secondary).
 */

export interface RentedPrice {
  kind: 'on demand' | 'reserved' | 'spot' | 'hyperscaler managed';
  gpu: string;
  name: string;
  usdPerGpuHour: number;
  date: string;
  source: string;
}

/** A GPU that is owned: what it costs an hour follows from these. */
export interface OwnedCost {
  kind: 'owned';
  gpu: string;
  name: string;
  /** Of a server of 8, $, and the time over which it is written off; what it is then worth, as a share. */
  serverUsd: number;
  serverGpus: number;
  years: number;
  residualShare: number;
  /** Plate power of the server, kW, and the share of it that is drawn. */
  serverKw: number;
  drawShare: number;
  pue: number;
  usdPerKwh: number;
  /** Space and power of a colocation by the kW and month; 0 = own building. */
  colocationUsdPerKwMonth: number;
  date: string;
  source: string;
}

export type Alternative = RentedPrice | OwnedCost;

const GUIDE = 'Mission Control deployment guide on rented GPU nodes';

export const ALTERNATIVES: readonly Alternative[] = [
  rented('on demand', 'H200', 'rented node, on demand', 5.92, '2026-06-05', GUIDE),
  rented('on demand', 'H200', 'neocloud, on demand', 4.0, '2026-05', 'mercatus-ai: 3.50–4.50, middle (secondary)'),
  rented('on demand', 'H100', 'Lambda H100 SXM', 3.78, '2026-05-07', 'techbytes.app (secondary)'),
  rented('reserved', 'H200', 'three years reserved', 1.85, '2026', 'public price data set on Hugging Face (secondary)'),
  rented('reserved', 'H200', 'AWS Capacity Block, prepaid', 5.408, '2024-12', 'AWS Capacity Blocks price page'),
  rented('reserved', 'H100', 'one-year contract', 2.35, '2026-03', 'SemiAnalysis index'),
  rented('spot', 'H200', 'rented node, spot', 1.78, '2026-06-05', `${GUIDE} (about); interruptions come on top`),
  rented('hyperscaler managed', 'H100', 'DGX Cloud on Azure', 9.0, '2026-06-05', `${GUIDE}: 8–10, middle`),
  rented('hyperscaler managed', 'H100', 'Azure NC H100 v3', 7.0, '2026-06-05', `${GUIDE}: 6–8, middle`),
  rented('hyperscaler managed', 'H200', 'AWS H200', 8.0, '2026-06', 'packet.ai survey: from 8.00 (secondary)'),
  {
    kind: 'owned',
    gpu: 'H100',
    name: 'own server in a colocation',
    serverUsd: 325_000,
    serverGpus: 8,
    years: 4,
    residualShare: 0,
    serverKw: 10.2,
    drawShare: 1,
    pue: 1,
    usdPerKwh: 0,
    colocationUsdPerKwMonth: 217.3,
    date: '2026',
    source: 'server $300–350 k (reseller TCO guide, secondary), middle; colocation CBRE 2025 (power included); 4 years',
  },
  {
    kind: 'owned',
    gpu: 'H100',
    name: 'own server in an own building',
    serverUsd: 325_000,
    serverGpus: 8,
    years: 4,
    residualShare: 0,
    serverKw: 10.2,
    drawShare: 0.76,
    pue: 1.54,
    usdPerKwh: 0.081,
    colocationUsdPerKwMonth: 0,
    date: '2025',
    source:
      'server as above; power EIA industrial 8.10 ¢; PUE Uptime Institute 2025; draw arXiv 2506.14551; the building is not counted',
  },
];

function rented(
  kind: RentedPrice['kind'],
  gpu: string,
  name: string,
  usdPerGpuHour: number,
  date: string,
  source: string,
): RentedPrice {
  return { kind, gpu, name, usdPerGpuHour, date, source };
}

const HOURS_A_YEAR = 8760;
const HOURS_A_MONTH = 730;

/** $ per GPU-hour that is there: depreciation + power × PUE + colocation. Network, storage and staff are not in it. */
export function usdPerGpuHour(alternative: Alternative): number {
  if (alternative.kind !== 'owned') return alternative.usdPerGpuHour;
  const { serverUsd, serverGpus, years, residualShare, serverKw, drawShare, pue, usdPerKwh } = alternative;
  const capital = (serverUsd * (1 - residualShare)) / serverGpus / (years * HOURS_A_YEAR);
  const kw = serverKw / serverGpus;
  return capital + kw * drawShare * pue * usdPerKwh + (kw * alternative.colocationUsdPerKwMonth) / HOURS_A_MONTH;
}
