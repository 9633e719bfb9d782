import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseCgroupMounts } from '../../host/cgroupfs.ts';
import type { CgroupReader } from './cgroup-reader.ts';
import { CgroupV1Reader } from './cgroup-v1-reader.ts';
import { CgroupV2Reader } from './cgroup-v2-reader.ts';
import type { KernelFiles } from './kernel-file.ts';

/** Where the hierarchies of cgroups are mounted. */
export interface CgroupRoots {
  /** By controller. */
  readonly v1: ReadonlyMap<string, string>;
  readonly v2: string | undefined;
}

export function findCgroupRoots(mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): CgroupRoots {
  const mounts = parseCgroupMounts(mountinfo);
  return {
    v1: new Map(
      mounts
        .filter(({ version }) => version === 1)
        .flatMap(({ mountPoint, options }) => options.map((option) => [option, mountPoint] as const)),
    ),
    v2: mounts.find(({ version }) => version === 2)?.mountPoint,
  };
}

/**
 * Opens the cgroups of a container by the id of its first process; undefined when it has ended. A process may have
 * moved itself deeper: the container's own cgroup is the one that has the container's id in its name.
 */
export function openCgroupReader(
  { v1, v2 }: CgroupRoots,
  { pid, id }: { readonly pid: number; readonly id: string },
  files: KernelFiles,
): CgroupReader | undefined {
  const text = files.read(`/proc/${pid}/cgroup`);
  if (text === undefined) return undefined;
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path !== '')
      for (const controller of controllers.split(',')) paths.set(controller, ownPath(path, id));
  }
  const directory = (controller: string) => {
    const root = v1.get(controller);
    const path = paths.get(controller);
    return root === undefined || path === undefined ? undefined : join(root, path);
  };
  const memory = directory('memory');
  const unified = paths.get('');
  if (memory === undefined)
    return v2 === undefined || unified === undefined
      ? undefined
      : new CgroupV2Reader(join(v2, unified), files);
  const of = (controller: string) => directory(controller) ?? '/nonexistent';
  return new CgroupV1Reader(
    { memory, cpu: of('cpu'), cpuacct: of('cpuacct'), blkio: of('blkio'), pids: of('pids') },
    files,
  );
}

function ownPath(path: string, id: string): string {
  const at = path.indexOf(id);
  if (at < 0) return path;
  const end = path.indexOf('/', at);
  return end < 0 ? path : path.slice(0, end);
}
