import { existsSync, writeFileSync } from 'node:fs';
import { sleep } from '../../async/deadline.ts';
import { changeLink, type Link } from '../../host/links.ts';
import { addAddress, addRoute, splitPrefix } from '../../host/routes.ts';

const LOOKS = 50;
const LOOK_EVERY_MS = 100;

/** An ENI as it is to be inside a network namespace. */
export interface EniLink {
  /** Six hex pairs in lower case. */
  readonly macAddress: string;
  readonly ifName: string;
  /** With prefix lengths. */
  readonly addresses: readonly string[];
  /** Of default routes, without prefix lengths. */
  readonly gateways: readonly string[];
  readonly blockInstanceMetadata: boolean;
  /** Absent: as the host has it. */
  readonly mtu?: number;
}

export interface EniCall {
  readonly signal: AbortSignal;
  /** Told before each change of the host. */
  readonly onChange?: ((what: string) => void) | undefined;
}

/** No device of the host has the MAC address of an ENI. */
export class EniMissingError extends Error {
  override readonly name = 'EniMissingError';
}

/** Waits until `place` has found the device; rejects after five seconds with an `EniMissingError` that says `missing`. */
export async function untilPlaced(place: () => boolean, missing: string, signal: AbortSignal): Promise<void> {
  for (let looks = 1; !place(); looks += 1) {
    if (looks > LOOKS) throw new EniMissingError(missing);
    await sleep(LOOK_EVERY_MS, signal);
  }
}

/** The name of the link in the namespace belongs to another one. */
export class LinkNameTakenError extends Error {
  override readonly name = 'LinkNameTakenError';
}

/** The instance metadata service (networking.md §6.6). */
export const INSTANCE_METADATA = ['169.254.169.254/32', 'fd00:ec2::254/128'] as const;

/**
 * Sets up the link of an ENI in the thread's namespace, without yielding; whatever is so already stays. Instance
 * metadata is out of reach before the link is up. Throws `NetlinkError`.
 */
export function setUpEniLink(link: Link, eni: EniLink, onChange?: (what: string) => void): Link {
  const { ifName, addresses, gateways, mtu } = eni;
  const { index } = link;
  if (link.name !== ifName) {
    onChange?.('name the ENI');
    changeLink(link, { isUp: false });
    changeLink(link, { name: ifName });
  }
  if (eni.blockInstanceMetadata) blockInstanceMetadata(onChange);
  if (addresses.some((address) => address.includes(':'))) enableIpv6(ifName);
  for (const address of addresses) {
    onChange?.(`add address ${address}`);
    addAddress({ index, ...splitPrefix(address) });
  }
  if (!link.isUp || (mtu !== undefined && link.mtu !== mtu)) {
    onChange?.('bring the ENI up');
    changeLink(link, { ...(mtu !== undefined && { mtu }), isUp: true });
  }
  for (const gateway of gateways) {
    onChange?.(`add default route via ${gateway}`);
    const destination = gateway.includes(':') ? '::/0' : '0.0.0.0/0';
    addRoute({ destination, gateway, index, kind: 'unicast' });
  }
  return { ...link, name: ifName, isUp: true, ...(mtu !== undefined && { mtu }) };
}

/** In the thread's namespace; the IPv6 route only where the kernel has IPv6. */
export function blockInstanceMetadata(onChange?: (what: string) => void): void {
  for (const destination of INSTANCE_METADATA) {
    if (destination.includes(':') && !existsSync('/proc/sys/net/ipv6')) continue;
    onChange?.(`block ${destination}`);
    addRoute({ destination, kind: 'blackhole' });
  }
}

/** A namespace made for IPv4 alone has IPv6 off for links that come. */
function enableIpv6(ifName: string): void {
  const path = `/proc/sys/net/ipv6/conf/${ifName}/disable_ipv6`;
  if (existsSync(path)) writeFileSync(path, '0');
}
