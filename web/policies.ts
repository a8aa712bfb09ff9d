/**
 * The policies as far as they are loaded: at first that of the default scenario, all of them as soon as another is asked for. In the
 * built page this stands for sim/policy/index.ts (vite.config.ts), so that the simulation finds its policies here.
 */
import type { PolicyFactory } from '../sim/policy/policy.ts';
import { runai } from '../sim/policy/runai/runai.ts';

export const POLICIES: PolicyFactory[] = [runai];

export function policyNames(): string[] {
  return POLICIES.map((policy) => policy.name);
}

export async function loadPolicies(): Promise<void> {
  const all = await import('../sim/policy/index.ts');
  POLICIES.splice(0, POLICIES.length, ...all.POLICIES);
}
