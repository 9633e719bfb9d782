import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { containerResolvConf, type DnsWishes, isOnlyResolvedStub } from './name-files.ts';

/** A file of the host below `hostRoot`; one that the host does not have counts as an empty one. */
export async function readHostFile(hostRoot: string, path: string): Promise<string> {
  try {
    return await readFile(join(hostRoot, path), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/** resolv.conf of a container with a network of its own, from the host's (NET-19, NET-77). */
export async function resolvConfFor(hostRoot: string, wishes: DnsWishes, ipv6: boolean): Promise<string> {
  const own = await readHostFile(hostRoot, 'etc/resolv.conf');
  const servers = isOnlyResolvedStub(own)
    ? await readHostFile(hostRoot, 'run/systemd/resolve/resolv.conf')
    : own;
  return containerResolvConf(servers, wishes, ipv6);
}
