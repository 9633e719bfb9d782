import { randomUUID } from 'node:crypto';
import { z } from '../schema.ts';
import type { PayloadEni } from '../wire/acs-payload.ts';
import { attachmentArn, lastPart, type Scope } from './arns.ts';

const mac = z.pipe(
  z
    .string()
    .check(z.regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i, 'give a MAC address such as 0e:9e:32:c7:48:85')),
  z.transform((text) => text.toLowerCase()),
);
const texts = z._default(z.array(z.string()), []);

/**
 * An ENI that this control plane may give to a task. EC2 is not there to make one: its device has to be on the
 * instance already, or to come there by somebody else's hand.
 */
export const networkInterfaceSchema = z.object({
  macAddress: mac,
  ec2Id: z.optional(z.string()),
  subnetId: z._default(z.string(), 'subnet-local'),
  /** The instance that has it, by its EC2 id; any when absent. */
  ec2InstanceId: z.optional(z.string()),
  privateIpv4Addresses: texts,
  ipv6Addresses: texts,
  /** `10.0.2.1/24`. */
  subnetGatewayIpv4Address: z.optional(z.string()),
  subnetGatewayIpv6Address: z.optional(z.string()),
  domainNameServers: texts,
  domainName: texts,
  privateDnsName: z.optional(z.string()),
  /** Both are there for a branch ENI. */
  vlanId: z.optional(z.string()),
  trunkMacAddress: z.optional(mac),
});
export const networkInterfacesSchema = z.array(networkInterfaceSchema);
export type NetworkInterface = z.infer<typeof networkInterfaceSchema>;

/** An ENI in a task's hands. */
export const taskInterfaceSchema = z.object({
  attachmentArn: z.string(),
  status: z.enum(['ATTACHING', 'ATTACHED', 'DELETED']),
  /** Epoch ms: without a report until then the task fails. */
  waitsUntil: z.number(),
  interface: networkInterfaceSchema,
});
export type TaskInterface = z.infer<typeof taskInterfaceSchema>;

/** The first that is in one of the subnets, may be on that instance and is no task's. */
export function freeInterface(
  interfaces: readonly NetworkInterface[],
  taken: ReadonlySet<string>,
  wanted: { readonly subnets: readonly string[]; readonly ec2InstanceId: string | undefined },
): NetworkInterface | undefined {
  return interfaces.find(
    ({ macAddress, subnetId, ec2InstanceId }) =>
      !taken.has(macAddress) &&
      wanted.subnets.includes(subnetId) &&
      (ec2InstanceId === undefined || ec2InstanceId === wanted.ec2InstanceId),
  );
}

/** Begins to attach an ENI. A branch is there with its trunk: nobody has to see it come. */
export function attaching(scope: Scope, chosen: NetworkInterface, waitsUntil: number): TaskInterface {
  const ec2Id = chosen.ec2Id ?? `eni-${randomUUID().replaceAll('-', '').slice(0, 17)}`;
  return {
    attachmentArn: attachmentArn(scope),
    status: chosen.vlanId === undefined ? 'ATTACHING' : 'ATTACHED',
    waitsUntil,
    interface: { ...chosen, ec2Id },
  };
}

/** The ENI as messages carry it (acs.md §10.4). */
export function eniPayload({ attachmentArn: arn, interface: eni }: TaskInterface): PayloadEni {
  const isBranch = eni.vlanId !== undefined;
  return {
    attachmentArn: arn,
    ec2Id: eni.ec2Id,
    macAddress: eni.macAddress,
    ipv4Addresses: eni.privateIpv4Addresses.map((privateAddress, i) => ({
      primary: i === 0,
      privateAddress,
    })),
    ipv6Addresses: eni.ipv6Addresses.map((address, i) => ({ primary: i === 0, address })),
    subnetGatewayIpv4Address: eni.subnetGatewayIpv4Address,
    subnetGatewayIpv6Address: eni.subnetGatewayIpv6Address,
    domainNameServers: eni.domainNameServers,
    domainName: eni.domainName,
    privateDnsName: eni.privateDnsName,
    interfaceAssociationProtocol: isBranch ? 'vlan' : 'default',
    ...(isBranch && {
      interfaceVlanProperties: { vlanId: eni.vlanId, trunkInterfaceMacAddress: eni.trunkMacAddress },
    }),
  };
}

/** The attachment as DescribeTasks shows it. */
export function describeInterface({ attachmentArn: arn, status, interface: eni }: TaskInterface) {
  const details: readonly (readonly [string, string | undefined])[] = [
    ['subnetId', eni.subnetId],
    ['networkInterfaceId', eni.ec2Id],
    ['macAddress', eni.macAddress],
    ['privateDnsName', eni.privateDnsName],
    ['privateIPv4Address', eni.privateIpv4Addresses[0]],
    ['ipv6Address', eni.ipv6Addresses[0]],
  ];
  return {
    id: lastPart(arn),
    type: 'ElasticNetworkInterface',
    status,
    details: details.flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }])),
  };
}

/** What each container of the task has of it. */
export function describeContainerInterface({ attachmentArn: arn, interface: eni }: TaskInterface) {
  return {
    attachmentId: lastPart(arn),
    privateIpv4Address: eni.privateIpv4Addresses[0],
    ipv6Address: eni.ipv6Addresses[0],
  };
}
