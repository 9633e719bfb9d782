import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What bridge mode keeps below the run directory: it outlives the agent, not the boot. */
export function networkStateDirectory(runDir: string): string {
  return join(runDir, 'network');
}

/** What awsvpc mode keeps there. */
export function taskNetworkStateDirectory(runDir: string): string {
  return join(runDir, 'awsvpc');
}

/** Whether an earlier run of the agent left anything in one of these directories. */
export async function hasNetworkState(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length > 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
