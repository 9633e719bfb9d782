import type { BindMount, NetworkNamespace } from '../runtime/runtime.ts';
import type { ContainerSpec, TaskSpec } from '../task/task-spec.ts';

/**
 * The network of one container: its namespace and the files about names (networking.md §5). Made before the
 * container and removed with the task; both may be repeated.
 */
export interface Network {
  /** Why this task's network cannot be had here, or undefined. Asked once, before anything is made. */
  refusal(task: TaskSpec): string | undefined;
  ensureContainerNetwork(
    task: TaskSpec,
    container: ContainerSpec,
    options: { signal: AbortSignal },
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
