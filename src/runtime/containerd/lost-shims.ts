import { readFile } from 'node:fs/promises';
import { sleep } from '../../async/deadline.ts';
import { allPids } from '../../host/processes.ts';
import type { ContainerId } from '../../task/ids.ts';
import type { RuntimeContext } from './runtime-context.ts';
import { hasClient } from './shim/shim-clients.ts';
import type { Shim } from './shim/shim-processes.ts';

/** How long a shim may take to end by itself. */
const PATIENCE_MS = 1_000;
const PAUSE_MS = 50;

/**
 * Ends shims that were started for a container and that containerd has forgotten, or never knew: before version 2.0 it
 * leaves the one behind that it was starting when whoever asked for it went away (containerd.md §1), and where it starts
 * several for one ECS task at once, a shim can lose its socket to another (§10). To be called while the container has
 * no containerd task any more. A shim that containerd is connected to is left alone, as it may serve other containers
 * of the ECS task, and so is one with a process.
 */
export async function endLostShims(
  { shimProcesses, log }: RuntimeContext,
  id: ContainerId,
  signal: AbortSignal,
): Promise<void> {
  const lostOf = async (shims: readonly Shim[]): Promise<readonly Shim[]> => {
    const isLost = await Promise.all(
      shims.map(async (shim) => (await shimProcesses.has(shim)) && !(await hasClient(shim.pid))),
    );
    return shims.filter((_, index) => isLost[index]);
  };
  // One whose task was deleted just now ends by itself.
  const giveUpAt = performance.now() + PATIENCE_MS;
  let lost = await lostOf((await shimProcesses.all()).filter((shim) => shim.id === id));
  while (lost.length > 0 && performance.now() < giveUpAt) {
    await sleep(PAUSE_MS, signal);
    lost = await lostOf(lost);
  }
  if (lost.length === 0) return;
  const parents = new Set(await Promise.all((await allPids()).map(readParent)));
  for (const { pid } of lost) {
    if (parents.has(pid)) continue;
    log.warn({ pid, containerId: id }, 'ending a shim that containerd has forgotten');
    shimProcesses.end(pid);
  }
}

/** proc_pid_stat(5): the fourth field, behind a name that may hold anything. */
async function readParent(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
