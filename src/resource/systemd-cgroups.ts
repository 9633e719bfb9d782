import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { childCgroups, processesIn, readCgroupFile, removeCgroupTree } from '../host/cgroupfs.ts';
import type { CgroupParent } from '../runtime/runtime.ts';
import type { ContainerId, TaskId } from '../task/ids.ts';
import { creationError, occupiedError } from './cgroup-errors.ts';
import { type CgroupFile, type CgroupSettings, cgroupValues, v2Files } from './cgroup-values.ts';
import type { SystemdManager } from './systemd-bus.ts';
import { SliceNames, sliceIdentity, sliceLimits } from './systemd-slice.ts';
import type { TaskCgroups, TaskLimits } from './task-cgroups.ts';
import { taskIdOfName } from './task-id-of-name.ts';
import { isPopulated, killPopulation, requireControllers } from './unified-cgroups.ts';

/** systemd answers a call before its job is done; this long is waited for the effect. */
const EFFECT_TIMEOUT_MS = 5_000;
const EFFECT_POLL_MS = 10;
/** Prefix of the scopes that the runtime makes for containers. */
const SCOPE_PREFIX = 'ecs';

/**
 * Task slices of a unified host that systemd manages. Limits go through systemd, which would undo them if they
 * were written beside it, and count once they read back from the kernel.
 */
export class SystemdCgroups implements TaskCgroups {
  readonly driver = 'systemd';
  readonly version = 2;
  readonly #root: string;
  readonly #names: SliceNames;
  readonly #settings: CgroupSettings;
  readonly #manager: SystemdManager;

  private constructor(root: string, name: string, settings: CgroupSettings, manager: SystemdManager) {
    this.#root = root;
    this.#names = new SliceNames(name);
    this.#settings = settings;
    this.#manager = manager;
  }

  /** Throws CgroupsUnavailableError when the host lacks a controller. */
  static async open(
    root: string,
    name: string,
    settings: CgroupSettings,
    manager: SystemdManager,
  ): Promise<SystemdCgroups> {
    await requireControllers(root);
    return new SystemdCgroups(root, name, settings, manager);
  }

  /** The parent slice is systemd's to keep. */
  async close(): Promise<void> {}

  async ensure(taskId: TaskId, limits: TaskLimits): Promise<CgroupParent> {
    const slice = this.#names.slice(taskId);
    const directory = this.#sliceDirectory(taskId);
    const values = cgroupValues(limits, this.#settings);
    try {
      if (!(await areInForce(directory, v2Files(values)))) {
        await this.#startOrChange(taskId, slice, values);
        const isDone = await within(EFFECT_TIMEOUT_MS, () => areInForce(directory, v2Files(values)));
        if (!isDone)
          throw new Error(`systemd took the limits of ${slice}, but ${directory} does not show them`);
      }
    } catch (error) {
      throw creationError(error);
    }
    return { driver: 'systemd', slice };
  }

  async isEmpty(taskId: TaskId, containerId: ContainerId): Promise<boolean> {
    return !(await isPopulated(this.#scopeDirectory(taskId, containerId)));
  }

  async kill(taskId: TaskId, containerId: ContainerId): Promise<void> {
    await killPopulation(this.#scopeDirectory(taskId, containerId));
  }

  /** Stopping a slice would kill what is in it, hence the look before. */
  async remove(taskId: TaskId): Promise<void> {
    const directory = this.#sliceDirectory(taskId);
    if (!(await exists(directory))) return;
    if (await isPopulated(directory)) throw occupiedError(directory, await processesIn(directory));
    await this.#manager.stopUnit(this.#names.slice(taskId));
    await within(EFFECT_TIMEOUT_MS, async () => !(await exists(directory)));
    await removeCgroupTree(directory);
  }

  async list(): Promise<readonly TaskId[]> {
    const names = await childCgroups(join(this.#root, this.#names.parent));
    return names.map((name) => taskIdOfName(this.#names.idIn(name) ?? '')).filter((id) => id !== undefined);
  }

  async #startOrChange(
    taskId: TaskId,
    slice: string,
    values: Parameters<typeof sliceLimits>[0],
  ): Promise<void> {
    const limits = sliceLimits(values);
    if (await exists(this.#sliceDirectory(taskId)))
      return await this.#manager.setUnitProperties(slice, limits);
    const identity = sliceIdentity(taskId, this.#names.parent);
    await this.#manager.startTransientUnit(slice, [...identity, ...limits]);
  }

  #sliceDirectory(taskId: TaskId): string {
    return join(this.#root, this.#names.parent, this.#names.slice(taskId));
  }

  #scopeDirectory(taskId: TaskId, containerId: ContainerId): string {
    return join(this.#sliceDirectory(taskId), `${SCOPE_PREFIX}-${containerId}.scope`);
  }
}

async function exists(directory: string): Promise<boolean> {
  return (await readCgroupFile(directory, 'cgroup.events')) !== undefined;
}

async function areInForce(directory: string, files: readonly CgroupFile[]): Promise<boolean> {
  const found = await Promise.all(files.map(({ file }) => readCgroupFile(directory, file)));
  return files.every((expected, index) => isSame(expected, found[index]));
}

/** systemd keeps a quota as time per second, so its last digits may differ. */
function isSame({ file, value }: CgroupFile, found: string | undefined): boolean {
  if (found === undefined || file !== 'cpu.max') return found === value;
  const share = (text: string) => {
    const [quota, period] = text.split(' ').map(Number);
    return (quota ?? Number.NaN) / (period ?? Number.NaN);
  };
  return Math.abs(share(found) - share(value)) <= share(value) / 100;
}

async function within(timeoutMs: number, condition: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(EFFECT_POLL_MS);
  }
  return true;
}
