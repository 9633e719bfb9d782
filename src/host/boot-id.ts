import { readFile } from 'node:fs/promises';

/**
 * The kernel's id of this boot: a new one tells that every process, mount and network namespace of before is
 * gone, and that process ids and cgroups mean nothing any more.
 */
export async function observeBootId(path = '/proc/sys/kernel/random/boot_id'): Promise<string> {
  return (await readFile(path, 'utf8')).trim();
}
