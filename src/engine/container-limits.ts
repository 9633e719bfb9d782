import type { TaskLimits } from '../resource/task-cgroups.ts';
import type { ContainerLimits } from '../runtime/runtime.ts';
import { ordinaryContainers } from '../task/internal-containers.ts';
import type { ContainerSpec, TaskSpec } from '../task/task-spec.ts';

const MIB = 1024 * 1024;
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
/** Docker's least memory limit, to which smaller ones are raised (resources.md §12.1). */
const MIN_MEMORY_MIB = 4;

/** CPU units to shares: at least 2, at most 262144 (OBS-74). */
export function cpuShares(cpuUnits: number): number {
  return Math.min(Math.max(cpuUnits, MIN_SHARES), MAX_SHARES);
}

/**
 * A container's own limits; from `cpu` come shares only, never a quota (OBS-75). `inheritedMiB`: the memory of one
 * that names none.
 */
export function containerLimits(spec: ContainerSpec, inheritedMiB = 0): ContainerLimits {
  const { options } = spec;
  const { memoryReservationBytes, memorySwapBytes, memorySwappiness, oomKillDisable } = options;
  const { cpuQuotaUs, cpuPeriodUs, cpuRealtimeRuntimeUs, cpuRealtimePeriodUs } = options;
  const { cpusetCpus, cpusetMems, pidsLimit, blkioWeight } = options;
  const memoryMiB = spec.memoryMiB > 0 ? spec.memoryMiB : inheritedMiB;
  return {
    cpuShares: cpuShares(spec.cpu),
    ...(memoryMiB > 0 && { memoryBytes: Math.max(memoryMiB, MIN_MEMORY_MIB) * MIB }),
    ...(memoryReservationBytes !== undefined && { memoryReservationBytes }),
    ...(memorySwapBytes !== undefined && { memorySwapBytes }),
    ...(memorySwappiness !== undefined && { memorySwappiness }),
    ...(cpuQuotaUs !== undefined && { cpuQuotaUs }),
    ...(cpuPeriodUs !== undefined && { cpuPeriodUs }),
    ...(cpuRealtimeRuntimeUs !== undefined && { cpuRealtimeRuntimeUs }),
    ...(cpuRealtimePeriodUs !== undefined && { cpuRealtimePeriodUs }),
    ...(cpusetCpus !== undefined && { cpusetCpus }),
    ...(cpusetMems !== undefined && { cpusetMems }),
    ...(pidsLimit !== undefined && { pidsLimit }),
    ...(blkioWeight !== undefined && { blkioWeight }),
    ...(oomKillDisable !== undefined && { oomKillDisable }),
  };
}

/** Limits of the task's own cgroup; without task cpu its shares are the sum of the containers' (OBS-72). */
export function taskLimits(spec: TaskSpec): TaskLimits {
  return {
    ...(spec.cpu !== undefined && { cpu: spec.cpu }),
    ...(spec.memoryMiB !== undefined && { memoryMiB: spec.memoryMiB }),
    cpuShares: ordinaryContainers(spec).reduce((sum, c) => sum + cpuShares(c.cpu), 0),
  };
}
