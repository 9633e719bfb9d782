import { chmod, mkdir, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BindMount } from '../runtime/runtime.ts';
import type { ContainerId, TaskId } from '../task/ids.ts';

/** Contents of a container's files about names. */
export interface NameFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

const FILES = [
  { member: 'hosts', file: 'hosts', destination: '/etc/hosts' },
  { member: 'hostname', file: 'hostname', destination: '/etc/hostname' },
  { member: 'resolvConf', file: 'resolv.conf', destination: '/etc/resolv.conf' },
] as const;

/** Keeps the name files of containers in `<runDir>/tasks/<task id>/<container id>/`. */
export class TaskFiles {
  readonly #tasks: string;

  constructor(runDir: string) {
    this.#tasks = join(runDir, 'tasks');
  }

  /**
   * Writes the files that are not there yet, each whole or not at all. One that is there is left as it is: the
   * container may have changed it.
   */
  async ensure(
    task: TaskId,
    container: ContainerId,
    contents: NameFiles,
    readonly: boolean,
  ): Promise<BindMount[]> {
    const directory = join(this.#tasks, task, container);
    await mkdir(directory, { recursive: true, mode: 0o755 });
    return await Promise.all(
      FILES.map(async ({ member, file, destination }) => {
        const source = join(directory, file);
        if (!(await exists(source))) await writeWhole(source, contents[member]);
        return { source, destination, readonly };
      }),
    );
  }

  /** Tasks that have files or directories here. */
  async list(): Promise<readonly TaskId[]> {
    return (await namesIn(this.#tasks)).map((name) => name as TaskId);
  }

  /** Removes the files of all the task's containers, and directories that are empty then. Not there: success. */
  async remove(task: TaskId): Promise<void> {
    const directory = join(this.#tasks, task);
    for (const container of await namesIn(directory)) {
      const own = join(directory, container);
      for (const { file } of FILES) {
        await rm(join(own, file), { force: true });
        await rm(partOf(join(own, file)), { force: true });
      }
      await removeIfEmpty(own);
    }
    await removeIfEmpty(directory);
  }
}

function partOf(path: string): string {
  return `${path}.part`;
}

async function writeWhole(path: string, content: string): Promise<void> {
  await writeFile(partOf(path), content);
  // Whatever the agent's umask: every user of the container reads it.
  await chmod(partOf(path), 0o644);
  await rename(partOf(path), path);
}

async function exists(path: string): Promise<boolean> {
  return (await orWhenMissing(stat(path), undefined)) !== undefined;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  const entries = await orWhenMissing(readdir(directory, { withFileTypes: true }), []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

/** What others keep beside our files stays, and with it the directory. */
async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await orWhenMissing(rmdir(directory), undefined);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY')) throw error;
  }
}

async function orWhenMissing<T, M>(reading: Promise<T>, missing: M): Promise<T | M> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return missing;
    throw error;
  }
}
