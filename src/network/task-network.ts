import type { ContainerId } from '../task/ids.ts';
import type { ContainerSpec, NetworkMode, TaskSpec } from '../task/task-spec.ts';
import type { ContainerNetwork, KnownOwners, LinkedContainer, Network } from './network.ts';

/** The network of one mode; loaded when the first task needs it, or at once when there is something of it. */
export interface NetworkOfMode {
  readonly mode: NetworkMode;
  /** As a network's, without loading it; absent: it takes every task of its mode. */
  readonly refusal?: (task: TaskSpec) => string | undefined;
  /** Whether an earlier run of the agent left something of it on the host. */
  isInUse(): Promise<boolean>;
  load(): Promise<Network>;
}

/** Gives every task the network of its mode; what an idle agent does not use is not loaded. */
export class TaskNetwork implements Network {
  readonly #host: Network;
  readonly #modes: ReadonlyMap<NetworkMode, NetworkOfMode>;
  readonly #loaded = new Map<NetworkMode, Promise<Network>>();

  private constructor(host: Network, modes: readonly NetworkOfMode[]) {
    this.#host = host;
    this.#modes = new Map(modes.map((mode) => [mode.mode, mode]));
  }

  /** `host` serves the modes that need no network of their own. Takes up what an earlier run left. */
  static async open(host: Network, modes: readonly NetworkOfMode[]): Promise<TaskNetwork> {
    const network = new TaskNetwork(host, modes);
    for (const { mode, isInUse } of modes) if (await isInUse()) await network.#load(mode);
    return network;
  }

  refusal(task: TaskSpec): string | undefined {
    const { networkMode } = task;
    if (this.#isKnown(task)) return this.#modes.get(networkMode)?.refusal?.(task);
    const known = ['host', 'none', ...this.#modes.keys()].join(', ');
    const hint =
      networkMode === 'awsvpc' ? '; awsvpc needs ECS_ENABLE_TASK_ENI=true and an instance in a VPC' : '';
    return `network mode "${networkMode}" is not available on this instance, which runs tasks of the modes ${known}${hint}`;
  }

  async prepareContainerNetwork(
    task: TaskSpec,
    container: ContainerSpec,
    options: { id: ContainerId; links?: readonly LinkedContainer[]; signal: AbortSignal },
  ): Promise<ContainerNetwork> {
    // Has only `lo`, whatever the mode of its task.
    if (container.options.networkDisabled === true)
      return await this.#host.prepareContainerNetwork({ ...task, networkMode: 'none' }, container, options);
    return await (await this.#of(task)).prepareContainerNetwork(task, container, options);
  }

  async completeContainerNetwork(
    task: TaskSpec,
    container: ContainerSpec,
    options: { id: ContainerId; signal: AbortSignal },
  ): Promise<void> {
    const network = container.options.networkDisabled === true ? this.#host : await this.#of(task);
    await network.completeContainerNetwork(task, container, options);
  }

  async releaseContainerNetwork(
    task: TaskSpec,
    options: { id: ContainerId; signal: AbortSignal },
  ): Promise<void> {
    await (await this.#of(task)).releaseContainerNetwork(task, options);
  }

  async releaseTaskNetwork(task: TaskSpec, options: { signal: AbortSignal }): Promise<void> {
    if (this.#isKnown(task)) await (await this.#of(task)).releaseTaskNetwork(task, options);
  }

  async removeTaskNetwork(task: TaskSpec, options: { signal: AbortSignal }): Promise<void> {
    if (this.#isKnown(task)) await (await this.#of(task)).removeTaskNetwork(task, options);
    if (task.containers.some((container) => container.options.networkDisabled === true))
      await this.#host.removeTaskNetwork(task, options);
  }

  async removeLeftovers(known: KnownOwners, options: { signal: AbortSignal }): Promise<void> {
    await this.#host.removeLeftovers(known, options);
    for (const network of await Promise.all(this.#loaded.values()))
      await network.removeLeftovers(known, options);
  }

  async close(): Promise<void> {
    await Promise.all([this.#host, ...(await Promise.all(this.#loaded.values()))].map((n) => n.close()));
  }

  /** Of a task that was refused for its mode there is nothing. */
  #isKnown(task: TaskSpec): boolean {
    return this.#host.refusal(task) === undefined || this.#modes.has(task.networkMode);
  }

  async #of(task: TaskSpec): Promise<Network> {
    return this.#host.refusal(task) === undefined ? this.#host : await this.#load(task.networkMode);
  }

  async #load(mode: NetworkMode): Promise<Network> {
    const known = this.#loaded.get(mode);
    if (known !== undefined) return await known;
    const entry = this.#modes.get(mode);
    if (entry === undefined) throw new Error(`there is no network of mode ${mode}`);
    const loading = entry.load();
    this.#loaded.set(mode, loading);
    // A failure is told to the caller; the next one tries again.
    loading.catch(() => this.#loaded.delete(mode));
    return await loading;
  }
}
