import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Where a container's processes are counted, as folders of the host's cgroup filesystems. */
export interface CgroupFolders {
  /** Lists its processes (v2, or one v1 hierarchy). */
  readonly processes: string;
  /** Counts its OOM kills; absent where there is no memory controller. */
  readonly memory?: string;
  /**
   * v2: the count of its parent, which includes its children's, when the container started. systemd removes a
   * scope with its count as soon as its last process is gone.
   */
  readonly parentOomKills?: number;
}

/** v1 hierarchies by which a container's processes are found; runc and crun put it into all of them. */
const V1_PREFERRED = ['pids', 'memory', 'freezer', 'cpu'];

interface Hierarchy {
  readonly controllers: readonly string[];
  readonly path: string;
}

/**
 * The cgroup that a process is in, looked up by /proc (containerd.md §9). Undefined when the process is gone
 * or its cgroup is not that of the container `id`: a cgroup of others must never be taken for its own.
 */
export async function cgroupOf(pid: number, id: string): Promise<CgroupFolders | undefined> {
  const [own, mounts] = await Promise.all([
    readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => ''),
    readFile('/proc/self/mountinfo', 'utf8'),
  ]);
  const hierarchies = parseProcCgroup(own).filter(({ path }) => path.includes(id));
  const folder = (controller: string): string | undefined => {
    const found = hierarchies.find(({ controllers }) => controllers.includes(controller));
    const mount = mountPointOf(mounts, controller);
    return found === undefined || mount === undefined
      ? undefined
      : join(mount, containerPart(found.path, id));
  };
  // A hybrid host has the v2 hierarchy too, without controllers: v1 counts.
  const processes = V1_PREFERRED.map(folder).find((path) => path !== undefined) ?? folder('');
  if (processes === undefined) return undefined;
  const v1Memory = folder('memory');
  if (v1Memory !== undefined) return { processes, memory: v1Memory };
  const memory = folder('');
  if (memory === undefined) return { processes };
  const parentOomKills = await readOomKills(dirname(memory));
  return { processes, memory, ...(parentOomKills !== undefined && { parentOomKills }) };
}

/** Whether no process is left in it or below it; a missing cgroup is empty. */
export async function isCgroupEmpty({ processes }: CgroupFolders): Promise<boolean> {
  const events = await readOrMissing(join(processes, 'cgroup.events'));
  if (events !== undefined) return !/^populated 1$/m.test(events);
  return (await pidsUnder(processes)).length === 0;
}

/** Sends SIGKILL to every process in it and below it, with the kernel's own switch where there is one. */
export async function killCgroup({ processes }: CgroupFolders): Promise<void> {
  try {
    await writeFile(join(processes, 'cgroup.kill'), '1', { flag: 'r+' });
    return;
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  for (const pid of await pidsUnder(processes)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

/**
 * Whether the kernel has killed processes of it for memory, its own limit or one above. `killed`: it was also
 * sent a SIGKILL by us, so that a grown count of its parent proves nothing.
 */
export async function ranOutOfMemory(
  { memory, parentOomKills }: CgroupFolders,
  { killed }: { readonly killed: boolean },
): Promise<boolean> {
  if (memory === undefined) return false;
  const own = await readOomKills(memory);
  if (own !== undefined) return own > 0;
  if (killed || parentOomKills === undefined) return false;
  return ((await readOomKills(dirname(memory))) ?? 0) > parentOomKills;
}

async function readOomKills(folder: string): Promise<number | undefined> {
  const counters =
    (await readOrMissing(join(folder, 'memory.events'))) ??
    (await readOrMissing(join(folder, 'memory.oom_control')));
  const count = /^oom_kill (\d+)$/m.exec(counters ?? '')?.[1];
  return count === undefined ? undefined : Number(count);
}

function parseProcCgroup(text: string): readonly Hierarchy[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, controllers = '', ...path] = line.split(':');
      return { controllers: controllers.split(','), path: path.join(':') };
    });
}

/** Without what lies below the container's own cgroup: crun puts the process one level deeper. */
function containerPart(path: string, id: string): string {
  const end = path.indexOf('/', path.indexOf(id));
  return end < 0 ? path : path.slice(0, end);
}

/** Mount point of a v1 controller, or of v2 for the empty name; the first one that shows the whole hierarchy. */
function mountPointOf(mountinfo: string, controller: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root, mountPoint] = left.split(' ');
    const [type, , superOptions = ''] = right.split(' ');
    if (root !== '/' || mountPoint === undefined) continue;
    if (
      controller === ''
        ? type === 'cgroup2'
        : type === 'cgroup' && superOptions.split(',').includes(controller)
    )
      return mountPoint;
  }
  return undefined;
}

async function pidsUnder(folder: string): Promise<readonly number[]> {
  const own = (await readOrMissing(join(folder, 'cgroup.procs'))) ?? '';
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => pidsUnder(join(folder, entry.name))),
  );
  return [
    ...own
      .split('\n')
      .filter((line) => line !== '')
      .map(Number),
    ...below.flat(),
  ];
}

async function readOrMissing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** ENODEV: the cgroup was removed between opening and reading. */
function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENODEV');
}
