import { linksHere } from '../../host/links.ts';
import { inNetworkNamespace } from '../../host/netns.ts';
import { addAddress, addRoute, addressBytes } from '../../host/routes.ts';
import { TaskError } from '../../task/errors.ts';
import type { CniConfig } from '../cni/cni-schema.ts';
import { type BridgeSubnets, gatewayOf } from './bridge-link.ts';
import type { BridgeNames } from './bridge-names.ts';
import type { ContainerAddress } from './container-address.ts';

/** What Docker gives (NET-112). */
const MTU = 1500;
/** How CNI's own addresses begin; the rest is the IPv4 address. */
const MAC_PREFIX = '0a58';

/**
 * How a container is joined to the bridge: its link alone (networking.md §11.3). Addresses and routes are netlink's: a
 * plugin for them is one program more at every start and every end (measured: 10 ms).
 */
export function bridgeAttachment({ network, bridge }: BridgeNames): CniConfig {
  return {
    cniVersion: '1.1.0',
    name: network,
    plugins: [
      {
        type: 'bridge',
        bridge,
        // Where bridged packets pass the packet filter, one to a container's own published port goes back out
        // of the link that it came by.
        hairpinMode: true,
        mtu: MTU,
        ipam: {},
      },
    ],
  };
}

/** Always the same for an address: whoever remembers who had it last is right about the next one. */
export function macOf({ address4 }: ContainerAddress): string {
  const hex = MAC_PREFIX + addressBytes(address4).toString('hex');
  return (hex.match(/../g) ?? []).join(':');
}

/**
 * Gives the link in the namespace at `netns` its addresses, and the namespace its default routes; there already:
 * success. Never yields. Throws `NetlinkError`.
 */
export function addressLink(
  netns: string,
  name: string,
  { subnet4, subnet6 }: BridgeSubnets,
  { address4, address6 }: ContainerAddress,
): void {
  inNetworkNamespace(netns, () => {
    const link = linksHere().find((one) => one.name === name);
    if (link === undefined)
      throw new TaskError(
        'ContainerNetworkingError',
        `the CNI plugin bridge has made no ${name} in ${netns}`,
      );
    const { index } = link;
    const give = (subnet: string, address: string, destination: string) => {
      const [gateway = '', length = ''] = gatewayOf(subnet).split('/');
      addAddress({ index, address, prefixLength: Number(length) });
      addRoute({ destination, gateway, index, kind: 'unicast' });
    };
    give(subnet4, address4, '0.0.0.0/0');
    if (subnet6 !== undefined && address6 !== undefined) give(subnet6, address6, '::/0');
  });
}
