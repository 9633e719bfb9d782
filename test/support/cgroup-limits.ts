import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCgroupMounts } from '../../src/host/cgroupfs.ts';
import type { ContainerLimits } from '../../src/runtime/runtime.ts';

/** Shares, memory, processes and quota that the kernel holds a process to, by the files of its cgroup v1. */
export function limitsOfProcess(pid: number): ContainerLimits {
  const number = (controller: string, file: string) => Number(readCgroup(pid, controller, file));
  return {
    cpuShares: number('cpu', 'cpu.shares'),
    memoryBytes: number('memory', 'memory.limit_in_bytes'),
    pidsLimit: number('pids', 'pids.max'),
    cpuQuotaUs: number('cpu', 'cpu.cfs_quota_us'),
  };
}

/** A file of the cgroup v1 in which a process is. */
export function readCgroup(pid: number, controller: string, file: string): string {
  const has = (list: readonly string[]) => list.includes(controller);
  const mount = parseCgroupMounts(readFileSync('/proc/self/mountinfo', 'utf8')).find(({ options }) =>
    has(options),
  );
  const line = readFileSync(`/proc/${pid}/cgroup`, 'utf8')
    .split('\n')
    .map((text) => text.split(':'))
    .find(([, controllers = '']) => has(controllers.split(',')));
  if (mount === undefined || line === undefined) throw new Error(`no cgroup v1 has ${controller} of ${pid}`);
  return readFileSync(join(mount.mountPoint, line.slice(2).join(':'), file), 'utf8').trim();
}
