import { readFile } from 'node:fs/promises';
import { allPids } from '../../../host/processes.ts';

/** Pids of the shims of a containerd namespace; with `id` of those that were started for that container. */
export async function shimPids(namespace: string, id?: string): Promise<readonly number[]> {
  const found = await Promise.all(
    (await allPids()).map(async (pid) => (isShim(await readArguments(pid), namespace, id) ? [pid] : [])),
  );
  return found.flat();
}

function isShim(args: readonly string[], namespace: string, id: string | undefined): boolean {
  const following = (flag: string) => args[args.indexOf(flag) + 1];
  return (
    /(^|\/)containerd-shim[^/]*$/.test(args[0] ?? '') &&
    following('-namespace') === namespace &&
    (id === undefined || following('-id') === id)
  );
}

async function readArguments(pid: number): Promise<readonly string[]> {
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
}

/** Kills a shim; false when it has ended by itself. */
export function endShim(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}
