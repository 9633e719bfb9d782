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
  /** Absent: a device of its own. */
  readonly branch?: EniBranch;
}

/** A branch ENI: a vlan of the instance's trunk ENI, with a MAC address of its own (networking.md §6.5). */
export interface EniBranch {
  /** Six hex pairs in lower case. */
  readonly trunkMacAddress: string;
  /** 1 to 4094. */
  readonly vlanId: number;
}

/** IPv6 addresses of ENIs that have IPv4 too. */
const DUAL_STACK_PREFIX = '64';

export function isIpv6Only({ ipv4Addresses, ipv6Addresses }: TaskEni): boolean {
  return ipv4Addresses.length === 0 && ipv6Addresses.length > 0;
}

/** Addresses with the prefix lengths that they have on the link. */
export function eniAddresses(eni: TaskEni): readonly string[] {
  const prefix4 = prefixOf(eni.subnetGatewayIpv4) ?? '32';
  return [
    ...eni.ipv4Addresses.map((address) => `${address}/${prefix4}`),
    ...eni.ipv6Addresses.map((address) => `${address}/${ipv6PrefixOf(eni)}`),
  ];
}

/** Gateways of default routes. With both families IPv6 gets its own from the router's advertisements. */
export function eniGateways(eni: TaskEni): readonly string[] {
  const gateway = isIpv6Only(eni) ? eni.subnetGatewayIpv6 : eni.subnetGatewayIpv4;
  return gateway === undefined ? [] : [gateway.split('/')[0] ?? ''];
}

/** The subnets that its addresses are of, `10.0.2.0/24` (networking.md §6.3); absent where it has no such address. */
export function eniSubnets(eni: TaskEni): { readonly ipv4?: string; readonly ipv6?: string } {
  const [gateway4 = '', prefix4] = eni.subnetGatewayIpv4?.split('/') ?? [];
  const ipv6 = eni.ipv6Addresses.find((address) => URL.canParse(`http://[${address}]`));
  const prefix6 = ipv6PrefixOf(eni);
  return {
    ...(prefix4 !== undefined && { ipv4: `${network4(gateway4, Number(prefix4))}/${prefix4}` }),
    ...(ipv6 !== undefined && { ipv6: `${network6(ipv6, Number(prefix6))}/${prefix6}` }),
  };
}

/** An address without the bits that tell hosts apart. */
function network4(address: string, prefix: number): string {
  return masked(address.split('.').map(Number), 8, prefix).join('.');
}

/** The same, shortened as RFC 5952 has it. */
function network6(address: string, prefix: number): string {
  const [head = '', tail = ''] = canonical6(address).split('::');
  const groups = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  const network = masked([...before, ...zeros, ...after], 16, prefix);
  return canonical6(network.map((group) => group.toString(16)).join(':'));
}

/** As the URL standard writes hosts: in hex and with the longest row of zeros left out. */
function canonical6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

function masked(parts: readonly number[], bits: number, prefix: number): readonly number[] {
  return parts.map((part, index) => {
    const host = Math.min(bits, Math.max(0, bits * (index + 1) - prefix));
    return (part >> host) << host;
  });
}

function ipv6PrefixOf(eni: TaskEni): string {
  return isIpv6Only(eni) ? (prefixOf(eni.subnetGatewayIpv6) ?? DUAL_STACK_PREFIX) : DUAL_STACK_PREFIX;
}

function prefixOf(gateway: string | undefined): string | undefined {
  return gateway?.split('/')[1];
}
