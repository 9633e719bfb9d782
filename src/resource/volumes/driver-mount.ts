import { mountPoints, mountsBelow } from '../../host/mount-table.ts';
import type { RunCommand } from '../../host/run-command.ts';
import { TaskError } from '../../task/errors.ts';

/** Options that Docker's driver `local` knows; `size` needs file system quotas. */
const OPTIONS: ReadonlySet<string> = new Set(['type', 'device', 'o']);

/** Refuses options of the driver `local` that cannot be followed. Throws a `TaskError` that names the option. */
export function checkDriverOptions(volume: string, options: Readonly<Record<string, string>>): void {
  const strange = Object.keys(options).find((name) => !OPTIONS.has(name));
  if (strange !== undefined)
    throw new TaskError(
      'CannotCreateVolumeError',
      `volume ${volume}: invalid option "${strange}" of driver local; it has type, device and o`,
    );
  const asked = Object.keys(options).length > 0;
  if (asked && (options.device === undefined || options.device === ''))
    throw new TaskError(
      'CannotCreateVolumeError',
      `volume ${volume}: missing device in volume options; driver local needs type, device and o together`,
    );
}

/** Mounts the file system of a volume that has driver options at its directory, unless something is mounted there. */
export async function mountVolume(
  run: RunCommand,
  volume: string,
  options: Readonly<Record<string, string>>,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const { type = '', device = '', o = '' } = options;
  if (device === '' || (await mountPoints()).includes(directory)) return;
  const args = [
    ...(type === '' || type === 'none' ? [] : ['-t', type]),
    ...(o === '' ? [] : ['-o', o]),
    '--',
    device,
    directory,
  ];
  const { exitCode, stderr } = await run('mount', args, { signal });
  if (exitCode === 0) return;
  throw new TaskError(
    'CannotCreateContainerError',
    `failed to mount local volume ${volume}: mount ${args.join(' ')}: ${stderr.trim() || `exit code ${exitCode}`}`,
  );
}

/** Takes away everything that is mounted at a directory or below it. Rejects while something cannot be unmounted. */
export async function unmountAll(run: RunCommand, directory: string, signal: AbortSignal): Promise<void> {
  for (const point of mountsBelow(await mountPoints(), directory)) {
    const { exitCode, stderr } = await run('umount', ['--', point], { signal });
    if (exitCode !== 0) throw new Error(`cannot unmount ${point}: ${stderr.trim()}`);
  }
  // What came meanwhile, or lay under another mount, would be removed through.
  const [left] = mountsBelow(await mountPoints(), directory);
  if (left !== undefined) throw new Error(`${left} is still mounted`);
}
