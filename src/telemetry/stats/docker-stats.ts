import { BLOCK_LISTS, type CgroupDetails } from './cgroup-reader.ts';
import type { InterfaceCounters, Sample } from './sample.ts';

/** What is measured now, before, and besides. */
export interface DockerStatsParts {
  readonly name: string;
  readonly id: string;
  readonly now: Sample;
  /** Absent for the first. */
  readonly before?: Sample;
  readonly details: CgroupDetails;
  /** Memory of the host in bytes: no limit is shown above it. */
  readonly hostMemory: number;
}

const NO_CPU = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};
/** Go's zero time. */
const NEVER = '0001-01-01T00:00:00Z';

/** Statistics as the Amazon ECS agent passes Docker's on, in its order of members (metadata-endpoints.md §5.2). */
export function dockerStats({ name, id, now, before, details, hostMemory }: DockerStatsParts): object {
  const { pids, memory, block } = details;
  return {
    read: timeOf(now),
    preread: before === undefined ? NEVER : timeOf(before),
    pids_stats: {
      ...(pids.current > 0 && { current: pids.current }),
      ...(pids.limit > 0 && { limit: pids.limit }),
    },
    blkio_stats: Object.fromEntries(BLOCK_LISTS.map((list) => [list, block[list]])),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuStats(now),
    precpu_stats: before === undefined ? NO_CPU : cpuStats(before),
    memory_stats: {
      usage: memory.usage,
      ...(memory.maxUsage !== undefined && { max_usage: memory.maxUsage }),
      stats: Object.fromEntries(Object.entries(memory.stats).toSorted(([a], [b]) => (a < b ? -1 : 1))),
      ...(memory.failures > 0 && { failcnt: memory.failures }),
      limit: Math.min(memory.limit, hostMemory),
    },
    name: `/${name}`,
    id,
    ...(now.networks !== undefined && {
      networks: Object.fromEntries(
        [...now.networks].map(([device, counters]) => [device, interfaceStats(counters)]),
      ),
    }),
  };
}

function cpuStats({ cpu, host }: Sample): object {
  return {
    cpu_usage: {
      total_usage: cpu.total,
      ...(cpu.perCpu !== undefined && { percpu_usage: cpu.perCpu }),
      usage_in_kernelmode: cpu.kernel,
      usage_in_usermode: cpu.user,
    },
    system_cpu_usage: host.system,
    online_cpus: host.online,
    throttling_data: {
      periods: cpu.periods,
      throttled_periods: cpu.throttledPeriods,
      throttled_time: cpu.throttledTime,
    },
  };
}

function interfaceStats(counters: InterfaceCounters): object {
  return {
    rx_bytes: counters.rxBytes,
    rx_packets: counters.rxPackets,
    rx_errors: counters.rxErrors,
    rx_dropped: counters.rxDropped,
    tx_bytes: counters.txBytes,
    tx_packets: counters.txPackets,
    tx_errors: counters.txErrors,
    tx_dropped: counters.txDropped,
  };
}

function timeOf({ at }: Sample): string {
  return new Date(at).toISOString().replace(/\.?0*Z$/, 'Z');
}
