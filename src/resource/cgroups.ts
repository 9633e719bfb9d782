import { existsSync } from 'node:fs';
import { type CgroupMount, observeCgroupMounts } from '../host/cgroupfs.ts';
import { CgroupsUnavailableError } from './cgroup-errors.ts';
import type { CgroupSettings } from './cgroup-values.ts';
import { CgroupfsV1 } from './cgroupfs-v1.ts';
import { CgroupfsV2 } from './cgroupfs-v2.ts';
import { systemdManager } from './systemd-bus.ts';
import { SystemdCgroups } from './systemd-cgroups.ts';
import type { TaskCgroups } from './task-cgroups.ts';

/** There when systemd is the machine's init (sd_booted(3)). */
const SYSTEMD_MARK = '/run/systemd/system';

export interface TaskCgroupsOptions extends CgroupSettings {
  /** ECS_CGROUP_DRIVER. */
  readonly driver: 'auto' | 'cgroupfs' | 'systemd';
  /** Where the host's cgroups are mounted, ECS_CGROUP_PATH. */
  readonly root: string;
  /** First part of all our cgroups: the containerd namespace, `ecs` for the documented names. */
  readonly name: string;
}

/** Looks at the host and takes the driver that fits it. Throws CgroupsUnavailableError. */
export async function openTaskCgroups(options: TaskCgroupsOptions): Promise<TaskCgroups> {
  const choice = chooseDriver(options, await observeCgroupMounts(), existsSync(SYSTEMD_MARK));
  switch (choice.kind) {
    case 'systemd':
      return await SystemdCgroups.open(options.root, options.name, options, systemdManager());
    case 'cgroupfs-v2':
      return await CgroupfsV2.open(options.root, options.name, options);
    case 'cgroupfs-v1':
      return await CgroupfsV1.open(choice.mounts, options.name, options);
  }
}

export type DriverChoice =
  | { readonly kind: 'systemd' | 'cgroupfs-v2' }
  | { readonly kind: 'cgroupfs-v1'; readonly mounts: readonly CgroupMount[] };

/**
 * `auto` is systemd where it runs on a unified hierarchy, else cgroupfs; a hybrid layout counts as v1
 * (resources.md §2). Throws CgroupsUnavailableError when there is nothing to use or the wish cannot be met.
 */
export function chooseDriver(
  { driver, root }: Pick<TaskCgroupsOptions, 'driver' | 'root'>,
  allMounts: readonly CgroupMount[],
  hasSystemd: boolean,
): DriverChoice {
  const mounts = hierarchiesBelow(root, allMounts);
  const isUnified = mounts.some(({ version, mountPoint }) => version === 2 && mountPoint === root);
  if (mounts.length === 0)
    throw new CgroupsUnavailableError(`no cgroup hierarchy is mounted at or below ${root}`);
  if (driver === 'systemd' && !(isUnified && hasSystemd))
    throw new CgroupsUnavailableError(
      `ECS_CGROUP_DRIVER=systemd needs ${isUnified ? 'systemd as init' : `a unified hierarchy at ${root}`}; ` +
        'ECS_CGROUP_DRIVER=cgroupfs works here',
    );
  if (!isUnified) return { kind: 'cgroupfs-v1', mounts };
  return { kind: hasSystemd && driver !== 'cgroupfs' ? 'systemd' : 'cgroupfs-v2' };
}

/** Mounts at or below `root`, each hierarchy once. */
function hierarchiesBelow(root: string, mounts: readonly CgroupMount[]): readonly CgroupMount[] {
  const inside = mounts.filter(({ mountPoint }) => mountPoint === root || mountPoint.startsWith(`${root}/`));
  return inside.filter(({ device }, index) => inside.findIndex((mount) => mount.device === device) === index);
}
