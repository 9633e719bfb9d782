import type { CopiedDirectory } from '../image/images.ts';
import type { KnownOwners } from '../network/network.ts';
import type { BindMount } from '../runtime/runtime.ts';
import type { ContainerId, TaskId } from '../task/ids.ts';
import type { ContainerSpec, TaskSpec } from '../task/task-spec.ts';

/**
 * Volumes of tasks as directories of the host (resources.md §5), so that any runtime can mount them. A *volume* has
 * a name and a directory; task-scoped ones and those without a name go with their task or container, shared ones
 * and directories of the host stay. Records precede effects and every call may be repeated. Failures that need
 * somebody to change something are `TaskError`s.
 */
export interface TaskVolumes {
  /** Why this host does not have a shared volume of the task, or undefined. Asked once, before anything is made. */
  refusal(task: TaskSpec): string | undefined;
  /** Makes the task's own volumes and finds the shared ones. */
  ensureTaskVolumes(task: TaskSpec, options: { signal: AbortSignal }): Promise<void>;
  /** Everything that the container mounts, made, mounted and filled on the host. */
  ensureContainerMounts(
    request: ContainerMounts,
    options: { signal: AbortSignal },
  ): Promise<readonly BindMount[]>;
  /** Before a start of a container that was created earlier: mounts of volumes do not outlive the host's reboot. */
  ensureMounted(id: ContainerId, options: { signal: AbortSignal }): Promise<void>;
  /** The container's process is gone: file systems that no other container uses are unmounted. */
  releaseContainer(id: ContainerId, options: { signal: AbortSignal }): Promise<void>;
  /** The container is gone: so are its volumes without a name, unless another container has them too. */
  removeContainer(id: ContainerId, options: { signal: AbortSignal }): Promise<void>;
  /** Removes the task-scoped volumes of a task whose containers are gone. */
  removeTask(id: TaskId, options: { signal: AbortSignal }): Promise<void>;
  /** Removes what belongs to nobody that is known at the moment of its removal. */
  removeLeftovers(known: KnownOwners, options: { signal: AbortSignal }): Promise<void>;
}

/** A container whose mounts are wanted. */
export interface ContainerMounts {
  readonly task: TaskSpec;
  readonly container: ContainerSpec;
  readonly id: ContainerId;
  /** Runtime id of another container of the task. */
  idOf(container: string): ContainerId;
  /** `VOLUME`s of its image. */
  readonly imageVolumes: readonly string[];
  /** Copies what the image has at a path into a directory. */
  fill(path: string, directory: string, options: { signal: AbortSignal }): Promise<CopiedDirectory>;
}
