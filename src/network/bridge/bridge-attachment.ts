import type { CniConfig } from '../cni/cni-schema.ts';
import { type BridgeSubnets, gatewayOf } from './bridge-link.ts';
import type { BridgeNames } from './bridge-names.ts';
import type { ContainerAddress } from './container-address.ts';

/** What Docker gives (NET-112). */
const MTU = 1500;

/** How a container with that address is joined to the bridge: its link, addresses and default routes (networking.md §11.3). */
export function bridgeAttachment(
  names: BridgeNames,
  { subnet4, subnet6 }: BridgeSubnets,
  { address4, address6 }: ContainerAddress,
): CniConfig {
  const addresses = [addressIn(subnet4, address4)];
  const routes = [{ dst: '0.0.0.0/0' }];
  if (subnet6 !== undefined && address6 !== undefined) {
    addresses.push(addressIn(subnet6, address6));
    routes.push({ dst: '::/0' });
  }
  return {
    cniVersion: '1.1.0',
    name: names.network,
    plugins: [
      {
        type: 'bridge',
        bridge: names.bridge,
        isGateway: true,
        ipMasq: false,
        // Where bridged packets pass the packet filter, one to a container's own published port goes back out
        // of the link that it came by.
        hairpinMode: true,
        mtu: MTU,
        ipam: { type: 'static', addresses, routes },
      },
    ],
  };
}

function addressIn(subnet: string, address: string): { readonly address: string; readonly gateway: string } {
  const prefix = subnet.split('/')[1] ?? '';
  return { address: `${address}/${prefix}`, gateway: gatewayOf(subnet).split('/')[0] ?? '' };
}
