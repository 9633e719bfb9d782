import { stat, statfs } from 'node:fs/promises';

/** A file system as seen from a directory on it. */
export interface DiskSpace {
  readonly path: string;
  /** Tells two file systems apart. */
  readonly device: number;
  /** Without what is kept for root. */
  readonly totalBytes: number;
  /** What is left to others than root: `f_bavail` (statfs(2)). */
  readonly freeBytes: number;
}

/** How full the file system of a directory is; undefined where the directory cannot be seen. */
export async function observeDiskSpace(path: string): Promise<DiskSpace | undefined> {
  try {
    const [{ dev }, { bsize, blocks, bfree, bavail }] = await Promise.all([stat(path), statfs(path)]);
    return { path, device: dev, totalBytes: (blocks - bfree + bavail) * bsize, freeBytes: bavail * bsize };
  } catch {
    return undefined;
  }
}

/** The same of several directories, each file system once. */
export async function observeDisks(paths: readonly string[]): Promise<readonly DiskSpace[]> {
  const seen = await Promise.all(paths.map(observeDiskSpace));
  const disks = new Map<number, DiskSpace>();
  for (const disk of seen) if (disk !== undefined && !disks.has(disk.device)) disks.set(disk.device, disk);
  return [...disks.values()];
}
