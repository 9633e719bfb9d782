import type { KnownOwners } from '../network/network.ts';
import type { BindMount } from '../runtime/runtime.ts';
import type { ContainerAddresses } from '../task/container-facts.ts';
import type { TaskArn } from '../task/ids.ts';
import type { PortBinding } from '../task/port-mapping.ts';
import type { ContainerSpec, TaskSpec } from '../task/task-spec.ts';
import type { TaskState } from '../task/task-state.ts';

/** How a container sees the file that tells it of itself. */
export interface MetadataFileView {
  readonly mount: BindMount;
  readonly environment: Readonly<Record<string, string>>;
}

/** What the runtime told at the start, where it chose ports and addresses itself. */
export interface StartedNetwork {
  readonly bindings: readonly PortBinding[];
  readonly addresses?: ContainerAddresses;
}

/**
 * Files in which containers read of themselves (metadata-endpoints.md §8.1). A file that cannot be written is told
 * and costs nobody anything: no call rejects. Each may be repeated.
 */
export interface MetadataFiles {
  /** Before the container is made: a file with what is known by then. Undefined: it could not be written. */
  prepare(task: TaskSpec, container: ContainerSpec): Promise<MetadataFileView | undefined>;
  /** The container runs: the file tells everything and says so. */
  complete(task: TaskState, container: string, network?: StartedNetwork): Promise<void>;
  /** Removes the files of a task. */
  removeTask(task: TaskArn): Promise<void>;
  /** Removes the files of tasks that nobody knows. */
  removeLeftovers(known: KnownOwners): Promise<void>;
}
