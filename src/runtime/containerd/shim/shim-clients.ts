import { readFile } from 'node:fs/promises';
import { socketInodes } from '../../../host/processes.ts';

/** __SO_ACCEPTCON of the kernel: the socket listens. */
const LISTENS = 0x1_0000;

interface UnixSocket {
  readonly inode: string;
  readonly listens: boolean;
  readonly path: string;
}

/**
 * Whether anybody is connected to the socket at which a shim listens, as containerd is to each shim that it knows.
 * Where that cannot be told, as of one that has ended, somebody is.
 */
export async function hasClient(pid: number): Promise<boolean> {
  const [inodes, sockets] = await Promise.all([socketInodes(pid), unixSockets(pid)]);
  const own = sockets.filter(({ inode }) => inodes.has(inode));
  const places = new Set(own.filter(({ listens }) => listens).map(({ path }) => path));
  // What it has accepted has the path of its listening socket.
  return places.size === 0 || own.some(({ listens, path }) => !listens && places.has(path));
}

/** Those of the network namespace that the process is in (proc_net(5)): number, users, protocol, flags, ... */
async function unixSockets(pid: number): Promise<readonly UnixSocket[]> {
  const text = await readFile(`/proc/${pid}/net/unix`, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const [, , , flags = '', , , inode = '', path] = line.trim().split(/\s+/);
    if (path === undefined) return [];
    return [{ inode, listens: (Number.parseInt(flags, 16) & LISTENS) !== 0, path }];
  });
}
