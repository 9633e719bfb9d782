import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Lines of containerd that every test run covers: the system's own, and those `scripts/setup` unpacks. */
export type ContainerdVersion = '1.6' | '1.7' | '2.1';

/** All of them, oldest first. */
export const CONTAINERD_VERSIONS: readonly ContainerdVersion[] = ['1.6', '1.7', '2.1'];

/** Folder of the binaries (containerd, its shim and ctr) of one version. */
export function containerdBinaries(version: ContainerdVersion): string {
  if (version === '1.6') return '/usr/bin';
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const folder = join(cache, 'ecs-containerd-agent', `containerd-${version}`, 'usr/bin');
  if (!existsSync(folder))
    throw new Error(`containerd ${version} is not unpacked in ${folder}: run ./scripts/setup --for test`);
  return folder;
}
