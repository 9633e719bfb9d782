import type { Dirent } from 'node:fs';
import { readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** A cgroup hierarchy as /proc/self/mountinfo shows it. */
export interface CgroupMount {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** `major:minor`: the same for two mounts of one hierarchy. */
  readonly device: string;
  /** Options of the hierarchy; of version 1 its controllers (`cpu`, `memory`, `name=systemd`) are among them. */
  readonly options: readonly string[];
}

/** Every cgroup mount in the text of a mountinfo file, in its order (proc_pid_mountinfo(5)). */
export function parseCgroupMounts(mountinfo: string): readonly CgroupMount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [mount = '', filesystem = ''] = line.split(' - ');
    const [, , device = '', , mountPoint = ''] = mount.split(' ');
    const [type, , options = ''] = filesystem.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    return [
      {
        version: type === 'cgroup2' ? 2 : 1,
        mountPoint: mountPoint.replace(/\\(\d{3})/g, (_, octal) =>
          String.fromCharCode(Number.parseInt(octal, 8)),
        ),
        device,
        options: options.split(','),
      },
    ];
  });
}

export async function observeCgroupMounts(): Promise<readonly CgroupMount[]> {
  return parseCgroupMounts(await readFile('/proc/self/mountinfo', 'utf8'));
}

/** Content of a cgroup's file without the line end; undefined when there is none. */
export async function readCgroupFile(directory: string, file: string): Promise<string | undefined> {
  try {
    return (await readFile(join(directory, file), 'utf8')).trimEnd();
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** Sets a value; the error says which file refused which value. */
export async function writeCgroupFile(directory: string, file: string, value: string): Promise<void> {
  const path = join(directory, file);
  try {
    await writeFile(path, value, { flag: 'r+' });
  } catch (error) {
    throw new Error(`cannot write "${value}" to ${path}: ${String(error)}`, { cause: error });
  }
}

/** Names of the cgroups right below; none when the cgroup is not there. */
export async function childCgroups(directory: string): Promise<readonly string[]> {
  try {
    const entries: Dirent[] = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** The cgroup and all below it, the deepest first; none when it is not there. */
export async function cgroupTree(directory: string): Promise<readonly string[]> {
  const below = await Promise.all(
    (await childCgroups(directory)).map((name) => cgroupTree(join(directory, name))),
  );
  return [...below.flat(), directory];
}

/** Ids of all processes in the cgroup and below it; none when it is not there. 0 stands for one that we cannot see. */
export async function processesIn(directory: string): Promise<readonly number[]> {
  const lists = await Promise.all(
    (await cgroupTree(directory)).map((cgroup) => readCgroupFile(cgroup, 'cgroup.procs')),
  );
  const pids = lists.flatMap((list) =>
    list === undefined || list === '' ? [] : list.split('\n').map(Number),
  );
  return [...new Set(pids)];
}

/** Removals are tried that often: the kernel lets go of a cgroup some ms after its last process. */
const REMOVE_TRIES = 10;
const REMOVE_RETRY_MS = 20;

/** Removes the cgroup and those below it. It must be without processes; not there: success. */
export async function removeCgroupTree(directory: string): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    try {
      for (const cgroup of await cgroupTree(directory)) await removeCgroup(cgroup);
      return;
    } catch (error) {
      if (tried === REMOVE_TRIES) throw error;
      await delay(REMOVE_RETRY_MS);
    }
  }
}

/** Removes one cgroup; one that has children or processes stays. */
export async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await removeCgroup(directory);
  } catch (error) {
    if (!hasCode(error) || (error.code !== 'EBUSY' && error.code !== 'ENOTEMPTY')) throw error;
  }
}

async function removeCgroup(directory: string): Promise<void> {
  try {
    await rmdir(directory);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Sends SIGKILL to each; those that have ended by themselves are fine. */
export function killProcesses(pids: readonly number[]): void {
  // 0 and 1 are never meant: they would be this process's group and the machine.
  for (const pid of pids.filter((candidate) => candidate > 1)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (!isNoProcess(error)) throw error;
    }
  }
}

/** ENOTSUP is what a threaded cgroup of v2 says of its processes: the cgroup above lists them. */
function isUnreadable(error: unknown): boolean {
  return isGone(error) || (hasCode(error) && error.code === 'ENOTSUP');
}

/** ENODEV is what a read gets from a file whose cgroup went after the open. */
function isGone(error: unknown): boolean {
  return hasCode(error) && (error.code === 'ENOENT' || error.code === 'ENODEV');
}

function isNoProcess(error: unknown): boolean {
  return hasCode(error) && error.code === 'ESRCH';
}

function hasCode(error: unknown): error is Error & { readonly code: unknown } {
  return error instanceof Error && 'code' in error;
}
