import type { ImageConfig } from '../../../image/images.ts';
import type { CgroupParent, CreateContainer, NetworkNamespace } from '../../runtime.ts';
import { LABEL_CONTAINER_NAME } from '../../runtime.ts';
import type { FoundDevice } from '../find-devices.ts';
import type { HostFacts } from '../host-facts.ts';
import type { NamespaceHolders } from '../shared-namespaces.ts';
import { planDeviceRules } from './devices.ts';
import { planLimits } from './limits.ts';
import { type MountedProgram, planMounts, type ShmSource } from './mounts.ts';
import type { OciNamespace, OciSpec } from './oci-types.ts';
import { planProcess } from './process.ts';
import { planSeccomp } from './seccomp/profile.ts';
import type { SecurityOptions } from './security-options.ts';
import { planSelinuxLabels } from './selinux-label.ts';
import { planSysctls } from './sysctls.ts';
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
  readonly security: SecurityOptions;
  /** Loaded already; absent: none. */
  readonly appArmorProfile?: string;
  /** Those asked for; of a privileged container the host's. */
  readonly devices: readonly FoundDevice[];
  /** Absent: a /dev/shm of its own. */
  readonly shm?: ShmSource;
  /** Of the containers whose namespaces it joins. */
  readonly holders?: NamespaceHolders;
  /** A program that is not the image's; absent: there is none. */
  readonly program?: MountedProgram;
}

/** The whole OCI configuration of a container (containerd.md §9, resources.md §12; CTD-18). Pure. */
export function planSpec(asked: SpecRequest): OciSpec {
  const { request, image, user, host, security, appArmorProfile, devices, shm, program } = asked;
  const privileged = request.privileged ?? false;
  const hostname =
    request.hostname ?? (request.network.kind === 'host' ? host.hostname : request.id.slice(0, 12));
  const labels = privileged ? undefined : planSelinuxLabels(security.labels, host.selinux, request.id);
  const process = planProcess({
    request,
    image,
    user,
    hostname,
    host,
    noNewPrivileges: security.noNewPrivileges,
    ...(appArmorProfile !== undefined && { appArmorProfile }),
    ...(labels !== undefined && { selinuxLabel: labels.process }),
  });
  const { seccomp: wanted } = security;
  const seccomp =
    privileged || !host.seccomp
      ? undefined
      : planSeccomp(wanted, { ...host, capabilities: process.capabilities.bounding });
  return {
    ociVersion: '1.0.2',
    process,
    root: { path: 'rootfs', readonly: request.readonlyRootfs },
    hostname,
    mounts: planMounts({
      ...request,
      ...(shm !== undefined && { shm }),
      ...(program !== undefined && { program }),
    }),
    annotations: {
      [GROUP_ANNOTATION]: request.group,
      'ecs-containerd-agent.task-arn': request.taskArn,
      'ecs-containerd-agent.task-id': request.group,
      'ecs-containerd-agent.container-name': request.labels[LABEL_CONTAINER_NAME] ?? request.name,
    },
    linux: {
      cgroupsPath: cgroupsPath(request.cgroup, request.id, host),
      namespaces: planNamespaces(request, asked.holders ?? {}, host),
      resources: {
        devices: planDeviceRules(devices, privileged),
        ...planLimits(request.limits, host),
      },
      devices: devices.map(({ access: _, ...device }) => device),
      sysctl: planSysctls(request),
      rootfsPropagation: 'private',
      maskedPaths: privileged ? [] : (request.maskedPaths ?? MASKED_PATHS),
      readonlyPaths: privileged ? [] : (request.readonlyPaths ?? READONLY_PATHS),
      ...(seccomp !== undefined && { seccomp }),
      ...(labels !== undefined && { mountLabel: labels.mount }),
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

/** Its own, those of another container's first process, or, where there is no entry, the host's. */
function planNamespaces(
  { network, pid, ipc }: CreateContainer,
  holders: NamespaceHolders,
  host: HostFacts,
): readonly OciNamespace[] {
  const joined = (type: 'pid' | 'ipc') =>
    holders[type] === undefined ? { type } : { type, path: `/proc/${holders[type]}/ns/${type}` };
  const namespaces: OciNamespace[] = [{ type: 'uts' }, { type: 'mount' }];
  if (ipc?.kind !== 'host') namespaces.unshift(joined('ipc'));
  if (pid?.kind !== 'host') namespaces.unshift(joined('pid'));
  namespaces.push(...networkNamespaces(network));
  // With cgroup v1 the container sees its controllers by the mounts alone, as under Docker.
  if (host.cgroupVersion === 2) namespaces.push({ type: 'cgroup' });
  return namespaces;
}

function networkNamespaces(network: NetworkNamespace): readonly OciNamespace[] {
  switch (network.kind) {
    case 'host':
      return [];
    case 'isolated':
      return [{ type: 'network' }];
    case 'path':
      return [{ type: 'network', path: network.path }];
    case 'bridge':
    case 'container':
      throw new Error(`containers of this runtime join no network of kind ${network.kind}`);
  }
}
