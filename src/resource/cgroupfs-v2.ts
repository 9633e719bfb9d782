import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  childCgroups,
  processesIn,
  readCgroupFile,
  removeCgroupTree,
  removeIfEmpty,
  writeCgroupFile,
} from '../host/cgroupfs.ts';
import type { CgroupParent } from '../runtime/runtime.ts';
import type { ContainerId, TaskId } from '../task/ids.ts';
import { CgroupsUnavailableError, creationError, occupiedError } from './cgroup-errors.ts';
import { type CgroupSettings, cgroupValues, v2Files } from './cgroup-values.ts';
import type { TaskCgroups, TaskLimits } from './task-cgroups.ts';
import { taskIdOfName } from './task-id-of-name.ts';
import { isPopulated, killPopulation, requireControllers } from './unified-cgroups.ts';

/** Controllers that containers may have limits of; handed down where the host has them. */
const DELEGATED_CONTROLLERS = ['cpuset', 'cpu', 'io', 'memory', 'pids'];

/** Task cgroups `/<name>/<task id>` of a unified host whose cgroups nobody else manages. */
export class CgroupfsV2 implements TaskCgroups {
  readonly driver = 'cgroupfs';
  readonly version = 2;
  readonly #root: string;
  readonly #name: string;
  readonly #controllers: readonly string[];
  readonly #settings: CgroupSettings;

  private constructor(root: string, name: string, controllers: readonly string[], settings: CgroupSettings) {
    this.#root = root;
    this.#name = name;
    this.#controllers = controllers;
    this.#settings = settings;
  }

  /** Makes `<root>/<name>` and hands the controllers down to it. Throws CgroupsUnavailableError. */
  static async open(root: string, name: string, settings: CgroupSettings): Promise<CgroupfsV2> {
    const present = await requireControllers(root);
    const controllers = DELEGATED_CONTROLLERS.filter((controller) => present.includes(controller));
    const cgroups = new CgroupfsV2(root, name, controllers, settings);
    try {
      await cgroups.#handDown(root);
      await mkdir(join(root, name), { recursive: true });
      await cgroups.#handDown(join(root, name));
    } catch (error) {
      throw new CgroupsUnavailableError(
        `the cgroup ${join(root, name)} cannot be made: ${String(error)}`,
        error,
      );
    }
    return cgroups;
  }

  async ensure(taskId: TaskId, limits: TaskLimits): Promise<CgroupParent> {
    const directory = this.#taskDirectory(taskId);
    try {
      await mkdir(directory, { recursive: true });
      await this.#handDown(directory);
      for (const { file, value } of v2Files(cgroupValues(limits, this.#settings)))
        await writeCgroupFile(directory, file, value);
    } catch (error) {
      throw creationError(error);
    }
    return { driver: 'cgroupfs', path: join('/', this.#name, taskId) };
  }

  async isEmpty(taskId: TaskId, containerId: ContainerId): Promise<boolean> {
    return !(await isPopulated(join(this.#taskDirectory(taskId), containerId)));
  }

  async kill(taskId: TaskId, containerId: ContainerId): Promise<void> {
    await killPopulation(join(this.#taskDirectory(taskId), containerId));
  }

  async remove(taskId: TaskId): Promise<void> {
    const directory = this.#taskDirectory(taskId);
    if (await isPopulated(directory)) throw occupiedError(directory, await processesIn(directory));
    await removeCgroupTree(directory);
  }

  async list(): Promise<readonly TaskId[]> {
    const names = await childCgroups(join(this.#root, this.#name));
    return names.map(taskIdOfName).filter((id) => id !== undefined);
  }

  async close(): Promise<void> {
    await removeIfEmpty(join(this.#root, this.#name));
  }

  #taskDirectory(taskId: TaskId): string {
    return join(this.#root, this.#name, taskId);
  }

  /** Lets cgroups right below use the controllers; those that are handed down already are left alone. */
  async #handDown(directory: string): Promise<void> {
    const enabled = ((await readCgroupFile(directory, 'cgroup.subtree_control')) ?? '').split(' ');
    const missing = this.#controllers.filter((controller) => !enabled.includes(controller));
    if (missing.length === 0) return;
    await writeCgroupFile(directory, 'cgroup.subtree_control', missing.map((name) => `+${name}`).join(' '));
  }
}
