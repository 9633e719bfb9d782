import type { ContainerAddresses } from '../../task/container-facts.ts';
import { containerDisplayName, containerIdOf } from '../../task/ids.ts';
import type { PortBinding } from '../../task/port-mapping.ts';
import type { ContainerSpec, TaskSpec } from '../../task/task-spec.ts';
import type { ContainerState } from '../../task/task-state.ts';

/** What the file says of the instance; what is not known is left out. */
export interface FileInstance {
  readonly cluster: string;
  readonly containerInstanceArn?: string;
  readonly availabilityZone?: string;
  readonly privateIpv4?: string;
  readonly publicIpv4?: string;
  readonly ipv6?: string;
}

/** What the file says only of a container that runs. */
export interface RunningFacts {
  readonly state: ContainerState;
  readonly bindings: readonly PortBinding[];
  readonly addresses?: ContainerAddresses;
}

/** The text of `ecs-container-metadata.json`, in the members and the order of the Amazon ECS agent (§8.1). */
export function fileDocument(
  task: TaskSpec,
  container: ContainerSpec,
  instance: FileInstance,
  running?: RunningFacts,
): string {
  const document = {
    Cluster: instance.cluster,
    ContainerInstanceARN: instance.containerInstanceArn,
    TaskARN: task.arn,
    TaskDefinitionFamily: task.family,
    TaskDefinitionRevision: task.version,
    ...(running === undefined ? { ContainerName: container.name } : runningMembers(task, container, running)),
    AvailabilityZone: instance.availabilityZone,
    HostPrivateIPv4Address: instance.privateIpv4,
    HostPublicIPv4Address: instance.publicIpv4,
    HostIPv6Address: instance.ipv6,
  };
  return JSON.stringify(document, (_, value: unknown) => (value === '' ? undefined : value), '\t');
}

function runningMembers(
  { arn, family, version, networkMode }: TaskSpec,
  container: ContainerSpec,
  { state, bindings, addresses }: RunningFacts,
): object {
  const id = containerIdOf(arn, container.name, state.generation);
  return {
    ContainerID: id,
    ContainerName: container.name,
    DockerContainerName: `/${containerDisplayName(family, version, container.name, id)}`,
    ImageID: state.imageId,
    ImageName: container.image,
    PortMappings: bindings.length === 0 ? undefined : bindings.map(portMapping),
    Networks: [
      {
        NetworkMode: networkMode,
        ...(addresses?.ipv4 !== undefined && { IPv4Addresses: [addresses.ipv4] }),
        ...(addresses?.ipv6 !== undefined && { IPv6Addresses: [addresses.ipv6] }),
      },
    ],
    MetadataFileStatus: 'READY',
  };
}

function portMapping({ containerPort, hostPort, rangeLength = 1, bindIp, protocol }: PortBinding): object {
  const last = containerPort + rangeLength - 1;
  return {
    ContainerPort: containerPort,
    ...(rangeLength > 1 && { ContainerPortRange: `${containerPort}-${last}` }),
    HostPort: hostPort,
    BindIp: bindIp,
    Protocol: protocol,
  };
}
