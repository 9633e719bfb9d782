import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** What networks keep below the run directory: it outlives the agent, not the boot. */
export function networkStateDirectory(runDir: string): string {
  return join(runDir, 'network');
}

/** Whether an earlier run of the agent left containers, a bridge or rules. */
export async function hasNetworkState(runDir: string): Promise<boolean> {
  try {
    return (await readdir(networkStateDirectory(runDir))).length > 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
