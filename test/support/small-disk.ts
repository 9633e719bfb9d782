import { mkdirSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { run } from './run.ts';
import { makeScratch } from './scratch.ts';

/** An ext4 file system of its own, mounted from a file. */
export interface SmallDisk extends AsyncDisposable {
  /** Where it is mounted. */
  readonly directory: string;
  /** Bytes that are free on it now. */
  free(): number;
  /** Unmounts and removes it. May be called twice. */
  stop(): Promise<void>;
}

/** Makes a disk of that size and mounts it. */
export async function makeSmallDisk(mebibytes: number): Promise<SmallDisk> {
  const scratch = makeScratch();
  const [file, directory] = [scratch.path('disk'), scratch.path('m')];
  writeFileSync(file, '');
  truncateSync(file, mebibytes << 20);
  mkdirSync(directory);
  await run('mkfs.ext4', ['-q', '-F', '-m', '0', '-O', '^has_journal', file]);
  // The kernel lets go of the loop device with the mount.
  await run('mount', ['-o', 'loop', file, directory]);
  const stop = () => scratch.remove();
  return {
    directory,
    free: () => {
      const { bsize, bavail } = statfsSync(directory);
      return bsize * bavail;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
