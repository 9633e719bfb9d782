import { join } from 'node:path';
import {
  BLOCK_LISTS,
  type BlockEntry,
  type BlockList,
  type CgroupDetails,
  type CgroupReader,
  type CgroupSample,
} from './cgroup-reader.ts';
import type { KernelFile, KernelFiles } from './kernel-file.ts';
import { flatValue, parseFlat } from './proc-files.ts';

/** What Docker shows of memory.stat; what this kernel does not tell is 0 (metadata-endpoints.md §5.3). */
const MEMORY_KEYS =
  'anon file kernel_stack slab sock shmem file_mapped file_dirty file_writeback anon_thp inactive_anon active_anon inactive_file active_file unevictable slab_reclaimable slab_unreclaimable pgfault pgmajfault workingset_refault workingset_activate workingset_nodereclaim pgrefill pgscan pgsteal pgactivate pgdeactivate pglazyfree pglazyfreed thp_fault_alloc thp_collapse_alloc'.split(
    ' ',
  );
const NS_PER_US = 1000;

/** cgroup version 2; files that are read every second are held open. */
export class CgroupV2Reader implements CgroupReader {
  readonly #files: KernelFiles;
  readonly #directory: string;
  readonly #cpuStat: KernelFile | undefined;
  readonly #current: KernelFile | undefined;
  readonly #memoryStat: KernelFile | undefined;
  readonly #io: KernelFile | undefined;

  constructor(directory: string, files: KernelFiles) {
    this.#files = files;
    this.#directory = directory;
    this.#cpuStat = files.open(join(directory, 'cpu.stat'));
    this.#current = files.open(join(directory, 'memory.current'));
    this.#memoryStat = files.open(join(directory, 'memory.stat'));
    this.#io = files.open(join(directory, 'io.stat'));
  }

  sample(): CgroupSample | undefined {
    const cpu = this.#cpuStat?.read();
    const usage = this.#current?.read();
    if (cpu === undefined || usage === undefined) return undefined;
    const bytes = Number(usage);
    const inactive = flatValue(this.#memoryStat?.read() ?? '', 'inactive_file');
    const entries = parseIoStat(this.#io?.read() ?? '');
    const sum = (op: string) =>
      entries.reduce((total, entry) => (entry.op === op ? total + entry.value : total), 0);
    return {
      cpu: {
        total: flatValue(cpu, 'usage_usec') * NS_PER_US,
        kernel: flatValue(cpu, 'system_usec') * NS_PER_US,
        user: flatValue(cpu, 'user_usec') * NS_PER_US,
        periods: flatValue(cpu, 'nr_periods'),
        throttledPeriods: flatValue(cpu, 'nr_throttled'),
        throttledTime: flatValue(cpu, 'throttled_usec') * NS_PER_US,
      },
      memory: inactive < bytes ? bytes - inactive : bytes,
      read: sum('read'),
      written: sum('write'),
    };
  }

  details(): CgroupDetails | undefined {
    const usage = this.#current?.read();
    if (usage === undefined) return undefined;
    const text = (file: string) => this.#files.read(join(this.#directory, file)) ?? '';
    const stats = parseFlat(this.#memoryStat?.read() ?? '');
    const io = parseIoStat(this.#io?.read() ?? '');
    const lists = BLOCK_LISTS.map(
      (list) => [list, list === BLOCK_LISTS[0] && io.length > 0 ? io : null] as const,
    );
    return {
      pids: { current: Number(text('pids.current')), limit: unlessMax(text('pids.max'), 0) },
      block: Object.fromEntries(lists) as Record<BlockList, CgroupDetails['block'][BlockList]>,
      memory: {
        usage: Number(usage),
        stats: Object.fromEntries(MEMORY_KEYS.map((key) => [key, stats.get(key) ?? 0])),
        failures: flatValue(text('memory.events'), 'oom'),
        limit: unlessMax(text('memory.max'), Number.POSITIVE_INFINITY),
      },
    };
  }

  close(): void {
    for (const file of [this.#cpuStat, this.#current, this.#memoryStat, this.#io]) file?.close();
  }
}

/** Bytes read and written of each device in the text of io.stat. */
export function parseIoStat(text: string): readonly BlockEntry[] {
  return [...text.matchAll(/^(\d+):(\d+)(.*)$/gm)].flatMap(([, major, minor, rest = '']) =>
    (['read', 'write'] as const).map((op) => ({
      major: Number(major),
      minor: Number(minor),
      op,
      value: Number(new RegExp(` ${op === 'read' ? 'r' : 'w'}bytes=(\\d+)`).exec(rest)?.[1] ?? 0),
    })),
  );
}

function unlessMax(text: string, otherwise: number): number {
  const value = text.trim();
  return value === 'max' || value === '' ? otherwise : Number(value);
}
