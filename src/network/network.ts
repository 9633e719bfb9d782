import type { BindMount, NetworkNamespace } from '../runtime/runtime.ts';
import type { ContainerId } from '../task/ids.ts';
import type { ContainerSpec, TaskSpec } from '../task/task-spec.ts';

/**
 * The network of one container: its namespace and the files about names (networking.md §5). Made before the
 * container and removed with the task; both may be repeated.
 */
export interface Network {
  /** Why this task's network cannot be had here, or undefined. Asked once, before anything is made. */
  refusal(task: TaskSpec): string | undefined;
  /** `id` is the runtime id of this generation of the container: its first 12 characters are the default name. */
  ensureContainerNetwork(
    task: TaskSpec,
    container: ContainerSpec,
    options: { id: ContainerId; signal: AbortSignal },
  ): Promise<ContainerNetwork>;
  /** Removes everything that was made for the task. */
  removeTaskNetwork(task: TaskSpec, options: { signal: AbortSignal }): Promise<void>;
}

export interface ContainerNetwork {
  readonly namespace: NetworkNamespace;
  readonly hostname: string;
  /** /etc/hosts, /etc/hostname and /etc/resolv.conf. */
  readonly mounts: readonly BindMount[];
}
