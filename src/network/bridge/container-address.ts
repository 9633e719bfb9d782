import { SocketAddress } from 'node:net';
import type { BridgeSubnets } from './bridge-link.ts';
import { contains } from './subnet.ts';

/** What a container is reached by. */
export interface ContainerAddress {
  readonly address4: string;
  /** Absent: the bridge has no IPv6. */
  readonly address6?: string;
}

/** The network's own, and the bridge's. */
const FIRST_HOST = 2;

/**
 * The next free address after `last`, round the whole subnet, so that one that was given back is not somebody else's at
 * once; absent: from the first. In the IPv6 subnet it has the same number. undefined when all are taken.
 */
export function nextAddress(
  { subnet4, subnet6 }: BridgeSubnets,
  taken: ReadonlySet<string>,
  last?: string,
): ContainerAddress | undefined {
  const [base = '', prefix = ''] = subnet4.split('/');
  const network = numberOf(base);
  const hosts = 2 ** (32 - Number(prefix)) - FIRST_HOST - 1;
  const from = last === undefined || !contains(subnet4, last) ? FIRST_HOST : numberOf(last) - network + 1;
  for (let step = 0; step < hosts; step += 1) {
    const host = FIRST_HOST + ((from - FIRST_HOST + step) % hosts);
    const address4 = textOf(network + host);
    const address6 = subnet6 === undefined ? undefined : hostIn(subnet6, host);
    if (!taken.has(address4) && (address6 === undefined || !taken.has(address6)))
      return { address4, ...(address6 !== undefined && { address6 }) };
  }
  return undefined;
}

function numberOf(address4: string): number {
  return address4.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

function textOf(address4: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address4 / 2 ** shift) % 256).join('.');
}

/** In the form in which the kernel shows it. */
function hostIn(subnet6: string, host: number): string {
  const [base = ''] = subnet6.split('/');
  return new SocketAddress({ family: 'ipv6', address: `${base}${host.toString(16)}` }).address;
}
