import { randomUUID } from 'node:crypto';
import { lstat, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode } from './containerd-error.ts';

/**
 * The folder that is in the way of a new snapshot, by the text of the refusal; undefined when that is about something
 * else. A containerd that was killed between making the folder of a snapshot and recording it makes it again under
 * the same number, and is refused by the file system, until its collector happens to find it (containerd.md §15).
 */
export function leftSnapshot(error: unknown): string | undefined {
  if (!hasCode(error, 'UNKNOWN')) return undefined;
  return /^failed to rename: rename \/\S+ (\/\S+\/snapshots\/\d+): file exists$/.exec(error.details)?.[1];
}

/**
 * Removes such a folder if it is older than the containerd that listens at `address`: that one has not made it, so no
 * snapshot that is recorded has it. Otherwise it is left alone, also when this process cannot see it.
 */
export async function clearLeftSnapshot(folder: string, address: string): Promise<void> {
  const [left, socket] = await Promise.all([changedAt(folder), changedAt(address)]);
  if (left === undefined || socket === undefined || left >= socket) return;
  // Aside first, in one step: from then on the place may be taken, and this must not touch what is there.
  const aside = join(dirname(folder), `left-${randomUUID()}`);
  try {
    await rename(folder, aside);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

/** Epoch ms of the last change of its inode: a socket's is when its server began to listen. */
async function changedAt(path: string): Promise<number | undefined> {
  return await lstat(path).then(
    ({ ctimeMs }) => ctimeMs,
    () => undefined,
  );
}
