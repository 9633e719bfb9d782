import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { descriptorsOf } from '../../../host/processes.ts';
import { endShim, shimPids } from './shim-processes.ts';

/** Between two looks; a shim is silent that waits in both. */
const LOOK_EVERY_MS = 1_000;
/** open(2): the descriptor names a file that is not open. */
const O_PATH = 0o10000000;

/**
 * Ends shims that would never answer, for as long as a task is being made. A shim listens before it opens its log, a
 * FIFO, and waits there for containerd to open the other end. One whose containerd has died by then is found by the next
 * containerd at its socket, is given the task to make, and is silent for ever (containerd.md §15). It has never served
 * anybody, so nothing is lost with it. `onEnded` is told its pid. All shims of the namespace are looked at: the task may
 * have been given to that of another container.
 */
export function endSilentShims(namespace: string, onEnded: (pid: number) => void): Disposable {
  let suspects: readonly number[] = [];
  const look = async (): Promise<void> => {
    const waiting = await waitingShims(namespace);
    for (const pid of waiting) if (suspects.includes(pid) && endShim(pid)) onEnded(pid);
    suspects = waiting;
  };
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_EVERY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function waitingShims(namespace: string): Promise<readonly number[]> {
  const pids = await shimPids(namespace);
  const waits = await Promise.all(pids.map(waitsAtItsLog));
  return pids.filter((_, index) => waits[index]);
}

/** A shim names its log by one descriptor and opens it by that, as others. */
async function waitsAtItsLog(pid: number): Promise<boolean> {
  const ofLog = [...(await descriptorsOf(pid))].filter(([, target]) => isLog(target));
  const opened = await Promise.all(ofLog.map(([fd]) => isOpened(pid, fd)));
  return ofLog.length > 0 && !opened.includes(true);
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
