import type { Link } from '../src/host/links.ts';
import { linksHere } from '../src/host/links.ts';
import { inNetworkNamespace } from '../src/host/netns.ts';
import { addressesHere, routesHere } from '../src/host/routes.ts';
import {
  type EniLink,
  EniMissingError,
  INSTANCE_METADATA,
  LinkNameTakenError,
} from '../src/network/awsvpc/eni-link.ts';
import { z } from '../src/schema.ts';
import { CniCode, CniFailure } from './run-plugin.ts';

/** Six hex pairs in lower case. */
export const macSchema = z.pipe(
  z.pipe(
    z.string(),
    z.transform((text) => text.toLowerCase()),
  ),
  z.string().check(z.regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, 'a MAC address is six hex pairs with colons')),
);

const addressSchema = z.union(
  [z.cidrv4(), z.cidrv6()],
  'an address has its prefix length, such as 10.0.2.100/24',
);
const gatewaySchema = z.union([z.ipv4(), z.ipv6()], 'a gateway is an address without prefix length');

/** What plugins of ENIs are told of the link (networking.md §11.4). */
export const eniSchema = z.looseObject({
  mac: macSchema,
  addresses: z.array(addressSchema).check(z.minLength(1)),
  gateways: z._default(z.array(gatewaySchema), []),
  blockInstanceMetadata: z._default(z.boolean(), false),
  /** 0: as the host has it. */
  mtu: z._default(z.int().check(z.minimum(0), z.maximum(65_535)), 0),
});

export function eniLinkOf(config: z.output<typeof eniSchema>, ifName: string): EniLink {
  const { mac, addresses, gateways, blockInstanceMetadata, mtu } = config;
  return {
    macAddress: mac,
    ifName,
    addresses,
    gateways,
    blockInstanceMetadata,
    ...(mtu > 0 && { mtu }),
  };
}

/** The failure of an ENI's set-up in the words of the CNI specification. */
export function eniFailure(error: unknown): unknown {
  if (error instanceof EniMissingError) return new CniFailure(CniCode.tryAgainLater, error.message);
  if (error instanceof LinkNameTakenError) return new CniFailure(CniCode.nameTaken, error.message);
  return error;
}

/** What of the link in the namespace is not as `eni` says; `find` finds it. */
export function wrongWithEni(
  netns: string,
  eni: EniLink,
  find: (links: readonly Link[]) => Link | undefined,
): readonly string[] {
  return inNetworkNamespace(netns, () => {
    const link = find(linksHere());
    if (link === undefined) return [`no link has the MAC address ${eni.macAddress}`];
    const has = addressesHere()
      .filter(({ index }) => index === link.index)
      .map(({ address, prefixLength }) => `${canonical(address)}/${prefixLength}`);
    const missing = eni.addresses.filter((text) => {
      const [address = '', length = ''] = text.split('/');
      return !has.includes(`${canonical(address)}/${length}`);
    });
    const noRoute = eni.gateways.filter(
      (gateway) =>
        !routesHere(familyOf(gateway)).some(
          (route) =>
            route.destination === (gateway.includes(':') ? '::/0' : '0.0.0.0/0') &&
            route.index === link.index &&
            canonical(route.gateway ?? '') === canonical(gateway),
        ),
    );
    return [
      ...(link.name === eni.ifName ? [] : [`it is called ${link.name}, not ${eni.ifName}`]),
      ...(link.isUp ? [] : [`${link.name} is down`]),
      ...(eni.mtu === undefined || eni.mtu === link.mtu ? [] : [`its MTU is ${link.mtu}, not ${eni.mtu}`]),
      ...missing.map((address) => `it has no address ${address}`),
      ...noRoute.map((gateway) => `there is no default route via ${gateway}`),
      ...(eni.blockInstanceMetadata ? wrongWithBlock() : []),
    ];
  });
}

/** Which of the blackholes of instance metadata are missing in the thread's namespace. */
export function wrongWithBlock(): readonly string[] {
  const blackholes = (['ipv4', 'ipv6'] as const)
    .flatMap((family) => routesHere(family))
    .filter(({ kind }) => kind === 'blackhole')
    .map(({ destination }) => destination);
  const isV6Here = linksHere().some(({ isLoopback }) => isLoopback) && routesHere('ipv6').length > 0;
  return INSTANCE_METADATA.filter((destination) => !destination.includes(':') || isV6Here)
    .filter((destination) => !blackholes.includes(destination))
    .map((destination) => `${destination} is not blocked`);
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** IPv6 addresses have many texts; URLs have one. */
function canonical(address: string): string {
  return address.includes(':') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}
