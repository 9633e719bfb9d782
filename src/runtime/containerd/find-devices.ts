import type { Stats } from 'node:fs';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TaskError } from '../../task/errors.ts';
import type { DeviceMapping } from '../../task/task-spec.ts';
import type { OciDevice } from './oci/oci-types.ts';

/** A device of the host as a container is to have it. */
export interface FoundDevice extends OciDevice {
  /** Of `r`, `w` and `m`. */
  readonly access: string;
}

/** Folders of /dev that every container has of its own, and what belongs to the host's terminals alone. */
const NOT_THE_HOSTS = new Set(['pts', 'shm', 'mqueue', 'fd', 'console', '.lxc', '.lxd-mounts', '.udev']);
const ALL_ACCESS = 'rwm';

/**
 * The devices that the mappings name; of a folder all that are in it. Rejects with CannotCreateContainerError for
 * one that is not on this host, or is no device.
 */
export async function findDevices(mappings: readonly DeviceMapping[]): Promise<readonly FoundDevice[]> {
  return (await Promise.all(mappings.map(findMapped))).flat();
}

/** Every device of the host: what a privileged container has. */
export async function findHostDevices(): Promise<readonly FoundDevice[]> {
  return await findInFolder('/dev', '/dev', ALL_ACCESS);
}

async function findMapped({
  pathOnHost,
  pathInContainer,
  permissions,
}: DeviceMapping): Promise<readonly FoundDevice[]> {
  const destination = pathInContainer || pathOnHost;
  const access = permissions || ALL_ACCESS;
  if (!/^[rwm]+$/.test(access))
    throw refused(`${pathOnHost} with permissions "${access}"; they are of r, w and m`);
  const found = await stat(pathOnHost).catch(() => undefined);
  if (found === undefined) throw refused(`${pathOnHost} is not on this host`);
  if (found.isDirectory()) {
    const devices = await findInFolder(pathOnHost, destination, access);
    if (devices.length === 0) throw refused(`no device is in ${pathOnHost}`);
    return devices;
  }
  const device = deviceOf(found, destination, access);
  if (device === undefined) throw refused(`${pathOnHost} is no device`);
  return [device];
}

async function findInFolder(
  folder: string,
  destination: string,
  access: string,
): Promise<readonly FoundDevice[]> {
  const names = (await readdir(folder)).filter((name) => !NOT_THE_HOSTS.has(name)).sort();
  const found = await Promise.all(
    names.map(async (name): Promise<readonly FoundDevice[]> => {
      const [path, inside] = [join(folder, name), join(destination, name)];
      // Links are left out as under Docker; what goes away while it is looked at is not there.
      const seen = await lstat(path).catch(() => undefined);
      if (seen?.isDirectory()) return await findInFolder(path, inside, access);
      const device = seen === undefined ? undefined : deviceOf(seen, inside, access);
      return device === undefined ? [] : [device];
    }),
  );
  return found.flat();
}

function deviceOf(stats: Stats, path: string, access: string): FoundDevice | undefined {
  const type = stats.isBlockDevice() ? 'b' : stats.isCharacterDevice() ? 'c' : undefined;
  if (type === undefined) return undefined;
  const { major, minor } = numbersOf(stats.rdev);
  return { type, path, major, minor, fileMode: stats.mode & 0o777, uid: stats.uid, gid: stats.gid, access };
}

/** How glibc packs a device's numbers into 64 bits (makedev(3)): the low bits of each, then the high ones. */
function numbersOf(rdev: number): { readonly major: number; readonly minor: number } {
  const packed = BigInt(rdev);
  const major = ((packed >> 8n) & 0xfffn) | ((packed >> 32n) & 0xffff_f000n);
  const minor = (packed & 0xffn) | ((packed >> 12n) & 0xffff_ff00n);
  return { major: Number(major), minor: Number(minor) };
}

function refused(what: string): TaskError {
  return new TaskError('CannotCreateContainerError', `linuxParameters.devices: ${what}`);
}
