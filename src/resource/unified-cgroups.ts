import { killProcesses, processesIn, readCgroupFile, writeCgroupFile } from '../host/cgroupfs.ts';
import { CgroupsUnavailableError } from './cgroup-errors.ts';

/** Controllers without which task limits are none (RES-13). */
const REQUIRED_CONTROLLERS = ['cpu', 'memory'];

/** Throws CgroupsUnavailableError when the unified hierarchy at `root` lacks a controller that we need. */
export async function requireControllers(root: string): Promise<readonly string[]> {
  const present = ((await readCgroupFile(root, 'cgroup.controllers')) ?? '').split(' ');
  const missing = REQUIRED_CONTROLLERS.filter((controller) => !present.includes(controller));
  if (missing.length > 0)
    throw new CgroupsUnavailableError(
      `the cgroup v2 hierarchy at ${root} has no ${missing.join(' and no ')} controller`,
    );
  return present;
}

/** Whether a process is in the cgroup or below it; a missing cgroup has none. */
export async function isPopulated(directory: string): Promise<boolean> {
  return ((await readCgroupFile(directory, 'cgroup.events')) ?? '').split('\n').includes('populated 1');
}

/** Kills all in the cgroup and below it, at one stroke where the kernel can (5.14), else frozen meanwhile. */
export async function killPopulation(directory: string): Promise<void> {
  if ((await readCgroupFile(directory, 'cgroup.events')) === undefined) return;
  try {
    return await writeCgroupFile(directory, 'cgroup.kill', '1');
  } catch {
    await killOneByOne(directory);
  }
}

async function killOneByOne(directory: string): Promise<void> {
  const canFreeze = (await readCgroupFile(directory, 'cgroup.freeze')) !== undefined;
  if (canFreeze) await writeCgroupFile(directory, 'cgroup.freeze', '1');
  try {
    killProcesses(await processesIn(directory));
  } finally {
    if (canFreeze) await writeCgroupFile(directory, 'cgroup.freeze', '0');
  }
}
