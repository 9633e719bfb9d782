import { existsSync } from 'node:fs';
import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { mountPoints } from '../../host/mount-table.ts';
import { runCommand } from '../../host/run-command.ts';
import { TaskError } from '../../task/errors.ts';
import type { CreateContainer } from '../runtime.ts';
import type { StartPlan } from './container-record.ts';
import { DEFAULT_SHM_BYTES, SHM_OPTIONS, type ShmSource } from './oci/mounts.ts';

const HOST_SHM = '/dev/shm';

/** What a container has at /dev/shm; undefined: a file system of its own. */
export function shmSource(
  runDir: string,
  { id, ipc }: Pick<CreateContainer, 'id' | 'ipc'>,
): ShmSource | undefined {
  switch (ipc?.kind) {
    case undefined:
      return undefined;
    case 'none':
      return { kind: 'none' };
    case 'host':
      return { kind: 'directory', path: HOST_SHM };
    case 'shareable':
      return { kind: 'directory', path: placeOf(runDir, id) };
    case 'container':
      return { kind: 'directory', path: placeOf(runDir, ipc.id) };
  }
}

/** The file system that is mounted for a container and those that share its IPC namespace, before it starts. */
export function plannedShm(
  runDir: string,
  { id, ipc, shmSizeBytes = DEFAULT_SHM_BYTES }: Pick<CreateContainer, 'id' | 'ipc' | 'shmSizeBytes'>,
): Pick<StartPlan, 'shm'> {
  return ipc?.kind === 'shareable' ? { shm: { path: placeOf(runDir, id), sizeBytes: shmSizeBytes } } : {};
}

/** Mounts it unless it is there. */
export async function ensureShm({ shm }: StartPlan, signal: AbortSignal): Promise<void> {
  if (shm === undefined) return;
  await mkdir(dirname(shm.path), { recursive: true, mode: 0o700 });
  await mkdir(shm.path, { recursive: true });
  // Shared also where containerd, in a mount namespace of its own, sees the directory and not what is mounted there.
  await chmod(shm.path, 0o1777);
  if ((await mountPoints()).includes(shm.path)) return;
  const options = [...SHM_OPTIONS, `size=${shm.sizeBytes}`].join(',');
  const args = ['-t', 'tmpfs', '-o', options, '--', 'shm', shm.path];
  const { exitCode, stderr } = await runCommand('mount', args, { signal });
  if (exitCode === 0) return;
  throw new TaskError(
    'CannotStartContainerError',
    `cannot mount the /dev/shm that the containers of the task share: mount ${args.join(' ')}: ${stderr.trim()}`,
  );
}

/** Takes away what `ensureShm` made; containers that have it in use keep their own mount of it. */
export async function removeShm(runDir: string, id: string, signal: AbortSignal): Promise<void> {
  const path = placeOf(runDir, id);
  // Most containers never had one.
  if (!existsSync(path)) return;
  if ((await mountPoints()).includes(path)) {
    const { exitCode, stderr } = await runCommand('umount', ['--', path], { signal });
    if (exitCode !== 0) throw new Error(`cannot unmount ${path}: ${stderr.trim()}`);
  }
  await rm(path, { recursive: true, force: true });
}

function placeOf(runDir: string, id: string): string {
  return join(runDir, 'shm', id);
}
