import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unmountUnder } from './mounts.ts';

/** Start of the name of every scratch directory; the pid of its owner follows. */
const PREFIX = 'ecs-test-';

/** A directory of this test process, short enough for the sockets in it (108 bytes). */
export interface Scratch extends AsyncDisposable {
  readonly directory: string;
  /** Absolute path of a file in it. */
  path(...segments: readonly string[]): string;
  /** Unmounts what is mounted under it and removes it. */
  remove(): Promise<void>;
}

/** Makes an empty scratch directory. */
export function makeScratch(): Scratch {
  const directory = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const remove = async () => {
    await unmountUnder(directory);
    rmSync(directory, { recursive: true, force: true });
  };
  return {
    directory,
    path: (...segments) => join(directory, ...segments),
    remove,
    [Symbol.asyncDispose]: remove,
  };
}

/** Scratch directories whose owner, a test process of that pid, has died without removing them. */
export function abandonedScratch(): { readonly directory: string; readonly owner: string }[] {
  return readdirSync(tmpdir()).flatMap((name) => {
    const owner = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    return owner === undefined || existsSync(`/proc/${owner}`)
      ? []
      : [{ directory: join(tmpdir(), name), owner }];
  });
}
