import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hostMounts } from './mounts.ts';

/** Mount points of every cgroup hierarchy, v1 and v2. */
export function cgroupHierarchies(): string[] {
  return hostMounts()
    .filter(({ fsType }) => fsType === 'cgroup' || fsType === 'cgroup2')
    .map(({ mountPoint }) => mountPoint);
}

/** Every cgroup at or below a path (`/ecs`) of every hierarchy, as folders; parents come before children. */
export function cgroupsUnder(path: string): string[] {
  return cgroupHierarchies().flatMap((hierarchy) => foldersUnder(join(hierarchy, path)));
}

/** Removes the cgroups at and below a path in every hierarchy, then its parents that are empty. */
export function removeCgroups(path: string): void {
  for (const folder of cgroupsUnder(path).reverse()) removeFolder(folder);
  for (let parent = dirname(path); parent !== '/'; parent = dirname(parent)) removeEmptyCgroup(parent);
}

/** Removes a cgroup of every hierarchy where it has neither processes nor children. */
export function removeEmptyCgroup(path: string): void {
  for (const hierarchy of cgroupHierarchies()) removeFolder(join(hierarchy, path));
}

/** Removes cgroups that carry the number of a test process in their name and whose process has died. */
export function removeAbandonedCgroups(): void {
  const names = cgroupHierarchies().flatMap((hierarchy) => readdirSync(hierarchy));
  for (const name of new Set(names)) {
    const owner = /^ecs-[a-z]*-?(\d+)(-[a-z0-9]+)?$/.exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) removeCgroups(`/${name}`);
  }
}

function foldersUnder(folder: string): string[] {
  try {
    const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [folder, ...below.flatMap(({ name }) => foldersUnder(join(folder, name)))];
  } catch {
    // Not there, or gone meanwhile.
    return [];
  }
}

function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // In use by another, or gone: both are fine, a leak check tells which.
  }
}
