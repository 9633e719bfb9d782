import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { allPids, descriptorsOf } from '../../../host/processes.ts';

/** open(2): the descriptor names a file that is not open. */
const O_PATH = 0o10000000;

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

/**
 * Whether a shim has opened its log or waits for that; undefined: it has not come so far. It names its log by one
 * descriptor and opens it by that, as others.
 */
export async function shimLog(pid: number): Promise<'awaited' | 'open' | undefined> {
  const ofLog = [...(await descriptorsOf(pid))].filter(([, target]) => isLog(target));
  if (ofLog.length === 0) return undefined;
  const opened = await Promise.all(ofLog.map(([fd]) => isOpened(pid, fd)));
  return opened.includes(true) ? 'open' : 'awaited';
}

/** proc_pid_fd(5): the name of a file that has been removed since has an end that says so. */
function isLog(target: string): boolean {
  return basename(target.replace(/ \(deleted\)$/, '')) === 'log';
}

/** proc_pid_fdinfo(5): `flags` is octal. */
async function isOpened(pid: number, fd: string): Promise<boolean> {
  const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8').catch(() => '');
  const flags = /^flags:\s+([0-7]+)$/m.exec(info)?.[1];
  return flags === undefined || (Number.parseInt(flags, 8) & O_PATH) === 0;
}
