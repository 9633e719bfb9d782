import { readFile } from 'node:fs/promises';
import { allPids, socketInodes } from '../../host/processes.ts';
import type { PortProtocol } from '../../task/port-mapping.ts';

const LISTENING = '0A';

/** Who has a port of this network namespace, as `nginx (pid 123)`; undefined when that cannot be told. */
export async function portOwner(protocol: PortProtocol, port: number): Promise<string | undefined> {
  const inodes = new Set([...(await socketsOf(protocol, port)), ...(await socketsOf(`${protocol}6`, port))]);
  if (inodes.size === 0) return undefined;
  for (const pid of await allPids()) {
    if ((await socketInodes(pid)).isDisjointFrom(inodes)) continue;
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '?');
    return `${name.trim()} (pid ${pid})`;
  }
  return undefined;
}

/** Inodes of the sockets on that port, listening ones if there are any. */
async function socketsOf(table: string, port: number): Promise<readonly string[]> {
  const text = await readFile(`/proc/thread-self/net/${table}`, 'utf8').catch(() => '');
  const rows = text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local = '']) => Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16) === port);
  const listening = rows.filter((row) => row[3] === LISTENING);
  return (listening.length > 0 ? listening : rows)
    .flatMap((row) => row.slice(9, 10))
    .filter((i) => i !== '0');
}
