import type { ContainerOptions } from '../task/task-spec.ts';
import { dropAbsent, nonEmpty } from './absent.ts';
import type { DockerConfig, DockerHostConfig } from './docker-config.ts';

/** Docker's, in which it writes fractions of processors. */
const CPU_PERIOD_US = 100_000;

/** The options of a container as the domain has them, out of Docker's create format (resources.md §12.2). */
export function optionsOf(config: DockerConfig, host: DockerHostConfig): ContainerOptions {
  return {
    labels: config.Labels ?? {},
    terminal: config.Tty ?? false,
    openStdin: config.OpenStdin ?? false,
    capabilitiesAdd: host.CapAdd ?? [],
    capabilitiesDrop: host.CapDrop ?? [],
    readonlyRootfs: host.ReadonlyRootfs ?? false,
    ulimits: (host.Ulimits ?? []).map(({ Name, Soft, Hard }) => ({ name: Name, soft: Soft, hard: Hard })),
    sysctls: host.Sysctls ?? {},
    dns: host.Dns ?? [],
    dnsSearch: host.DnsSearch ?? [],
    extraHosts: host.ExtraHosts ?? [],
    tmpfs: host.Tmpfs ?? {},
    ...dropAbsent({
      user: nonEmpty(config.User),
      workingDirectory: nonEmpty(config.WorkingDir),
      hostname: nonEmpty(config.Hostname),
      domainname: nonEmpty(config.Domainname),
      stopSignal: nonEmpty(config.StopSignal),
      networkDisabled: config.NetworkDisabled || undefined,
      privileged: host.Privileged || undefined,
      init: host.Init || undefined,
      devices: given(host.Devices)?.map(({ PathOnHost, PathInContainer, CgroupPermissions }) => ({
        pathOnHost: PathOnHost,
        pathInContainer: nonEmpty(PathInContainer) ?? PathOnHost,
        permissions: nonEmpty(CgroupPermissions) ?? 'rwm',
      })),
      securityOptions: given(host.SecurityOpt),
      additionalGroups: given(host.GroupAdd),
      // Unlike other lists, an empty one means something: nothing is masked.
      maskedPaths: host.MaskedPaths ?? undefined,
      readonlyPaths: host.ReadonlyPaths ?? undefined,
      ...limitsOf(host),
    }),
  };
}

/** Zero stands for "not given" in each of them, but for the swappiness, where -1 does. */
function limitsOf(host: DockerHostConfig): Partial<AbsentOr<ContainerOptions>> {
  const ofNanoCpus = Math.trunc(((host.NanoCpus ?? 0) * CPU_PERIOD_US) / 1e9);
  return {
    shmSizeBytes: host.ShmSize || undefined,
    memoryReservationBytes: host.MemoryReservation || undefined,
    memorySwapBytes: host.MemorySwap || undefined,
    memorySwappiness: host.MemorySwappiness === -1 ? undefined : (host.MemorySwappiness ?? undefined),
    cpuQuotaUs: ofNanoCpus || host.CpuQuota || undefined,
    cpuPeriodUs: (ofNanoCpus > 0 ? CPU_PERIOD_US : host.CpuPeriod) || undefined,
    cpuRealtimePeriodUs: host.CpuRealtimePeriod || undefined,
    cpuRealtimeRuntimeUs: host.CpuRealtimeRuntime || undefined,
    cpusetCpus: nonEmpty(host.CpusetCpus),
    cpusetMems: nonEmpty(host.CpusetMems),
    blkioWeight: host.BlkioWeight || undefined,
    pidsLimit: host.PidsLimit != null && host.PidsLimit > 0 ? host.PidsLimit : undefined,
    oomKillDisable: host.OomKillDisable || undefined,
    oomScoreAdj: host.OomScoreAdj || undefined,
  };
}

type AbsentOr<T> = { readonly [K in keyof T]: T[K] | undefined };

/** A list with something in it. */
function given<T>(list: readonly T[] | null | undefined): readonly T[] | undefined {
  return list == null || list.length === 0 ? undefined : list;
}
