import type { Config } from '../config/config.ts';
import type { Machine } from '../host/machine.ts';
import { type CapabilityContext, capabilities } from './capabilities.ts';
import type { HostResource, NameValue, RegisterContainerInstanceRequest } from './ecs-api.ts';
import type { InstanceFacts } from './instance-facts.ts';
import { RegistrationError } from './registration-error.ts';

/**
 * What the instance offers (ecs-api.md §B2). Throws `RegistrationError` with exit code 1 when more memory is
 * reserved than there is (ECS-08).
 */
export function totalResources(config: Config, machine: Machine): readonly HostResource[] {
  const memoryMiB = machine.memoryMiB - config.reservedMemoryMiB;
  if (memoryMiB < 0)
    throw new RegistrationError(
      `ECS_RESERVED_MEMORY is ${config.reservedMemoryMiB} MiB, more than the ${machine.memoryMiB} MiB of this host`,
      1,
    );
  return [
    integerResource('CPU', machine.cpus * 1024),
    integerResource('MEMORY', memoryMiB),
    { name: 'PORTS', type: 'STRINGSET', stringSetValue: config.reservedPorts.map(String) },
    { name: 'PORTS_UDP', type: 'STRINGSET', stringSetValue: config.reservedPortsUdp.map(String) },
  ];
}

/** A zero is left out, as ECS's serialiser does. */
function integerResource(name: string, value: number): HostResource {
  return { name, type: 'INTEGER', ...(value !== 0 && { integerValue: value }) };
}

/** Attributes in the order of ecs-api.md §B3; custom ones belong to the first registration only (ECS-66). */
export function instanceAttributes(
  context: CapabilityContext,
  machine: Machine,
  facts: InstanceFacts,
  first: boolean,
): readonly NameValue[] {
  const { config } = context;
  const inVpc = config.taskEni && facts.vpcId !== undefined && facts.subnetId !== undefined;
  return [
    ...(first
      ? Object.entries(config.instanceAttributes).map(([name, value]) => attribute(name, value))
      : []),
    ...capabilities(context),
    ...(inVpc ? [attribute('ecs.vpc-id', facts.vpcId), attribute('ecs.subnet-id', facts.subnetId)] : []),
    attribute('ecs.os-type', 'linux'),
    attribute('ecs.os-family', 'LINUX'),
    attribute('ecs.os-type-detailed', config.detailedOsFamily),
    ...(config.external ? [attribute('ecs.cpu-architecture', machine.architecture)] : []),
    ...(facts.outpostArn === undefined ? [] : [attribute('ecs.outpost-arn', facts.outpostArn)]),
  ];
}

function attribute(name: string, value: string | undefined): NameValue {
  return value === undefined || value === '' ? { name } : { name, value };
}

/** Tags of the configuration; the member is absent without any (ECS-81). */
export function instanceTags(config: Config): Pick<RegisterContainerInstanceRequest, 'tags'> {
  const tags = Object.entries(config.containerInstanceTags).map(([key, value]) => ({ key, value }));
  return tags.length === 0 ? {} : { tags };
}

/** GPUs are devices and no resource of the request (ECS-10, ECS-70); the member is absent without any. */
export function platformDevices(
  gpuIds: readonly string[],
): Pick<RegisterContainerInstanceRequest, 'platformDevices'> {
  return gpuIds.length === 0 ? {} : { platformDevices: gpuIds.map((id) => ({ id, type: 'GPU' })) };
}

/** The lines that `-ecs-attributes` prints: name, tab, value. */
export function formatAttributes(attributes: readonly NameValue[]): string {
  return attributes.map(({ name, value }) => `${name}\t${value ?? ''}\n`).join('');
}
