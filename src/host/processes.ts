import { readdir, readlink } from 'node:fs/promises';

/** Pids of all processes of the machine. */
export async function allPids(): Promise<readonly number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

/**
 * What the descriptors of a process lead to, by their numbers (proc_pid_fd(5)); one that is closed meanwhile leads to
 * an empty text, and a process that has ended has none.
 */
export async function descriptorsOf(pid: number): Promise<ReadonlyMap<string, string>> {
  const folder = `/proc/${pid}/fd`;
  const fds = await readdir(folder).catch(() => []);
  return new Map(
    await Promise.all(
      fds.map(async (fd) => [fd, await readlink(`${folder}/${fd}`).catch(() => '')] as const),
    ),
  );
}

/** Inodes of the sockets that a process has. */
export async function socketInodes(pid: number): Promise<ReadonlySet<string>> {
  const targets = [...(await descriptorsOf(pid)).values()];
  return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.slice(1) ?? []));
}
