import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type CgroupMount,
  childCgroups,
  killProcesses,
  processesIn,
  readCgroupFile,
  removeCgroupTree,
  removeIfEmpty,
  writeCgroupFile,
} from '../host/cgroupfs.ts';
import type { CgroupParent } from '../runtime/runtime.ts';
import type { ContainerId, TaskId } from '../task/ids.ts';
import { CgroupsUnavailableError, creationError, occupiedError } from './cgroup-errors.ts';
import { type CgroupSettings, cgroupValues, v1Files } from './cgroup-values.ts';
import type { TaskCgroups, TaskLimits } from './task-cgroups.ts';
import { taskIdOfName } from './task-id-of-name.ts';

const REQUIRED_CONTROLLERS = ['cpu', 'memory'];
/** A child cannot take processes in before these say which CPUs and memory nodes they may use. */
const CPUSET_FILES = ['cpuset.cpus', 'cpuset.mems'];

/**
 * Task cgroups `/<name>/<task id>` in every hierarchy of a v1 or hybrid host. Hierarchies differ in what the
 * runtime makes in them, so emptiness, kill and removal look at all of them, the v2 one of a hybrid too.
 */
export class CgroupfsV1 implements TaskCgroups {
  readonly driver = 'cgroupfs';
  readonly version = 1;
  readonly #mounts: readonly CgroupMount[];
  readonly #name: string;
  readonly #settings: CgroupSettings;

  private constructor(mounts: readonly CgroupMount[], name: string, settings: CgroupSettings) {
    this.#mounts = mounts;
    this.#name = name;
    this.#settings = settings;
  }

  /** Makes `/<name>` in every controller's hierarchy (resources.md §2.1). Throws CgroupsUnavailableError. */
  static async open(
    mounts: readonly CgroupMount[],
    name: string,
    settings: CgroupSettings,
  ): Promise<CgroupfsV1> {
    for (const controller of REQUIRED_CONTROLLERS)
      if (!mounts.some(({ options }) => options.includes(controller)))
        throw new CgroupsUnavailableError(
          `no cgroup hierarchy with the controller "${controller}" is mounted`,
        );
    const cgroups = new CgroupfsV1(mounts, name, settings);
    try {
      await cgroups.#make(join('/', name));
    } catch (error) {
      throw new CgroupsUnavailableError(`the cgroup /${name} cannot be made: ${String(error)}`, error);
    }
    return cgroups;
  }

  async ensure(taskId: TaskId, limits: TaskLimits): Promise<CgroupParent> {
    const path = this.#taskPath(taskId);
    try {
      await this.#make(path);
      for (const { controller, file, value } of v1Files(cgroupValues(limits, this.#settings)))
        await this.#set(controller, path, file, value);
    } catch (error) {
      throw creationError(error);
    }
    return { driver: 'cgroupfs', path };
  }

  async isEmpty(taskId: TaskId, containerId: ContainerId): Promise<boolean> {
    return (await this.#processes(join(this.#taskPath(taskId), containerId))).length === 0;
  }

  /** Frozen meanwhile, so that a fork bomb cannot outrun the signals; they act at the thaw. */
  async kill(taskId: TaskId, containerId: ContainerId): Promise<void> {
    const path = join(this.#taskPath(taskId), containerId);
    await this.#setFreezer(path, 'FROZEN');
    try {
      killProcesses(await this.#processes(path));
    } finally {
      await this.#setFreezer(path, 'THAWED');
    }
  }

  async remove(taskId: TaskId): Promise<void> {
    const path = this.#taskPath(taskId);
    const pids = await this.#processes(path);
    if (pids.length > 0) throw occupiedError(path, pids);
    await Promise.all(this.#mounts.map(({ mountPoint }) => removeCgroupTree(join(mountPoint, path))));
  }

  async list(): Promise<readonly TaskId[]> {
    const names = await Promise.all(
      this.#mounts.map(({ mountPoint }) => childCgroups(join(mountPoint, this.#name))),
    );
    return [...new Set(names.flat())].map(taskIdOfName).filter((id) => id !== undefined);
  }

  async close(): Promise<void> {
    await Promise.all(this.#mounts.map(({ mountPoint }) => removeIfEmpty(join(mountPoint, this.#name))));
  }

  #taskPath(taskId: TaskId): string {
    return join('/', this.#name, taskId);
  }

  async #make(path: string): Promise<void> {
    for (const { mountPoint, version, options } of this.#mounts) {
      if (version === 2) continue;
      const directory = join(mountPoint, path);
      await mkdir(directory, { recursive: true });
      if (options.includes('cpuset')) await inheritCpuset(mountPoint, directory);
    }
  }

  async #set(controller: string, path: string, file: string, value: string): Promise<void> {
    const mount = this.#mounts.find(({ options }) => options.includes(controller));
    if (mount === undefined)
      throw new Error(`no cgroup hierarchy with the controller "${controller}" is mounted`);
    const directory = join(mount.mountPoint, path);
    // Some files refuse even the value they have once there are children: use_hierarchy does.
    if ((await readCgroupFile(directory, file)) !== value) await writeCgroupFile(directory, file, value);
  }

  async #setFreezer(path: string, state: 'FROZEN' | 'THAWED'): Promise<void> {
    const mount = this.#mounts.find(({ options }) => options.includes('freezer'));
    if (mount === undefined) return;
    const directory = join(mount.mountPoint, path);
    if ((await readCgroupFile(directory, 'freezer.state')) === undefined) return;
    await writeCgroupFile(directory, 'freezer.state', state);
  }

  async #processes(path: string): Promise<readonly number[]> {
    const lists = await Promise.all(
      this.#mounts.map(({ mountPoint }) => processesIn(join(mountPoint, path))),
    );
    return [...new Set(lists.flat())];
  }
}

/** Copies the CPUs and nodes down from the first ancestor that has some; v1 starts children without any. */
async function inheritCpuset(mountPoint: string, directory: string): Promise<void> {
  if (directory === mountPoint) return;
  await inheritCpuset(mountPoint, dirname(directory));
  for (const file of CPUSET_FILES) {
    if ((await readCgroupFile(directory, file)) !== '') continue;
    const value = await readCgroupFile(dirname(directory), file);
    if (value !== undefined) await writeCgroupFile(directory, file, value);
  }
}
