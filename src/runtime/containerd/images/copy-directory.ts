import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { COMMAND_PATH, runCommand } from '../../../host/run-command.ts';
import type { CopiedDirectory } from '../../../image/images.ts';
import { TaskError } from '../../../task/errors.ts';
import type { ContainerdClient } from '../client.ts';
import { atPort, hasCode } from '../containerd-error.ts';
import type { Mount__Output } from '../generated/containerd/types/Mount.ts';
import { ImageRoots } from '../image-root.ts';
import { withLease } from '../leases.ts';
import { findRootfsEntry, layersOf } from '../rootfs-files.ts';

const LEASE_MS = 60 * 60 * 1000;

/**
 * Mounts the root filesystem in a mount namespace of its own, so that no mount outlives the copy however it ends.
 * The target is held open because the mount covers /tmp; relative layers keep the options below a page.
 * $1 working directory, $2 type, $3 options, $4 source, $5 path in the root, $6 target.
 */
const SCRIPT = `
exec 3<"$6"
cd "$1"
if [ "$2" = bind ]; then mount -o "$3" "$4" /tmp; else mount -t "$2" -o "$3" "$4" /tmp; fi
exec cp -a "/tmp/$5/." /proc/self/fd/3/
`;

export interface DirectoryCopy {
  readonly client: ContainerdClient;
  readonly snapshotter: string;
  /** Name of the local image. */
  readonly image: string;
  readonly path: string;
  readonly directory: string;
  readonly signal: AbortSignal;
}

/** `ImageService.copyDirectory` by a read-only view of the image's unpacked layers. */
export async function copyImageDirectory(copy: DirectoryCopy): Promise<CopiedDirectory> {
  const { client, snapshotter, signal } = copy;
  try {
    const { chainId } = await new ImageRoots(client).read(copy.image, signal);
    if (chainId === '') return 'absent';
    const key = `copy-${createHash('sha256').update(copy.directory).digest('hex')}`;
    // The view belongs to the lease: containerd removes it when the lease goes, or has expired.
    const lease = { id: key, purpose: 'copy', expiresInMs: LEASE_MS, signal };
    return await withLease(client, lease, async (leaseId) => {
      const mounts = await viewOf(client, { snapshotter, key, parent: chainId }, leaseId, signal);
      try {
        return await copyOut(mounts, copy);
      } finally {
        await removeView(client, snapshotter, key);
      }
    });
  } catch (error) {
    signal.throwIfAborted();
    throw atPort(error);
  }
}

async function viewOf(
  client: ContainerdClient,
  view: { readonly snapshotter: string; readonly key: string; readonly parent: string },
  lease: string,
  signal: AbortSignal,
): Promise<readonly Mount__Output[]> {
  try {
    return (await client.unary('snapshots', 'View', view, { signal, lease })).mounts;
  } catch (error) {
    if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
    await removeView(client, view.snapshotter, view.key);
    return (await client.unary('snapshots', 'View', view, { signal, lease })).mounts;
  }
}

async function removeView(client: ContainerdClient, snapshotter: string, key: string): Promise<void> {
  const { signal } = new AbortController();
  try {
    await client.unary('snapshots', 'Remove', { snapshotter, key }, { signal, timeoutMs: 30_000 });
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
  }
}

async function copyOut(
  mounts: readonly Mount__Output[],
  { path, directory, signal }: DirectoryCopy,
): Promise<CopiedDirectory> {
  const [mount] = mounts;
  const layers = layersOf(mounts);
  if (mount === undefined || layers === undefined)
    throw new TaskError(
      'CannotCreateVolumeError',
      `cannot fill a volume with the image's content of ${path}: the snapshotter's layers cannot be read`,
    );
  const entry = await findRootfsEntry(layers, path);
  if (entry === undefined) return 'absent';
  if (entry.kind !== 'directory') return 'notADirectory';
  const { exitCode, stderr } = await runCommand(
    'unshare',
    [
      '--mount',
      '--propagation',
      'private',
      '--',
      'sh',
      '-ec',
      SCRIPT,
      'sh',
      ...shortened(mount),
      entry.path,
      directory,
    ],
    // The newer mount calls bound each option to 256 bytes, too little for many layers.
    { signal, env: { PATH: COMMAND_PATH, LIBMOUNT_FORCE_MOUNT2: 'always' } },
  );
  if (exitCode !== 0)
    throw new TaskError(
      'CannotCreateVolumeError',
      `cannot copy the image's content of ${path} to ${directory}: ${stderr.trim() || `exit code ${exitCode}`}`,
    );
  return 'copied';
}

/** Working directory, type, options and source of a mount whose layers are told from the directory they share. */
function shortened({ type, source, options }: Mount__Output): readonly [string, string, string, string] {
  const lower = options.find((option) => option.startsWith('lowerdir='))?.slice('lowerdir='.length);
  if (type !== 'overlay' || lower === undefined) return ['/', type, options.join(','), source];
  const layers = lower.split(':');
  const base = commonDirectory(layers);
  const relative = layers.map((layer) => layer.slice(base.length + 1)).join(':');
  const others = options.filter((option) => !option.startsWith('lowerdir='));
  return [base === '' ? '/' : base, type, ['ro', ...others, `lowerdir=${relative}`].join(','), source];
}

function commonDirectory(paths: readonly string[]): string {
  let base = dirname(paths[0] ?? '/');
  while (base !== '/' && !paths.every((path) => path.startsWith(`${base}/`))) base = dirname(base);
  return base === '/' ? '' : base;
}
