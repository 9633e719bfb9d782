import type { ContainerId } from '../../task/ids.ts';
import type {
  CgroupParent,
  ContainerLimits,
  CreateContainer,
  LimitsChange,
  NetworkNamespace,
  SharedNamespace,
} from '../runtime.ts';
import { LABEL_ID, LABEL_KEEPSAKE, LABEL_OWNER, OF_CONTAINER } from './docker-documents.ts';

/**
 * Body of `POST /containers/create` (Docker Engine API, ContainerCreate). `dockerIdOf` finds other containers of the
 * task; `image` is what it is made from.
 */
export function createRequest(
  request: CreateContainer,
  {
    owner,
    image,
    dockerIdOf,
  }: { readonly owner: string; readonly image: string; dockerIdOf(id: string): string },
): object {
  const { stdio, network } = request;
  const ports = network.kind === 'bridge' ? network.ports : [];
  return {
    Image: image,
    ...(request.entryPoint !== undefined && { Entrypoint: request.entryPoint }),
    // Docker drops the image's command together with its entry point.
    ...(request.command !== undefined && { Cmd: request.command }),
    Env: Object.entries(request.environment).map(([key, value]) => `${key}=${value}`),
    ...(request.user !== undefined && { User: request.user }),
    ...(request.workingDirectory !== undefined && { WorkingDir: request.workingDirectory }),
    ...(request.hostname !== undefined && network.kind !== 'container' && { Hostname: request.hostname }),
    ...(request.domainname !== undefined && { Domainname: request.domainname }),
    Tty: request.terminal,
    OpenStdin: request.openStdin,
    Labels: {
      ...request.labels,
      [LABEL_ID]: request.id,
      [LABEL_OWNER]: owner,
      ...(request.keepsake !== undefined && {
        [LABEL_KEEPSAKE]: Buffer.from(request.keepsake).toString('base64'),
      }),
    },
    ...(request.stopSignal !== undefined && { StopSignal: request.stopSignal }),
    ExposedPorts: Object.fromEntries(
      ports.map(({ containerPort, protocol }) => [`${containerPort}/${protocol}`, {}]),
    ),
    HostConfig: {
      ...(request.ociRuntime !== undefined && { Runtime: request.ociRuntime }),
      ...hostLimits(request.limits),
      ...cgroupParent(request.cgroup),
      ReadonlyRootfs: request.readonlyRootfs,
      CapAdd: request.capabilitiesAdd,
      CapDrop: request.capabilitiesDrop,
      Ulimits: request.ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
      Sysctls: request.sysctls,
      Mounts: request.mounts.map(({ source, destination, readonly }) => ({
        Type: 'bind',
        Source: source,
        Target: destination,
        ReadOnly: readonly,
      })),
      Tmpfs: request.tmpfs,
      ...(request.shmSizeBytes !== undefined && { ShmSize: request.shmSizeBytes }),
      Privileged: request.privileged ?? false,
      Devices: (request.devices ?? []).map(({ pathOnHost, pathInContainer, permissions }) => ({
        PathOnHost: pathOnHost,
        PathInContainer: pathInContainer,
        CgroupPermissions: permissions,
      })),
      SecurityOpt: request.securityOptions ?? [],
      GroupAdd: request.additionalGroups ?? [],
      ...(request.init !== undefined && { Init: request.init }),
      ...(request.maskedPaths !== undefined && { MaskedPaths: request.maskedPaths }),
      ...(request.readonlyPaths !== undefined && { ReadonlyPaths: request.readonlyPaths }),
      ...(request.oomScoreAdj !== undefined && { OomScoreAdj: request.oomScoreAdj }),
      ...(request.pid !== undefined && { PidMode: sharedWith(request.pid, dockerIdOf) }),
      IpcMode: ipcMode(request.ipc, dockerIdOf),
      ...networkConfig(network, dockerIdOf),
      LogConfig:
        stdio.kind === 'runtime'
          ? { Type: stdio.driver, Config: stdio.options }
          : { Type: 'none', Config: {} },
      // The engine alone decides what runs again.
      RestartPolicy: { Name: 'no' },
    },
  };
}

/** Body of `POST /containers/{id}/update`. */
export function updateRequest(change: LimitsChange): object {
  return hostLimits(change);
}

function hostLimits(limits: Partial<ContainerLimits>): object {
  const members: Readonly<Record<string, number | string | boolean | undefined>> = {
    CpuShares: limits.cpuShares,
    Memory: limits.memoryBytes,
    MemoryReservation: limits.memoryReservationBytes,
    MemorySwap: limits.memorySwapBytes,
    MemorySwappiness: limits.memorySwappiness,
    CpuQuota: limits.cpuQuotaUs,
    CpuPeriod: limits.cpuPeriodUs,
    CpuRealtimeRuntime: limits.cpuRealtimeRuntimeUs,
    CpuRealtimePeriod: limits.cpuRealtimePeriodUs,
    CpusetCpus: limits.cpusetCpus,
    CpusetMems: limits.cpusetMems,
    PidsLimit: limits.pidsLimit,
    BlkioWeight: limits.blkioWeight,
    OomKillDisable: limits.oomKillDisable,
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function cgroupParent(cgroup: CgroupParent | undefined): object {
  if (cgroup === undefined) return {};
  return { CgroupParent: cgroup.driver === 'cgroupfs' ? cgroup.path : cgroup.slice };
}

function ipcMode(ipc: CreateContainer['ipc'], dockerIdOf: (id: string) => string): string {
  switch (ipc?.kind) {
    case undefined:
      return 'private';
    case 'none':
    case 'shareable':
      return ipc.kind;
    case 'host':
    case 'container':
      return sharedWith(ipc, dockerIdOf);
  }
}

/** Containers of the task that a new one needs to be found for it. */
export function neededContainers({ pid, ipc, network }: CreateContainer): readonly ContainerId[] {
  const shared = [pid, ipc, network].flatMap((namespace) =>
    namespace?.kind === 'container' ? [namespace.id] : [],
  );
  const linked = network.kind === 'bridge' ? network.links.map(({ id }) => id) : [];
  return [...new Set([...shared, ...linked])];
}

function sharedWith(namespace: SharedNamespace, dockerIdOf: (id: string) => string): string {
  return namespace.kind === 'host' ? 'host' : `${OF_CONTAINER}${dockerIdOf(namespace.id)}`;
}

function networkConfig(network: NetworkNamespace, dockerIdOf: (id: string) => string): object {
  switch (network.kind) {
    case 'host':
      return { NetworkMode: 'host' };
    case 'isolated':
      return { NetworkMode: 'none' };
    case 'path':
      throw new Error('dockerd cannot put a container into a namespace by its path');
    case 'container':
      return { NetworkMode: sharedWith(network, dockerIdOf) };
    case 'bridge':
      return {
        NetworkMode: 'bridge',
        PortBindings: portBindings(network.ports),
        Dns: network.dns,
        DnsSearch: network.dnsSearch,
        ExtraHosts: network.extraHosts,
        Links: network.links.map(({ id, alias }) => `${dockerIdOf(id)}:${alias}`),
      };
  }
}

/** One container port may be asked for more than once; host port 0 is Docker's choice. */
function portBindings(ports: Extract<NetworkNamespace, { kind: 'bridge' }>['ports']): object {
  const bindings: Record<string, { HostPort: string }[]> = {};
  for (const { containerPort, hostPort, protocol } of ports) {
    const key = `${containerPort}/${protocol}`;
    bindings[key] = [...(bindings[key] ?? []), { HostPort: hostPort === 0 ? '' : String(hostPort) }];
  }
  return bindings;
}
