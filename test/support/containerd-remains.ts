import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeCgroups, removeEmptyCgroup } from './cgroups.ts';
import { hostProcesses, killAll, processesRootedIn, shimProcesses } from './processes.ts';

/** runc's state by namespace and id: a fixed place, whatever the daemon's directories are. */
const RUNC_STATE = '/run/containerd/runc';

/** Where one containerd of a test keeps things. */
export interface ContainerdPlaces {
  readonly rootDir: string;
  readonly stateDir: string;
  readonly address: string;
}

/**
 * Ends the shims and containers of a containerd that has stopped, and removes what they keep outside its
 * directories: runc's state, shim sockets, cgroups.
 */
export async function removeContainerdRemains(places: ContainerdPlaces): Promise<void> {
  const outside = bundlesOf(places.stateDir).flatMap(filesOutsideBundle);
  const cgroups = bundlesOf(places.stateDir).flatMap(cgroupOfBundle);
  await endContainers(places);
  for (const file of outside) rmSync(file, { recursive: true, force: true });
  for (const cgroup of cgroups) removeCgroups(cgroup);
  // What is named after a namespace stays when its last container goes.
  for (const namespace of subfolders(bundleFolder(places.stateDir))) {
    removeIfEmpty(join(RUNC_STATE, namespace));
    removeEmptyCgroup(`/${namespace}`);
  }
}

/** By their shims' families first, then by their root filesystem, as a shim may have died before. */
async function endContainers({ rootDir, address }: ContainerdPlaces): Promise<void> {
  const shims = shimProcesses(address).map(({ pid }) => pid);
  const families = new Set(shims);
  for (let size = 0; size !== families.size; ) {
    size = families.size;
    for (const { pid, parentPid } of hostProcesses()) if (families.has(parentPid)) families.add(pid);
  }
  await killAll(shims);
  await killAll([...families, ...processesRootedIn(rootDir)]);
}

interface Bundle {
  readonly namespace: string;
  readonly id: string;
  readonly folder: string;
}

function bundleFolder(stateDir: string): string {
  return join(stateDir, 'io.containerd.runtime.v2.task');
}

function bundlesOf(stateDir: string): Bundle[] {
  const bundles = bundleFolder(stateDir);
  return subfolders(bundles).flatMap((namespace) =>
    subfolders(join(bundles, namespace)).map((id) => ({
      namespace,
      id,
      folder: join(bundles, namespace, id),
    })),
  );
}

function filesOutsideBundle({ namespace, id, folder }: Bundle): string[] {
  // Containers that share a shim name its socket alike.
  const sockets = ['address', 'bootstrap.json'].flatMap(
    (name) => /\/run\/containerd\/s\/[0-9a-f]+/.exec(textOf(join(folder, name)))?.[0] ?? [],
  );
  return [...sockets, join(RUNC_STATE, namespace, id)];
}

function cgroupOfBundle({ folder }: Bundle): string[] {
  const path = /"cgroupsPath":\s*"(\/[^":]+)"/.exec(textOf(join(folder, 'config.json')))?.[1];
  return path === undefined ? [] : [path];
}

function removeIfEmpty(folder: string): void {
  if (existsSync(folder) && readdirSync(folder).length === 0) rmSync(folder, { recursive: true });
}

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function subfolders(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}
