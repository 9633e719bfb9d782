import { wallTimeOf } from '../../async/clock.ts';
import {
  LABEL_CLUSTER,
  LABEL_CONTAINER_NAME,
  LABEL_FAMILY,
  LABEL_TASK_ARN,
  LABEL_VERSION,
} from '../../runtime/runtime.ts';
import { eniSubnets, isIpv6Only, type TaskEni } from '../../task/eni.ts';
import { containerDisplayName, containerIdOf } from '../../task/ids.ts';
import type { PortBinding, PortMapping } from '../../task/port-mapping.ts';
import type { ContainerStatus } from '../../task/statuses.ts';
import type { ContainerSpec, InternalKind, TaskSpec } from '../../task/task-spec.ts';
import type { TaskState } from '../../task/task-state.ts';
import { sortedMap } from '../go-json.ts';
import { goTime } from '../go-time.ts';
import { volumesMember } from '../volumes-document.ts';
import { containersOf, type EndpointContainer, isCreated } from './endpoint-tasks.ts';

/** The three shapes in which tasks are shown; v2 and v3 are alike but for what only v2 callers can have. */
export type DocumentVersion = 'v2' | 'v3' | 'v4';

/** What documents say of the instance. */
export interface InstanceView {
  readonly cluster: string;
  /** Where the agent keeps volumes. */
  readonly volumesDirectory: string;
  readonly availabilityZone?: string;
  readonly availabilityZoneId?: string;
  readonly vpcId?: string;
}

/** Tags of a task and of its instance, and what kept them from being known. */
export interface TagsView {
  readonly taskTags?: Readonly<Record<string, string>>;
  readonly containerInstanceTags?: Readonly<Record<string, string>>;
  readonly errors: readonly unknown[];
}

const INTERNAL_TYPES: Readonly<Record<InternalKind, string>> = {
  namespacePause: 'NAMESPACE_PAUSE',
  networkPause: 'CNI_PAUSE',
};
/** Docker's least; what is below is shown as this (TMDS-102). */
const LEAST_CPU_SHARES = 2;

/** A task with its containers (metadata-endpoints.md §4.2). */
export function taskDocument(
  version: DocumentVersion,
  task: TaskState,
  instance: InstanceView,
  tags?: TagsView,
): unknown {
  const { spec } = task;
  const containers = shownContainers(version, task).map((c) => containerDocument(version, c, instance));
  const listed = containers.length > 0 && { Containers: containers };
  return {
    Cluster: instance.cluster,
    TaskARN: spec.arn,
    Family: spec.family,
    Revision: spec.version,
    DesiredStatus: task.desired,
    KnownStatus: task.known,
    ...(version !== 'v4' && listed),
    ...taskLimits(spec),
    ...(task.pullStartedAt !== undefined && { PullStartedAt: goTime(wallTimeOf(task.pullStartedAt)) }),
    ...(task.pullStoppedAt !== undefined && { PullStoppedAt: goTime(wallTimeOf(task.pullStoppedAt)) }),
    ...(task.executionStoppedAt !== undefined && {
      ExecutionStoppedAt: goTime(wallTimeOf(task.executionStoppedAt)),
    }),
    ...(instance.availabilityZone && { AvailabilityZone: instance.availabilityZone }),
    ...(tags?.taskTags !== undefined && { TaskTags: sortedMap(tags.taskTags) }),
    ...(tags?.containerInstanceTags !== undefined && {
      ContainerInstanceTags: sortedMap(tags.containerInstanceTags),
    }),
    ...(version === 'v4' && {
      ...(spec.launchType && { LaunchType: spec.launchType }),
      ...(tags !== undefined && tags.errors.length > 0 && { Errors: tags.errors }),
      ...listed,
      ...(instance.vpcId && { VPCID: instance.vpcId }),
      ...(spec.serviceName && { ServiceName: spec.serviceName }),
      FaultInjectionEnabled: spec.faultInjection === true,
      ...(instance.availabilityZoneId && { AvailabilityZoneID: instance.availabilityZoneId }),
    }),
  };
}

/** One container (metadata-endpoints.md §4.3). */
export function containerDocument(
  version: DocumentVersion,
  container: EndpointContainer,
  { cluster, volumesDirectory }: InstanceView,
): unknown {
  const { task, spec, state } = container;
  const id = containerIdOf(task.spec.arn, spec.name, state.generation);
  const exists = isCreated(container);
  const networks = exists ? { Networks: [networkDocument(version, container)] } : {};
  const isV4 = version === 'v4';
  return {
    DockerId: exists ? id : '',
    Name: spec.name,
    DockerName: exists ? containerDisplayName(task.spec.family, task.spec.version, spec.name, id) : '',
    Image: spec.image,
    ImageID: state.imageId ?? '',
    ...ports(version, container),
    Labels: sortedMap(labelsOf(container, cluster)),
    DesiredStatus: shownStatus(spec, state.desired),
    KnownStatus: shownStatus(spec, state.known),
    ...(state.exitCode !== undefined && { ExitCode: state.exitCode }),
    Limits: { CPU: Math.max(spec.cpu, LEAST_CPU_SHARES), Memory: spec.memoryMiB },
    ...(state.createdAt !== undefined && { CreatedAt: goTime(state.createdAt) }),
    ...(state.startedAt !== undefined && { StartedAt: goTime(state.startedAt) }),
    ...(state.finishedAt !== undefined && { FinishedAt: goTime(state.finishedAt) }),
    Type: spec.internal === undefined ? 'NORMAL' : INTERNAL_TYPES[spec.internal],
    ...(!isV4 && networks),
    ...healthDocument(container),
    ...volumesMember(task.spec, spec, volumesDirectory),
    ...(isV4 && {
      ...(spec.log.byDefault !== true && { LogDriver: spec.log.driver }),
      ...(Object.keys(spec.log.options).length > 0 && { LogOptions: sortedMap(spec.log.options) }),
      ...(spec.containerArn !== undefined && { ContainerARN: spec.containerArn }),
      ...networks,
      ...(spec.restartPolicy !== undefined && { RestartCount: state.restarts?.count ?? 0 }),
    }),
  };
}

/** One that holds a network has done its part when it runs (task-engine.md §2). */
function shownStatus({ internal }: ContainerSpec, status: ContainerStatus): ContainerStatus {
  return internal === 'networkPause' && status === 'RUNNING' ? 'RESOURCES_PROVISIONED' : status;
}

/** v4 shows containers whose image is here before they are made (TMDS-34). */
function shownContainers(version: DocumentVersion, task: TaskState): readonly EndpointContainer[] {
  return containersOf(task).filter(
    (container) =>
      isCreated(container) ||
      (version === 'v4' &&
        (container.state.known === 'MANIFEST_PULLED' || container.state.known === 'PULLED')),
  );
}

function taskLimits({ cpu, memoryMiB }: TaskSpec): object {
  if (cpu === undefined && memoryMiB === undefined) return {};
  return {
    Limits: {
      ...(cpu !== undefined && { CPU: cpu }),
      ...(memoryMiB !== undefined && { Memory: memoryMiB }),
    },
  };
}

/** The five of ECS win over the task definition's own (TMDS-37). */
function labelsOf({ task, spec }: EndpointContainer, cluster: string): Record<string, string> {
  return {
    ...spec.options.labels,
    [LABEL_CLUSTER]: cluster,
    [LABEL_CONTAINER_NAME]: spec.name,
    [LABEL_TASK_ARN]: task.spec.arn,
    [LABEL_FAMILY]: task.spec.family,
    [LABEL_VERSION]: task.spec.version,
  };
}

/** Actual bindings, one a port and address (§4.4); v4 alone tells the address. */
function ports(version: DocumentVersion, { task, spec, state }: EndpointContainer): object {
  const bindings =
    task.spec.eni === undefined ? (state.portBindings ?? []) : (spec.portMappings ?? []).map(onEni);
  if (bindings.length === 0) return {};
  return { Ports: bindings.flatMap((binding) => everyPort(binding, version)) };
}

/** An ENI is the task's alone: its ports are those of the containers (TMDS-26). */
function onEni({ containerPort, protocol, rangeLength }: PortMapping): ShownPort {
  return {
    containerPort,
    hostPort: containerPort,
    protocol,
    ...(rangeLength !== undefined && { rangeLength }),
  };
}

type ShownPort = Omit<PortBinding, 'bindIp'> & Partial<Pick<PortBinding, 'bindIp'>>;

function everyPort(binding: ShownPort, version: DocumentVersion): readonly unknown[] {
  return Array.from({ length: binding.rangeLength ?? 1 }, (_, index) => ({
    ContainerPort: binding.containerPort + index,
    Protocol: binding.protocol,
    HostPort: binding.hostPort + index,
    ...(version === 'v4' && binding.bindIp !== undefined && { HostIp: binding.bindIp }),
  }));
}

/** Of awsvpc tasks the ENI, for every container and also after its stop; v4 tells its subnet and names (§4.5). */
function eniDocument(version: DocumentVersion, eni: TaskEni): unknown {
  const { ipv4, ipv6 } = eniSubnets(eni);
  const gateway6 = isIpv6Only(eni) ? eni.subnetGatewayIpv6 : undefined;
  return {
    NetworkMode: 'awsvpc',
    ...listed('IPv4Addresses', eni.ipv4Addresses),
    ...listed('IPv6Addresses', eni.ipv6Addresses),
    ...(version === 'v4' && {
      AttachmentIndex: 0,
      MACAddress: eni.macAddress,
      ...(ipv4 !== undefined && { IPv4SubnetCIDRBlock: ipv4 }),
      ...(ipv6 !== undefined && { IPv6SubnetCIDRBlock: ipv6 }),
      ...listed('DomainNameServers', eni.dnsServers),
      ...listed('DomainNameSearchList', eni.dnsSearch),
      ...(eni.privateDnsName && { PrivateDNSName: eni.privateDnsName }),
      ...(eni.subnetGatewayIpv4 && { SubnetGatewayIpv4Address: eni.subnetGatewayIpv4 }),
      ...(gateway6 && { SubnetGatewayIpv6Address: gateway6 }),
    }),
  };
}

function listed(name: string, values: readonly string[]): object {
  return values.length === 0 ? {} : { [name]: values };
}

/** One entry a container; a list with an empty string is what programs are used to (TMDS-29, TMDS-135). */
function networkDocument(version: DocumentVersion, { task, spec, state }: EndpointContainer): unknown {
  // One that only holds other namespaces has no network, whatever its task has.
  if (spec.internal === 'namespacePause') return { NetworkMode: 'none', IPv4Addresses: [''] };
  if (task.spec.eni !== undefined) return eniDocument(version, task.spec.eni);
  const live = state.known === 'STOPPED' ? undefined : state.addresses;
  return {
    NetworkMode: task.spec.networkMode,
    IPv4Addresses: [live?.ipv4 ?? ''],
    ...(version === 'v4' && live?.ipv6 !== undefined && { IPv6Addresses: [live.ipv6] }),
  };
}

/** Only of containers with a check in the task definition (TMDS-30); the status only once there is one. */
function healthDocument({ spec, state }: EndpointContainer): object {
  if (spec.healthCheck === undefined) return {};
  const { health } = state;
  if (health === undefined) return { Health: {} };
  return {
    Health: {
      ...(health.status !== 'UNKNOWN' && { status: health.status, statusSince: goTime(health.since) }),
      ...(health.exitCode !== undefined && health.exitCode !== 0 && { exitCode: health.exitCode }),
      ...(health.output !== '' && { output: health.output }),
    },
  };
}
