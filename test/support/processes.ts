import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { until } from './until.ts';

/** One process as /proc shows it. */
export interface HostProcess {
  readonly pid: number;
  readonly parentPid: number;
  readonly args: readonly string[];
}

/** Every process of the machine; those that end while being read are left out. Zombies are not listed. */
export function hostProcesses(): HostProcess[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z' || state === 'X') return [];
      const args = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').slice(0, -1);
      return [{ pid: Number(name), parentPid: Number(parent), args }];
    } catch {
      return [];
    }
  });
}

/** Whether the process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  return hostProcesses().some((process) => process.pid === pid);
}

/** Whether it is a shim of the containerd at `address`, of any when that is absent. */
export function isShimOf({ args }: HostProcess, address?: string): boolean {
  return (
    /(^|\/)containerd-shim[^/]*$/.test(args[0] ?? '') &&
    (address === undefined || args[args.indexOf('-address') + 1] === address)
  );
}

/** Shims that serve the containerd at `address`; all shims when it is absent. */
export function shimProcesses(address?: string): HostProcess[] {
  return hostProcesses().filter((process) => isShimOf(process, address));
}

/** Processes whose root filesystem lies under `directory`: containers, even when their shim is long gone. */
export function processesRootedIn(directory: string): number[] {
  const ours = readlinkSync('/proc/self/ns/mnt');
  return hostProcesses().flatMap(({ pid }) => {
    try {
      if (readlinkSync(`/proc/${pid}/ns/mnt`) === ours) return [];
      const root = readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
        .split('\n')
        .find((line) => line.split(' ')[4] === '/');
      return root?.includes(`${directory}/`) ? [pid] : [];
    } catch {
      return [];
    }
  });
}

/** Kills these processes with SIGKILL and waits until they are gone; those that are gone already are fine. */
export async function killAll(pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
  await until(() => !hostProcesses().some(({ pid }) => pids.includes(pid)), {
    what: `processes ${pids.join(', ')} are gone`,
  });
}

/** Resident memory of a process, MiB. */
export function residentMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}
