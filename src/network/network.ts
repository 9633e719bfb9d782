import type { BindMount, NetworkNamespace } from '../runtime/runtime.ts';
import type { ContainerAddresses } from '../task/container-facts.ts';
import type { ContainerId, TaskId } from '../task/ids.ts';
import type { PortBinding } from '../task/port-mapping.ts';
import type { ContainerSpec, TaskSpec } from '../task/task-spec.ts';

/**
 * The network of one container: its namespace, its published ports and the files about names (networking.md §5).
 * Prepared before the container is made, completed before its process runs, released after its end, removed with the
 * task; every call may be repeated.
 */
export interface Network {
  /** Why this task's network cannot be had here, or undefined. Asked once, before anything is made. */
  refusal(task: TaskSpec): string | undefined;
  /**
   * Settles all that the container is made with, quickly. `id` is the runtime id of this generation of the container:
   * its first 12 characters are the default name.
   */
  prepareContainerNetwork(
    task: TaskSpec,
    container: ContainerSpec,
    options: { id: ContainerId; links?: readonly LinkedContainer[]; signal: AbortSignal },
  ): Promise<ContainerNetwork>;
  /** Makes what was promised then true: nothing of the container may run before. */
  completeContainerNetwork(
    task: TaskSpec,
    container: ContainerSpec,
    options: { id: ContainerId; signal: AbortSignal },
  ): Promise<void>;
  /**
   * Takes away what a container has on the host while it runs: its link, its addresses, its published ports.
   * To be called when its process is gone for good; others may have them at once.
   */
  releaseContainerNetwork(task: TaskSpec, options: { id: ContainerId; signal: AbortSignal }): Promise<void>;
  /**
   * Gives back what the task as a whole has on the host while it runs, such as its ENI. To be called when the
   * processes of all its containers are gone for good.
   */
  releaseTaskNetwork(task: TaskSpec, options: { signal: AbortSignal }): Promise<void>;
  /** Removes everything that was made for the task. */
  removeTaskNetwork(task: TaskSpec, options: { signal: AbortSignal }): Promise<void>;
  /** Removes what carries our name and belongs to nobody that is known at the moment of its removal. */
  removeLeftovers(known: KnownOwners, options: { signal: AbortSignal }): Promise<void>;
  /** Lets go; where no container has a network any more, what they shared is removed too. */
  close(): Promise<void>;
}

/** A container of the task that runs and that another one knows by an alias. */
export interface LinkedContainer {
  readonly id: ContainerId;
  /** The shown name. */
  readonly name: string;
  readonly hostname: string;
  readonly alias: string;
  readonly ipv4: string;
}

/** What a network says of itself; pino's logger fits. */
export interface NetworkLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface KnownOwners {
  knowsContainer(id: ContainerId): boolean;
  knowsTask(id: TaskId): boolean;
}

export interface ContainerNetwork {
  readonly namespace: NetworkNamespace;
  readonly hostname: string;
  /** /etc/hosts, /etc/hostname and /etc/resolv.conf. */
  readonly mounts: readonly BindMount[];
  /** Published ports, as ECS is told; the same ones at every call. */
  readonly bindings: readonly PortBinding[];
  /** Absent where the container has none of its own. */
  readonly addresses?: ContainerAddresses;
}
