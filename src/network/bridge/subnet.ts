import { createHash } from 'node:crypto';
import { BlockList } from 'node:net';

/** An IPv4 network as a number and a prefix length. */
interface Network4 {
  readonly base: number;
  readonly prefix: number;
}

/** Docker's order: 172.17 to 172.31, then twentieths of 192.168. */
const CANDIDATES: readonly string[] = [
  ...Array.from({ length: 15 }, (_, index) => `172.${17 + index}.0.0/16`),
  ...Array.from({ length: 16 }, (_, index) => `192.168.${index * 16}.0/20`),
];

/**
 * The first of the usual subnets in which there is nothing that the host reaches or is: no address, no route,
 * no name server (networking.md §11.3). Everything else would be cut off from the host and its containers.
 * undefined when all are taken. Default routes take nothing.
 */
export function firstFreeSubnet(taken: readonly string[]): string | undefined {
  const networks = taken.map(parseNetwork4).filter((network) => network !== undefined);
  return CANDIDATES.find((candidate) => {
    const own = parseNetwork4(candidate);
    return own !== undefined && !networks.some((other) => other.prefix > 0 && overlap(own, other));
  });
}

/** A unique local /64 that is always the same for this machine and namespace (RFC 4193). */
export function uniqueLocalSubnet(machineId: string, namespace: string): string {
  const hash = createHash('sha256').update(`${machineId}\n${namespace}`).digest('hex');
  return `fd${hash.slice(0, 2)}:${hash.slice(2, 6)}:${hash.slice(6, 10)}::/64`;
}

/** Whether an address lies in a subnet; both of one family. */
export function contains(subnet: string, address: string): boolean {
  const [base = '', prefix = ''] = subnet.split('/');
  const family = base.includes(':') ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(base, Number(prefix), family);
  return list.check(address, family);
}

/** `10.1.2.3/16` and `10.1.2.3`; undefined for anything that is not IPv4. */
function parseNetwork4(text: string): Network4 | undefined {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)(?:\/(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, a, b, c, d, length] = match.map(Number);
  const prefix = match[5] === undefined ? 32 : (length ?? 32);
  const address = (((a ?? 0) * 256 + (b ?? 0)) * 256 + (c ?? 0)) * 256 + (d ?? 0);
  return { base: address, prefix };
}

function overlap(one: Network4, other: Network4): boolean {
  const size = 2 ** (32 - Math.min(one.prefix, other.prefix));
  return Math.floor(one.base / size) === Math.floor(other.base / size);
}
