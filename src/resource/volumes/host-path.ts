import { chmod, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TaskError } from '../../task/errors.ts';

/** Makes a bind mount's source that is not there as Docker does: a directory of root with mode 0755, parents too. */
export async function ensureHostPath(path: string): Promise<void> {
  try {
    if (await exists(path)) return;
    const first = await mkdir(path, { recursive: true, mode: 0o755 });
    // The process's umask may have taken bits away.
    if (first !== undefined)
      for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755);
  } catch (error) {
    throw new TaskError(
      'CannotCreateContainerError',
      `error while creating mount source path '${path}': ${error instanceof Error ? error.message : error}`,
      { cause: error },
    );
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
