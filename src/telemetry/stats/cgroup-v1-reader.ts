import { join } from 'node:path';
import {
  BLOCK_LISTS,
  type BlockList,
  type CgroupDetails,
  type CgroupReader,
  type CgroupSample,
  parseBlockEntries,
} from './cgroup-reader.ts';
import type { KernelFile, KernelFiles } from './kernel-file.ts';
import { flatValue, NS_PER_TICK, parseFlat } from './proc-files.ts';

/** Directories of a container in the hierarchies that tell something. */
export interface V1Directories {
  readonly cpu: string;
  readonly cpuacct: string;
  readonly memory: string;
  readonly blkio: string;
  readonly pids: string;
}

/** What Docker shows of memory.stat; each also as `total_` (metadata-endpoints.md §5.3). */
const MEMORY_KEYS: ReadonlySet<string> = new Set(
  'cache rss rss_huge mapped_file dirty writeback pgpgin pgpgout pgfault pgmajfault inactive_anon active_anon inactive_file active_file unevictable'
    .split(' ')
    .flatMap((key) => [key, `total_${key}`])
    .concat('hierarchical_memory_limit', 'hierarchical_memsw_limit'),
);

/** A file of each list: as schedulers name it, then as throttling does. */
const BLOCK_FILES: Readonly<Record<BlockList, readonly string[]>> = {
  io_service_bytes_recursive: [
    'blkio.io_service_bytes_recursive',
    'blkio.throttle.io_service_bytes_recursive',
  ],
  io_serviced_recursive: ['blkio.io_serviced_recursive', 'blkio.throttle.io_serviced_recursive'],
  io_queue_recursive: ['blkio.io_queued_recursive'],
  io_service_time_recursive: ['blkio.io_service_time_recursive'],
  io_wait_time_recursive: ['blkio.io_wait_time_recursive'],
  io_merged_recursive: ['blkio.io_merged_recursive'],
  io_time_recursive: ['blkio.time_recursive'],
  sectors_recursive: ['blkio.sectors_recursive'],
};

/** cgroup version 1; files that are read every second are held open. */
export class CgroupV1Reader implements CgroupReader {
  readonly #files: KernelFiles;
  readonly #directories: V1Directories;
  readonly #perCpu: KernelFile | undefined;
  readonly #cpuTimes: KernelFile | undefined;
  readonly #cpuStat: KernelFile | undefined;
  readonly #usage: KernelFile | undefined;
  readonly #memoryStat: KernelFile | undefined;
  readonly #block: KernelFile | undefined;

  constructor(directories: V1Directories, files: KernelFiles) {
    this.#files = files;
    this.#directories = directories;
    const { cpu, cpuacct, memory, blkio } = directories;
    this.#perCpu = files.open(join(cpuacct, 'cpuacct.usage_percpu'));
    this.#cpuTimes = files.open(join(cpuacct, 'cpuacct.stat'));
    this.#cpuStat = files.open(join(cpu, 'cpu.stat'));
    this.#usage = files.open(join(memory, 'memory.usage_in_bytes'));
    this.#memoryStat = files.open(join(memory, 'memory.stat'));
    this.#block =
      files.open(join(blkio, 'blkio.io_service_bytes_recursive')) ??
      files.open(join(blkio, 'blkio.throttle.io_service_bytes_recursive'));
  }

  sample(): CgroupSample | undefined {
    const perCpuText = this.#perCpu?.read();
    const usage = this.#usage?.read();
    if (perCpuText === undefined || usage === undefined) return undefined;
    const times = this.#cpuTimes?.read() ?? '';
    const throttling = this.#cpuStat?.read() ?? '';
    // Processors that are possible but not there are listed with 0.
    const perCpu = perCpuText.trim().split(' ').map(Number);
    const bytes = Number(usage);
    const cache = flatValue(this.#memoryStat?.read() ?? '', 'cache');
    const block = this.#block?.read() ?? '';
    return {
      cpu: {
        total: perCpu.reduce((sum, one) => sum + one, 0),
        kernel: flatValue(times, 'system') * NS_PER_TICK,
        user: flatValue(times, 'user') * NS_PER_TICK,
        perCpu,
        periods: flatValue(throttling, 'nr_periods'),
        throttledPeriods: flatValue(throttling, 'nr_throttled'),
        throttledTime: flatValue(throttling, 'throttled_time'),
      },
      memory: cache < bytes ? bytes - cache : bytes,
      read: sumOf(block, 'Read'),
      written: sumOf(block, 'Write'),
    };
  }

  details(): CgroupDetails | undefined {
    const { memory, pids, blkio } = this.#directories;
    const usage = this.#usage?.read();
    if (usage === undefined) return undefined;
    const number = (path: string) => Number(this.#files.read(path) ?? 0);
    const stats = parseFlat(this.#memoryStat?.read() ?? '');
    const lists = BLOCK_LISTS.map((list) => {
      const texts = BLOCK_FILES[list].map((file) => this.#files.read(join(blkio, file)));
      return [list, parseBlockEntries(texts.find((text) => text !== undefined) ?? '')] as const;
    });
    return {
      pids: {
        current: number(join(pids, 'pids.current')),
        limit: numberUnlessMax(this.#files.read(join(pids, 'pids.max'))),
      },
      block: Object.fromEntries(lists) as Record<BlockList, CgroupDetails['block'][BlockList]>,
      memory: {
        usage: Number(usage),
        maxUsage: number(join(memory, 'memory.max_usage_in_bytes')),
        stats: Object.fromEntries([...stats].filter(([key]) => MEMORY_KEYS.has(key))),
        failures: number(join(memory, 'memory.failcnt')),
        limit: number(join(memory, 'memory.limit_in_bytes')),
      },
    };
  }

  close(): void {
    for (const file of [
      this.#perCpu,
      this.#cpuTimes,
      this.#cpuStat,
      this.#usage,
      this.#memoryStat,
      this.#block,
    ])
      file?.close();
  }
}

function numberUnlessMax(text: string | undefined): number {
  const value = Number(text ?? 0);
  return Number.isNaN(value) ? 0 : value;
}

function sumOf(text: string, op: string): number {
  if (text === '') return 0;
  return parseBlockEntries(text).reduce((sum, entry) => (entry.op === op ? sum + entry.value : sum), 0);
}
