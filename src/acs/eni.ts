import { isIPv4, isIPv6 } from 'node:net';
import type { EniBranch, TaskEni } from '../task/eni.ts';
import type { PayloadEni } from '../wire/acs-payload.ts';
import { dropAbsent, nonEmpty } from './absent.ts';

/** Of the 4096 numbers that a vlan tag can have, the first and the last are reserved (IEEE 802.1Q). */
const LAST_VLAN = 4_094;

/**
 * What is wrong with an ENI that ACS described, or undefined (acs.md §10.4). The same rules hold for attach
 * messages and payload tasks.
 */
export function eniProblem(eni: PayloadEni | null): string | undefined {
  if (eni === null) return 'the ENI is null';
  if (nonEmpty(eni.ec2Id) === undefined) return 'the ENI has no ec2Id';
  const id = eni.ec2Id;
  if (nonEmpty(eni.macAddress) === undefined) return `ENI ${id} has no macAddress`;
  return addressProblem(eni) ?? associationProblem(eni);
}

/** An ENI without problems as the domain's; the primary address comes first. */
export function parseEni(eni: PayloadEni): TaskEni {
  const primaryFirst = <T extends { readonly primary?: boolean | null | undefined }>(list: readonly T[]) =>
    list.toSorted((a, b) => Number(b.primary === true) - Number(a.primary === true));
  const texts = (list: readonly (string | null | undefined)[]) =>
    list.flatMap((text) => nonEmpty(text) ?? []);
  return {
    ec2Id: eni.ec2Id ?? '',
    macAddress: (eni.macAddress ?? '').toLowerCase(),
    ipv4Addresses: texts(primaryFirst(eni.ipv4Addresses ?? []).map(({ privateAddress }) => privateAddress)),
    ipv6Addresses: texts(primaryFirst(eni.ipv6Addresses ?? []).map(({ address }) => address)),
    dnsServers: texts(eni.domainNameServers ?? []),
    dnsSearch: texts(eni.domainName ?? []),
    ...dropAbsent({
      subnetGatewayIpv4: nonEmpty(eni.subnetGatewayIpv4Address),
      subnetGatewayIpv6: nonEmpty(eni.subnetGatewayIpv6Address),
      privateDnsName: nonEmpty(eni.privateDnsName),
      branch: parseBranch(eni),
    }),
  };
}

function parseBranch({
  interfaceAssociationProtocol,
  interfaceVlanProperties,
}: PayloadEni): EniBranch | undefined {
  if (interfaceAssociationProtocol !== 'vlan') return undefined;
  return {
    trunkMacAddress: (interfaceVlanProperties?.trunkInterfaceMacAddress ?? '').toLowerCase(),
    vlanId: Number(interfaceVlanProperties?.vlanId),
  };
}

/** Whether the ENI has IPv6 addresses and no IPv4 one. */
export function isIpv6Only({ ipv4Addresses, ipv6Addresses }: PayloadEni): boolean {
  return (ipv4Addresses ?? []).length === 0 && (ipv6Addresses ?? []).length > 0;
}

function addressProblem(eni: PayloadEni): string | undefined {
  const id = eni.ec2Id;
  if (isIpv6Only(eni)) {
    const gateway = eni.subnetGatewayIpv6Address;
    if (isGateway(gateway, isIPv6, 128)) return undefined;
    return `the IPv6-only ENI ${id} needs a subnetGatewayIpv6Address with a prefix length, not "${gateway ?? ''}"`;
  }
  if ((eni.ipv4Addresses ?? []).length === 0) return `ENI ${id} has no address`;
  const gateway = eni.subnetGatewayIpv4Address;
  if (isGateway(gateway, isIPv4, 32)) return undefined;
  return `ENI ${id} needs a subnetGatewayIpv4Address with a prefix length, not "${gateway ?? ''}"`;
}

function associationProblem(eni: PayloadEni): string | undefined {
  const protocol = nonEmpty(eni.interfaceAssociationProtocol) ?? 'default';
  if (protocol === 'default') return undefined;
  if (protocol !== 'vlan') return `ENI ${eni.ec2Id} has the unknown interfaceAssociationProtocol ${protocol}`;
  const properties = eni.interfaceVlanProperties;
  const vlanId = nonEmpty(properties?.vlanId);
  if (vlanId === undefined) return `the vlan ENI ${eni.ec2Id} has no vlanId`;
  if (!/^\d{1,4}$/.test(vlanId) || Number(vlanId) < 1 || Number(vlanId) > LAST_VLAN)
    return `the vlanId "${vlanId}" of ENI ${eni.ec2Id} is not a number from 1 to ${LAST_VLAN}`;
  if (nonEmpty(properties?.trunkInterfaceMacAddress) === undefined)
    return `the vlan ENI ${eni.ec2Id} has no trunkInterfaceMacAddress`;
  return undefined;
}

/** `address/length`, exactly one slash. */
function isGateway(
  value: string | null | undefined,
  isAddress: (text: string) => boolean,
  maxLength: number,
): boolean {
  const [address, length, ...rest] = (value ?? '').split('/');
  if (address === undefined || length === undefined || rest.length > 0) return false;
  return isAddress(address) && /^\d{1,3}$/.test(length) && Number(length) <= maxLength;
}
