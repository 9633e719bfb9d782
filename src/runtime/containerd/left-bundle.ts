import { lstat, readlink, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { sleep } from '../../async/deadline.ts';
import { mountPoints, mountsBelow } from '../../host/mount-table.ts';
import { allPids } from '../../host/processes.ts';
import { runCommand } from '../../host/run-command.ts';
import { hasCode } from './containerd-error.ts';

/** How long containerd may still be removing it. */
const PATIENCE_MS = 1_000;
/** The same where a shim still runs in it: the creation is given up, and containerd has to end the shim first. */
const SHIM_PATIENCE_MS = 10_000;
const PAUSE_MS = 50;

/**
 * The folder of an earlier task of this container in which a new one was to be made, by the text of the refusal;
 * undefined when that is about something else. Before version 2.0 containerd leaves it behind when it dies while
 * it makes a task, or when whoever asked it to delete one goes away, and never gets over it (containerd.md §15).
 */
export function leftBundle(error: unknown, namespace: string, id: string): string | undefined {
  if (!hasCode(error, 'UNKNOWN')) return undefined;
  const path = /\bmkdir (\/\S+): file exists$/.exec(error.details)?.[1];
  // Nothing but the place of this very container is believed to be ours to remove.
  if (path === undefined || basename(path) !== id || basename(dirname(path)) !== namespace) return undefined;
  return path;
}

/**
 * Whether containerd had no shim to make the task with: what is left of an earlier creation was in the way, or the shim
 * ended, as one does that waited for a dead containerd.
 */
export function isShimMissing(error: unknown): boolean {
  return hasCode(error, 'UNKNOWN') && /^failed to start shim: |\bttrpc: closed\b/.test(error.details);
}

/**
 * Whether containerd answered that it cannot make the task. Where the creation of an agent that died is being given
 * up at the same time, it takes folder and files of the new one away, and any text can come of that.
 */
export function isRefusal(error: unknown): boolean {
  return hasCode(error, 'UNKNOWN') || hasCode(error, 'NOT_FOUND') || hasCode(error, 'FAILED_PRECONDITION');
}

/**
 * Sees a left folder gone: waits for containerd a while, then removes it with what is mounted in it. False when it
 * is in use after all.
 */
export async function clearLeftBundle(path: string, signal: AbortSignal): Promise<boolean> {
  const begun = performance.now();
  for (;;) {
    if (!(await isThere(path))) return true;
    const waitedMs = performance.now() - begun;
    if (waitedMs >= PATIENCE_MS) {
      if (!(await hasShim(path))) break;
      if (waitedMs >= SHIM_PATIENCE_MS) return false;
    }
    await sleep(PAUSE_MS, signal);
  }
  for (const point of mountsBelow(await mountPoints(), path))
    await runCommand('umount', ['--lazy', '--', point], { signal });
  if (mountsBelow(await mountPoints(), path).length > 0) return false;
  await rm(path, { recursive: true, force: true });
  return true;
}

async function isThere(path: string): Promise<boolean> {
  return await lstat(path).then(
    () => true,
    () => false,
  );
}

/** A shim runs in the folder of its first container. */
async function hasShim(path: string): Promise<boolean> {
  const folders = await Promise.all(
    (await allPids()).map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')),
  );
  return folders.includes(path);
}
