import { join } from 'node:path';
import { run } from '../../test/support/run.ts';

const ROOT = join(import.meta.dirname, '../..');

/** How an agent is run. */
export interface AgentBuild {
  readonly node: string;
  readonly program: readonly [string, ...string[]];
}

export const FROM_SOURCE: AgentBuild = {
  node: process.execPath,
  program: [process.execPath, join(ROOT, 'src/main.ts')],
};

/** Bundles the agent as it is installed, into a folder that must not be there yet. */
export async function bundledAgent(folder: string): Promise<AgentBuild> {
  await run(join(ROOT, 'scripts/bundle'), ['--out', folder], { timeoutMs: 120_000 });
  return { node: join(folder, 'node'), program: [join(folder, 'ecs-agent')] };
}
