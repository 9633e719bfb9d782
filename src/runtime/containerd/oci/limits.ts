import { TaskError } from '../../../task/errors.ts';
import type { ContainerLimits } from '../../runtime.ts';
import type { HostFacts } from '../host-facts.ts';
import type { OciCpu, OciLimits, OciMemory } from './oci-types.ts';

/** What of the host decides how limits are written. */
export type LimitFacts = Pick<HostFacts, 'cgroupVersion' | 'swapAccounting'>;

/** A container's limits in the runtime's words (resources.md §12.2); what is not limited is left out. Pure. */
export function planLimits(limits: Partial<ContainerLimits>, host: LimitFacts): OciLimits {
  const cpu: OciCpu = withoutAbsent({
    shares: limits.cpuShares,
    quota: limits.cpuQuotaUs,
    period: limits.cpuPeriodUs,
    realtimeRuntime: limits.cpuRealtimeRuntimeUs,
    realtimePeriod: limits.cpuRealtimePeriodUs,
    cpus: limits.cpusetCpus,
    mems: limits.cpusetMems,
  });
  return {
    ...planMemory(limits, host),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(limits.pidsLimit !== undefined && { pids: { limit: limits.pidsLimit } }),
    ...(limits.blkioWeight !== undefined && { blockIO: { weight: limits.blkioWeight } }),
  };
}

/** Docker's least memory since 20.10: with less, not even the OCI runtime's own first step fits (ECS documents it). */
const MIN_MEMORY = 6 * 1024 * 1024;

/** Throws CannotCreateContainerError for limits that cannot be, with the field and the value. */
export function checkLimits(limits: ContainerLimits): void {
  const { memoryBytes: memory, memorySwappiness: swappiness = 0 } = limits;
  const reservation = limits.memoryReservationBytes || undefined;
  // -1 is unlimited; 0 is not given.
  const total = (limits.memorySwapBytes ?? 0) > 0 ? limits.memorySwapBytes : undefined;
  const troubles: readonly (string | false)[] = [
    isLess(memory, MIN_MEMORY) && `memory=${mib(memory)} is below the least, ${mib(MIN_MEMORY)}`,
    isLess(reservation, MIN_MEMORY) &&
      `memoryReservation=${mib(reservation)} is below the least, ${mib(MIN_MEMORY)}`,
    isLess(memory, reservation) && `memoryReservation=${mib(reservation)} is above memory=${mib(memory)}`,
    total !== undefined && memory === undefined && `maxSwap makes ${mib(total)}, but no memory is given`,
    isLess(total, memory) && `maxSwap makes ${mib(total)} with the memory, less than memory=${mib(memory)}`,
    (swappiness < 0 || swappiness > 100) && `swappiness=${swappiness} is not in 0 to 100`,
  ];
  const trouble = troubles.find((found) => found !== false);
  if (trouble !== undefined) throw new TaskError('CannotCreateContainerError', trouble);
}

function isLess(value: number | undefined, than: number | undefined): boolean {
  return value !== undefined && than !== undefined && value < than;
}

function mib(bytes = 0): string {
  return `${Number((bytes / 1024 / 1024).toFixed(2))} MiB`;
}

/** Swap is the total with memory; unset it is twice the memory, if the kernel counts it (RES-113). */
function planMemory(
  limits: Partial<ContainerLimits>,
  host: LimitFacts,
): Pick<OciLimits, 'memory' | 'unified'> {
  const { memoryBytes: limit, memoryReservationBytes: reservation } = limits;
  const total = limits.memorySwapBytes || (limit === undefined ? undefined : limit * 2);
  const swap = limit !== undefined && host.swapAccounting ? total : undefined;
  const isV2 = host.cgroupVersion === 2;
  const memory: OciMemory = withoutAbsent({
    limit,
    reservation: reservation || undefined,
    swap: isV2 ? undefined : swap,
    swappiness: isV2 ? undefined : limits.memorySwappiness,
    disableOOMKiller: isV2 ? undefined : limits.oomKillDisable || undefined,
  });
  // v2 limits swap alone. The runtime would work it out of the total, but crun does not under systemd.
  const swapAlone = swap === undefined || swap < 0 ? 'max' : String(Math.max(0, swap - (limit ?? 0)));
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(swap !== undefined && isV2 && { unified: { 'memory.swap.max': swapAlone } }),
  };
}

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function withoutAbsent<T extends object>(members: T): Present<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<T>;
}
