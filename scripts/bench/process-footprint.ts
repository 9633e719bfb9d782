import { readFileSync } from 'node:fs';

const KIB = 1 / 1024;

/** Memory of a process, MiB (/proc/<pid>/smaps_rollup). */
export interface Footprint {
  readonly resident: number;
  /** Pages that nobody else has mapped: what would be free without the process. */
  readonly private: number;
  /** Resident, with shared pages divided among those who share them. */
  readonly proportional: number;
}

/** Reads a process's memory now. Throws when the process is gone. */
export function footprintOf(pid: number): Footprint {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * KIB;
  return {
    resident: mib('Rss'),
    private: mib('Private_Clean') + mib('Private_Dirty'),
    proportional: mib('Pss'),
  };
}
