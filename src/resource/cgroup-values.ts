import type { TaskLimits } from './task-cgroups.ts';

/** Kernel's range of CPU shares; the upper end caps the sum over a task (RES-06). */
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
const MIB = 1_048_576;

/** Settings of the instance that shape every task's cgroup. */
export interface CgroupSettings {
  /** ECS_CGROUP_CPU_PERIOD in µs. */
  readonly cpuPeriodUs: number;
  /** ECS_TASK_PIDS_LIMIT; absent or 0: none. */
  readonly pidsLimit?: number;
}

/** What a task's cgroup is set to, before it is written the way of one driver (resources.md §2.2). */
export interface CgroupValues {
  /** A quota for a task with a CPU limit, shares for one without (OBS-71, OBS-72). */
  readonly cpu:
    | { readonly kind: 'quota'; readonly quotaUs: number; readonly periodUs: number }
    | { readonly kind: 'shares'; readonly shares: number };
  readonly memoryBytes?: number;
  readonly pids?: number;
}

export function cgroupValues(limits: TaskLimits, settings: CgroupSettings): CgroupValues {
  const { cpuPeriodUs, pidsLimit } = settings;
  return {
    cpu:
      limits.cpu !== undefined && limits.cpu > 0
        ? { kind: 'quota', quotaUs: Math.trunc(limits.cpu * cpuPeriodUs), periodUs: cpuPeriodUs }
        : { kind: 'shares', shares: Math.min(MAX_SHARES, Math.max(MIN_SHARES, limits.cpuShares)) },
    ...(limits.memoryMiB !== undefined && limits.memoryMiB > 0 && { memoryBytes: limits.memoryMiB * MIB }),
    ...(pidsLimit !== undefined && pidsLimit > 0 && { pids: pidsLimit }),
  };
}

/** CPU weight of cgroup v2, 1..10000, for shares of v1. */
export function cpuWeight(shares: number): number {
  return 1 + Math.floor(((shares - MIN_SHARES) * 9_999) / (MAX_SHARES - MIN_SHARES));
}

/** One value of one file. */
export interface CgroupFile {
  readonly file: string;
  readonly value: string;
}

/** Files of cgroup v1 in the order of their writing, with the controller that has them. */
export function v1Files(values: CgroupValues): readonly (CgroupFile & { readonly controller: string })[] {
  const { cpu, memoryBytes, pids } = values;
  return [
    ...(cpu.kind === 'quota'
      ? [
          { controller: 'cpu', file: 'cpu.cfs_period_us', value: String(cpu.periodUs) },
          { controller: 'cpu', file: 'cpu.cfs_quota_us', value: String(cpu.quotaUs) },
        ]
      : [{ controller: 'cpu', file: 'cpu.shares', value: String(cpu.shares) }]),
    { controller: 'memory', file: 'memory.use_hierarchy', value: '1' },
    ...(memoryBytes === undefined
      ? []
      : [{ controller: 'memory', file: 'memory.limit_in_bytes', value: String(memoryBytes) }]),
    ...(pids === undefined ? [] : [{ controller: 'pids', file: 'pids.max', value: String(pids) }]),
  ];
}

/** Files of cgroup v2, as they read when they are in force. */
export function v2Files(values: CgroupValues): readonly CgroupFile[] {
  const { cpu, memoryBytes, pids } = values;
  return [
    cpu.kind === 'quota'
      ? { file: 'cpu.max', value: `${cpu.quotaUs} ${cpu.periodUs}` }
      : { file: 'cpu.weight', value: String(cpuWeight(cpu.shares)) },
    ...(memoryBytes === undefined ? [] : [{ file: 'memory.max', value: String(memoryBytes) }]),
    ...(pids === undefined ? [] : [{ file: 'pids.max', value: String(pids) }]),
  ];
}
