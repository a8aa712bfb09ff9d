/** The logs that built-in scenarios name: each its own chunk, loaded when a scenario names it. */
const LOGS: Record<string, () => Promise<string>> = {
  'philly-week.csv': async () => (await import('../scenarios/data/philly-week.ts')).PHILLY_WEEK_JOBS,
  'openb-nodes.csv': async () => (await import('../scenarios/data/openb-nodes.ts')).OPENB_NODES,
  'openb-pods.csv': async () => (await import('../scenarios/data/openb-pods.ts')).OPENB_JOBS,
  'itp.csv': async () => (await import('../scenarios/data/itp.ts')).ITP_JOBS,
  'kai-scale.csv': async () => (await import('../scenarios/builtin/kai-scale.ts')).KAI_SCALE_JOBS,
  'azure-conversation.csv': async () => (await import('../scenarios/data/azure-conversation.ts')).AZURE_CONVERSATION,
};

export async function builtinFiles(text: string): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const [name, load] of Object.entries(LOGS)) if (text.includes(name)) files[name] = await load();
  return files;
}
