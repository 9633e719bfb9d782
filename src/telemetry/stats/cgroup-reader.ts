import type { CpuCounters } from './sample.ts';

/** The part of a sample that a container's cgroups tell. */
export interface CgroupSample {
  readonly cpu: CpuCounters;
  readonly memory: number;
  readonly read: number;
  readonly written: number;
}

/** One line of a list of block device counters. */
export interface BlockEntry {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: number;
}

/** Names of Docker's lists of block device counters, in its order. */
export const BLOCK_LISTS = [
  'io_service_bytes_recursive',
  'io_serviced_recursive',
  'io_queue_recursive',
  'io_service_time_recursive',
  'io_wait_time_recursive',
  'io_merged_recursive',
  'io_time_recursive',
  'sectors_recursive',
] as const;
export type BlockList = (typeof BLOCK_LISTS)[number];

/** What Docker's statistics say besides what is in a sample (metadata-endpoints.md §5.2). */
export interface CgroupDetails {
  /** 0: not told, or no limit. */
  readonly pids: { readonly current: number; readonly limit: number };
  readonly block: Readonly<Record<BlockList, readonly BlockEntry[] | null>>;
  readonly memory: {
    readonly usage: number;
    readonly maxUsage?: number;
    readonly stats: Readonly<Record<string, number>>;
    readonly failures: number;
    /** Infinity: none. */
    readonly limit: number;
  };
}

/** Reads one container's cgroups, of version 1 or 2. Both give undefined once the container has ended. */
export interface CgroupReader {
  sample(): CgroupSample | undefined;
  details(): CgroupDetails | undefined;
  close(): void;
}

/** Entries of one list; a total over all devices has none of its own. */
export function parseBlockEntries(text: string): readonly BlockEntry[] {
  return [...text.matchAll(/^(\d+):(\d+) (?:([A-Za-z]+) )?(\d+)$/gm)].map(
    ([, major, minor, op = '', value]) => ({
      major: Number(major),
      minor: Number(minor),
      op,
      value: Number(value),
    }),
  );
}
