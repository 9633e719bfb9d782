import type { ContainerDefinition, LinuxParameters } from '../../wire/task-definition.ts';
import { mibToBytes } from '../tasks/units.ts';

const NANOSECONDS = 1e9;
/** Constant: agents on containerd do not read it (acs.md §10.7). */
const API_VERSION = '1.24';
const DEVICE_PERMISSIONS: Readonly<Record<string, string>> = { read: 'r', write: 'w', mknod: 'm' };

/** What the translation needs to know beside the container. */
export interface DockerConfigContext {
  /** Absent when the definition leaves it to the default. */
  readonly networkMode: string | undefined;
  readonly taskId: string;
}

/**
 * The part of a container that travels as JSON text in the Docker Engine's create format
 * (ecs-api.md §D2.3, acs.md §10.7).
 */
export function dockerConfig(container: ContainerDefinition, context: DockerConfigContext) {
  return {
    version: API_VERSION,
    config: JSON.stringify(config(container, context)),
    hostConfig: JSON.stringify(hostConfig(container, context)),
  };
}

function config(container: ContainerDefinition, context: DockerConfigContext): object {
  const check = container.healthCheck;
  return {
    Hostname: context.networkMode === 'awsvpc' ? undefined : container.hostname,
    User: container.user,
    WorkingDir: container.workingDirectory,
    NetworkDisabled: container.disableNetworking,
    Labels: container.dockerLabels,
    OpenStdin: container.interactive,
    Tty: container.pseudoTerminal,
    Healthcheck: check && {
      Test: check.command,
      Interval: (check.interval ?? 30) * NANOSECONDS,
      Timeout: (check.timeout ?? 5) * NANOSECONDS,
      StartPeriod: check.startPeriod === undefined ? undefined : check.startPeriod * NANOSECONDS,
      Retries: check.retries ?? 3,
    },
  };
}

function hostConfig(container: ContainerDefinition, context: DockerConfigContext): object {
  const linux = container.linuxParameters ?? {};
  return {
    NetworkMode: context.networkMode,
    CapAdd: linux.capabilities?.add ?? [],
    CapDrop: linux.capabilities?.drop ?? [],
    Privileged: container.privileged,
    ReadonlyRootfs: container.readonlyRootFilesystem,
    Dns: container.dnsServers,
    DnsSearch: container.dnsSearchDomains,
    ExtraHosts: container.extraHosts?.map(({ hostname, ipAddress }) => `${hostname}:${ipAddress}`),
    SecurityOpt: container.dockerSecurityOptions,
    Ulimits: container.ulimits?.map(({ name, softLimit, hardLimit }) => ({
      Name: name,
      Soft: softLimit,
      Hard: hardLimit,
    })),
    LogConfig: logConfig(container, context),
    MemoryReservation:
      container.memoryReservation === undefined ? undefined : mibToBytes(container.memoryReservation),
    ...swap(container, linux),
    Devices: linux.devices?.map(({ hostPath, containerPath, permissions }) => ({
      PathOnHost: hostPath,
      PathInContainer: containerPath ?? hostPath,
      CgroupPermissions: permissions?.map((name) => DEVICE_PERMISSIONS[name] ?? '').join('') || 'rwm',
    })),
    Init: linux.initProcessEnabled,
    ShmSize: linux.sharedMemorySize === undefined ? undefined : mibToBytes(linux.sharedMemorySize),
    Tmpfs:
      linux.tmpfs &&
      Object.fromEntries(
        linux.tmpfs.map(({ containerPath, size, mountOptions }) => [
          containerPath,
          [...(mountOptions ?? []), `size=${size}m`].join(','),
        ]),
      ),
    Sysctls: sysctls(container),
  };
}

function sysctls(container: ContainerDefinition): object | undefined {
  const controls = container.systemControls ?? [];
  if (controls.length === 0) return undefined;
  return Object.fromEntries(controls.map(({ namespace, value }) => [namespace ?? '', value ?? '']));
}

/** Docker's swap limit includes the memory; `swappiness` counts only beside a `maxSwap`. */
function swap(container: ContainerDefinition, linux: LinuxParameters): object {
  if (linux.maxSwap === undefined) return {};
  return {
    MemorySwap: mibToBytes((container.memory ?? 0) + linux.maxSwap),
    MemorySwappiness: linux.swappiness,
  };
}

/** The agent knows no stream prefix: the stream's name is made here (CP-12). */
function logConfig(container: ContainerDefinition, context: DockerConfigContext): object | undefined {
  const log = container.logConfiguration;
  if (log === undefined) return undefined;
  const { 'awslogs-stream-prefix': prefix, ...options } = log.options ?? {};
  if (log.logDriver !== 'awslogs' || prefix === undefined) {
    return { Type: log.logDriver, Config: log.options ?? {} };
  }
  return {
    Type: log.logDriver,
    Config: { ...options, 'awslogs-stream': `${prefix}/${container.name}/${context.taskId}` },
  };
}
