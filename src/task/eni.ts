/** The elastic network interface of an awsvpc task, as ECS described it (networking.md §6.3). */
export interface TaskEni {
  readonly ec2Id: string;
  /** Six hex pairs in lower case. */
  readonly macAddress: string;
  /** The primary address first. */
  readonly ipv4Addresses: readonly string[];
  readonly ipv6Addresses: readonly string[];
  /** With the prefix length of the subnet, `10.0.2.1/24`; absent for IPv6-only ENIs. */
  readonly subnetGatewayIpv4?: string;
  readonly subnetGatewayIpv6?: string;
  readonly dnsServers: readonly string[];
  readonly dnsSearch: readonly string[];
  /** Absent: the task gets the default name of containers. */
  readonly privateDnsName?: string;
}

/** IPv6 addresses of ENIs that have IPv4 too. */
const DUAL_STACK_PREFIX = '64';

export function isIpv6Only({ ipv4Addresses, ipv6Addresses }: TaskEni): boolean {
  return ipv4Addresses.length === 0 && ipv6Addresses.length > 0;
}

/** Addresses with the prefix lengths that they have on the link. */
export function eniAddresses(eni: TaskEni): readonly string[] {
  const prefix4 = prefixOf(eni.subnetGatewayIpv4) ?? '32';
  const prefix6 = isIpv6Only(eni)
    ? (prefixOf(eni.subnetGatewayIpv6) ?? DUAL_STACK_PREFIX)
    : DUAL_STACK_PREFIX;
  return [
    ...eni.ipv4Addresses.map((address) => `${address}/${prefix4}`),
    ...eni.ipv6Addresses.map((address) => `${address}/${prefix6}`),
  ];
}

/** Gateways of default routes. With both families IPv6 gets its own from the router's advertisements. */
export function eniGateways(eni: TaskEni): readonly string[] {
  const gateway = isIpv6Only(eni) ? eni.subnetGatewayIpv6 : eni.subnetGatewayIpv4;
  return gateway === undefined ? [] : [gateway.split('/')[0] ?? ''];
}

function prefixOf(gateway: string | undefined): string | undefined {
  return gateway?.split('/')[1];
}
