import type { TaskEni } from '../../task/eni.ts';
import { containerDisplayName, containerIdOf } from '../../task/ids.ts';
import { isInternal } from '../../task/internal-containers.ts';
import type { PortBinding, PortMapping } from '../../task/port-mapping.ts';
import type { TaskStatus } from '../../task/statuses.ts';
import type { ContainerState, TaskState } from '../../task/task-state.ts';
import { goTime } from '../go-time.ts';
import { volumesMember } from '../volumes-document.ts';
import type { AgentView } from './agent-view.ts';

/** `GET /v1/metadata` in the keys of the Amazon ECS agent. */
export function metadataDocument(view: AgentView): unknown {
  return {
    Cluster: view.cluster,
    ContainerInstanceArn: view.containerInstanceArn ?? null,
    Version: view.version,
  };
}

/** One task of `GET /v1/tasks` (metadata-endpoints.md §10). */
export function taskDocument(state: TaskState, volumesDirectory: string): unknown {
  const { spec } = state;
  const known = backendStatus(state.known);
  return {
    Arn: spec.arn,
    // Nothing is said of a task that is further than, or not where, it is wanted (TMDS-133).
    ...(!(known === 'STOPPED' && state.desired !== 'STOPPED') && { DesiredStatus: state.desired }),
    KnownStatus: known,
    Family: spec.family,
    Version: spec.version,
    Containers: state.containers
      .filter(
        ({ name, createdAt, startedAt }) =>
          (createdAt !== undefined || startedAt !== undefined) && !isInternal(spec, name),
      )
      .map((container) => containerDocument(state, container, volumesDirectory)),
  };
}

/** Statuses as ECS knows them (TMDS-84). */
function backendStatus(known: TaskStatus): 'PENDING' | 'RUNNING' | 'STOPPED' {
  return known === 'RUNNING' || known === 'STOPPED' ? known : 'PENDING';
}

function containerDocument(
  { spec }: TaskState,
  container: ContainerState,
  volumesDirectory: string,
): unknown {
  const id = containerIdOf(spec.arn, container.name, container.generation);
  const asked = spec.containers.find((c) => c.name === container.name);
  return {
    DockerId: id,
    DockerName: containerDisplayName(spec.family, spec.version, container.name, id),
    Name: container.name,
    Image: asked?.image ?? '',
    ImageID: container.imageId ?? '',
    ...(container.createdAt !== undefined && { CreatedAt: goTime(container.createdAt) }),
    ...(container.startedAt !== undefined && { StartedAt: goTime(container.startedAt) }),
    ...ports(container.portBindings ?? asked?.portMappings ?? [], spec.eni !== undefined),
    ...(spec.eni !== undefined && { Networks: [eniDocument(spec.eni)] }),
    ...(asked !== undefined && volumesMember(spec, asked, volumesDirectory)),
    ...(asked?.restartPolicy !== undefined && { RestartCount: container.restarts?.count ?? 0 }),
  };
}

/** Only with an ENI is anything said of networks (§10). */
function eniDocument({ ipv4Addresses, ipv6Addresses }: TaskEni): unknown {
  return {
    NetworkMode: 'awsvpc',
    ...(ipv4Addresses.length > 0 && { IPv4Addresses: ipv4Addresses }),
    ...(ipv6Addresses.length > 0 && { IPv6Addresses: ipv6Addresses }),
  };
}

/** One entry a port and address, without the address (TMDS-137); on an ENI every port is its own (TMDS-26). */
function ports(all: readonly (PortBinding | PortMapping)[], onEni: boolean): object {
  if (all.length === 0) return {};
  const first = ({ containerPort, hostPort }: PortBinding | PortMapping) =>
    onEni ? containerPort : hostPort;
  return {
    Ports: all.flatMap((port) =>
      Array.from({ length: port.rangeLength ?? 1 }, (_, index) => ({
        ContainerPort: port.containerPort + index,
        Protocol: port.protocol,
        ...(first(port) !== 0 && { HostPort: first(port) + index }),
      })),
    ),
  };
}

/** Answer of `GET /v1/tasks?…` when nothing or too much was asked for (OBS-118). */
export const NO_TASK = { Arn: '', KnownStatus: '', Family: '', Version: '', Containers: null };

/** Runtime ids up to this length are prefixes (OBS-117). */
const SHORT_ID_LENGTH = 12;

/** Tasks whose containers have that runtime id, or a short one that it begins with. */
export function tasksOfRuntimeId(tasks: readonly TaskState[], asked: string): readonly TaskState[] {
  const isIt = (id: string) =>
    asked.length > SHORT_ID_LENGTH ? id === asked : asked !== '' && id.startsWith(asked);
  return tasks.filter(({ spec, containers }) =>
    containers.some((c) => isIt(containerIdOf(spec.arn, c.name, c.generation))),
  );
}
