import type { ImageConfig } from '../../../image/images.ts';
import type { CgroupParent, CreateContainer, NetworkNamespace } from '../../runtime.ts';
import { LABEL_CONTAINER_NAME } from '../../runtime.ts';
import type { HostFacts } from '../host-facts.ts';
import { planLimits } from './limits.ts';
import { planMounts } from './mounts.ts';
import type { OciDeviceRule, OciNamespace, OciSpec } from './oci-types.ts';
import { planProcess } from './process.ts';
import type { ResolvedUser } from './user.ts';

/** One shim for all containers with the same value (containerd.md §10, CTD-24). */
const GROUP_ANNOTATION = 'io.containerd.runc.v2.group';

const MASKED_PATHS = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
];
const READONLY_PATHS = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export interface SpecRequest {
  readonly request: CreateContainer;
  readonly image: ImageConfig;
  readonly user: ResolvedUser;
  readonly host: HostFacts;
}

/** The whole OCI configuration of a container (containerd.md §9, resources.md §12; CTD-18). Pure. */
export function planSpec({ request, image, user, host }: SpecRequest): OciSpec {
  const hostname =
    request.hostname ?? (request.network.kind === 'host' ? host.hostname : request.id.slice(0, 12));
  return {
    ociVersion: '1.0.2',
    process: planProcess({ request, image, user, hostname, host }),
    root: { path: 'rootfs', readonly: request.readonlyRootfs },
    hostname,
    mounts: planMounts(request),
    annotations: {
      [GROUP_ANNOTATION]: request.group,
      'ecs-containerd-agent.task-arn': request.taskArn,
      'ecs-containerd-agent.task-id': request.group,
      'ecs-containerd-agent.container-name': request.labels[LABEL_CONTAINER_NAME] ?? request.name,
    },
    linux: {
      cgroupsPath: cgroupsPath(request.cgroup, request.id, host),
      namespaces: planNamespaces(request.network, host),
      resources: {
        devices: deviceRules(),
        ...planLimits(request.limits, host),
      },
      sysctl: { ...networkSysctls(request.network), ...request.sysctls },
      rootfsPropagation: 'private',
      maskedPaths: MASKED_PATHS,
      readonlyPaths: READONLY_PATHS,
    },
  };
}

/** Whether the runtime must be told to make the cgroup through systemd. */
export function usesSystemdCgroup(cgroup: CgroupParent | undefined): boolean {
  return cgroup?.driver === 'systemd';
}

function cgroupsPath(cgroup: CgroupParent | undefined, id: string, host: HostFacts): string {
  switch (cgroup?.driver) {
    case 'systemd':
      return `${cgroup.slice}:ecs:${id}`;
    case 'cgroupfs':
      return `${cgroup.path}/${id}`;
    case undefined:
      return `/${host.cgroupRoot}/${id}`;
  }
}

function planNamespaces(network: NetworkNamespace, host: HostFacts): readonly OciNamespace[] {
  const namespaces: OciNamespace[] = [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }];
  if (network.kind === 'isolated') namespaces.push({ type: 'network' });
  if (network.kind === 'path') namespaces.push({ type: 'network', path: network.path });
  // With cgroup v1 the container sees its controllers by the mounts alone, as under Docker.
  if (host.cgroupVersion === 2) namespaces.push({ type: 'cgroup' });
  return namespaces;
}

/** Docker's defaults since 20.10, except in the host's namespace (networking.md §9). */
function networkSysctls(network: NetworkNamespace): Readonly<Record<string, string>> {
  if (network.kind === 'host') return {};
  return { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' };
}

function deviceRules(): readonly OciDeviceRule[] {
  const character = (major: number, minor: number): OciDeviceRule => ({
    allow: true,
    type: 'c',
    major,
    minor,
    access: 'rwm',
  });
  return [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', access: 'm' },
    { allow: true, type: 'b', access: 'm' },
    character(1, 3),
    character(1, 5),
    character(1, 7),
    character(1, 8),
    character(1, 9),
    character(5, 0),
    character(5, 1),
    character(5, 2),
    { allow: true, type: 'c', major: 136, access: 'rwm' },
  ];
}
